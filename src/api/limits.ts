/** Every limit of the HTTP side, by name. A deployment may change them; tests make them small. */
import { dayMs, minuteMs, secondMs } from "#domain/units.ts";

export const apiLimits = {
  /** A JSON body; reading a larger one is never needed. */
  bodyBytesMax: 64 * 1024,
  /** The bulk import's body. */
  importBytesMax: 8 * 1024 * 1024,
  importRowsMax: 50_000,
  /** A rule document that names thousands of meters one by one. */
  ruleDocumentBytesMax: 256 * 1024,
  backTestDaysMax: 92,
  /** Rows of an import that wait for the engine at the same time: about one batch. */
  importRowsInFlightMax: 256,
  /** Many frames of a gateway in one push; one frame has the limit of any body. */
  pushBytesMax: 1024 * 1024,
  jsonDepthMax: 16,
  headerBytesMax: 16 * 1024,
  /** A percent-encoded area name of 64 characters outside ASCII. */
  pathPartCharactersMax: 640,

  /** The whole request must have arrived by then (slow-loris). */
  requestTimeoutMs: 30 * secondMs,
  /** A socket on which nothing moves, in either direction. */
  connectionTimeoutMs: 60 * secondMs,
  keepAliveTimeoutMs: 30 * secondMs,
  handlerTimeoutMs: 30 * secondMs,
  /** Imports and exports of a whole city. */
  bulkHandlerTimeoutMs: 10 * minuteMs,
  connectionsMax: 4_096,
  /** At closing, requests that still run may take this long. */
  closeGraceMs: 5 * secondMs,

  rateWindowMs: minuteMs,
  requestsPerWindowAndKey: 60_000,
  requestsPerWindowAndAddress: 600,
  /** A platform pushes for a whole city from one address. */
  pushesPerWindowAndAddress: 60_000,
  /** How long a caller is told to wait when the store or the query worker cannot take more. */
  retryAfterSeconds: 2,

  pageRowsDefault: 100,
  pageRowsMax: 1_000,
  /** Meters whose registers are put together at a time in a stream for billing. */
  billingRowsPerLook: 200,
  eventRowsDefault: 1_000,
  /** Alarm events that key figures are made of; more would hold up the loop. */
  figureEventsMax: 50_000,
  figureDaysMax: 92,
  eventRowsMax: 10_000,
  /** Raw frames may have 64 KiB each; `limit` may ask for more rows but a page ends here. */
  rawFrameRowsMax: 250,
  /** Readings beside an alarm, as its explanation. */
  explanationRowsMax: 50,
  /** Occurrences of one alarm that are explained, the newest. */
  occurrenceRowsMax: 20,
  readingsRangeMsMax: 400 * dayMs,
  /** `to` when none is given lies this far ahead of now: measured times may run ahead a little. */
  readingsAheadMs: dayMs,

  /** Approved or taken back in one request; closing more by hand is a campaign's matter. */
  commandsPerRequestMax: 250,
  /** Standing alarms that an Alertmanager's client is shown at once. */
  alertmanagerAlarmsMax: 5_000,
  /** Alarms that one silence shelves. */
  silencedAlarmsMax: 500,

  commandExpirySecondsDefault: 900,
  commandExpirySecondsMin: 1,
  commandExpirySecondsMax: 7 * 24 * 3600,
  /** A permission to open is for one visit. */
  permitExpirySecondsMax: 24 * 3600,

  /** Newest events kept in memory for live clients; older ones come from the store. */
  liveRingEvents: 10_000,
  livePageEvents: 500,
  liveClientsMax: 200,
  /** Nothing more is written to a live client that has this much unread. */
  liveBufferedBytesMax: 1024 * 1024,
  /**
   * A client that does not read its buffer half empty in this time is cut; it resumes by sequence.
   */
  liveDrainTimeoutMs: 10 * secondMs,
  liveHeartbeatMs: secondMs,
  /** How long a closed live socket may take to say goodbye. */
  liveCloseTimeoutMs: 2 * secondMs,
  /** A client has nothing to say but ping and pong. */
  liveFrameBytesMax: 4 * 1024,
  liveFragmentsMax: 8,
} as const;

export type ApiLimits = { readonly [Name in keyof typeof apiLimits]: number };

/** Every limit of the MQTT listener, each with its name; reaching one is a named event. */
import { minuteMs, secondMs } from "#domain/units.ts";

export interface MqttLimits {
  /** A CONNECT with a name, a secret and a small will needs a tenth of this. */
  readonly frameBytesBeforeLoginMax: number;
  /** The contract's 64 KiB and a topic: what is a little too long still reaches quarantine. */
  readonly frameBytesAfterLoginMax: number;
  /** From admission to the last byte of CONNECT, TLS handshake included: one byte a second is cut. */
  readonly connectTimeoutMs: number;
  /** Keep-alive 0 and longer ones are refused: a half-open connection may not live for ever. */
  readonly keepAliveSecondsMax: number;
  readonly connectionsMax: number;
  /** Connections of one address that have not logged in yet. */
  readonly waitingPerAddressMax: number;
  /** Connections a second that are let in; more of them wait, unread. */
  readonly admissionsPerSecondMax: number;
  /** Connections the kernel may hold for us. */
  readonly backlog: number;
  /** Uplinks of one session that were offered and are not yet durable. */
  readonly uplinksInFlightPerSessionMax: number;
  /** Above these every session may have one uplink in flight, so that an idle meter's leak gets through. */
  readonly uplinksInFlightMax: number;
  readonly uplinkBytesInFlightMax: number;
  /** A session that does not read what we write is cut after this. */
  readonly drainTimeoutMs: number;
  readonly subscriptionsPerSessionMax: number;
  readonly downlinksInFlightPerSessionMax: number;
  /** Wrong secrets of one user name from one address, and how long they count and then wait. */
  readonly loginFailuresMax: number;
  readonly loginWindowMs: number;
  readonly loginWaitMs: number;
  /** Wrong secrets from one address before its refusals are delayed; right ones never are. */
  readonly loginFailuresPerAddressMax: number;
  readonly loginDelayMs: number;
  /** Publishes outside the topic table by one user name before it is a security event. */
  readonly foreignPublishesMax: number;
  /** User names and addresses remembered for the three limits above. */
  readonly rememberedMax: number;
  /** How often live sessions are held against the credentials that exist. */
  readonly credentialCheckMs: number;
  /** SUBSCRIBEs, UNSUBSCRIBEs and PINGREQs of one session between two such checks. */
  readonly asksPerCheckMax: number;
  /** How long a stop waits for the commit of what was taken in. */
  readonly closeGraceMs: number;
}

export const defaultMqttLimits: MqttLimits = {
  frameBytesBeforeLoginMax: 4 * 1024,
  frameBytesAfterLoginMax: 65 * 1024,
  connectTimeoutMs: 5 * secondMs,
  keepAliveSecondsMax: 3_600,
  connectionsMax: 50_000,
  waitingPerAddressMax: 5_000,
  admissionsPerSecondMax: 4_000,
  backlog: 8_192,
  uplinksInFlightPerSessionMax: 64,
  uplinksInFlightMax: 32_768,
  uplinkBytesInFlightMax: 64 * 1024 * 1024,
  drainTimeoutMs: 10 * secondMs,
  subscriptionsPerSessionMax: 2_000,
  downlinksInFlightPerSessionMax: 1_000,
  loginFailuresMax: 5,
  loginWindowMs: 15 * minuteMs,
  loginWaitMs: 15 * minuteMs,
  loginFailuresPerAddressMax: 100,
  loginDelayMs: secondMs,
  foreignPublishesMax: 3,
  rememberedMax: 10_000,
  credentialCheckMs: 5 * secondMs,
  asksPerCheckMax: 5_000,
  closeGraceMs: 5 * secondMs,
};

/** Every limit of pushes over HTTP, beside those of the HTTP side itself. */
export const pushLimits = {
  /** One envelope of one frame, as with any uplink. */
  envelopeBytesMax: 64 * 1024,
  /** Requests of one gateway that wait for their commit. */
  pushesInFlightMax: 16,
  /** Frames of one gateway that wait for their commit: two full pushes. */
  framesInFlightMax: 2_000,
};

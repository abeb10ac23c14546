/**
 * Readings of one uplink into the meter's history. The usual case, everything newer than what is known, goes
 * on from the head; anything older folds the window again, so that the order of arrival leaves no trace.
 */
import { readingFlags, type Reading, type StoredReading } from "#domain/reading.ts";
import type { MeterRuleId } from "#domain/alarm.ts";
import type { DecodedReading } from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";
import { placeInTime, type PlacedReading } from "#screening/placeInTime.ts";
import { settleVersion } from "#screening/versions.ts";
import type { Draft } from "./draft.ts";
import { foldInstant, foldSettings } from "./fold.ts";
import { applyOccurrences, openOnRecord } from "./occurrences.ts";
import { refold } from "./refold.ts";
import { byInstant, isSuspect, keepCheckpoint, type Settled } from "./window.ts";

const nothingNew: Settled = { isNew: false, isSuspect: false, newest: [] };

/** Screens, folds and records the readings of one uplink. */
export function settleReadings(
  draft: Draft,
  decoded: readonly DecodedReading[],
  receivedAtMs: TimestampMs,
  uplinkSeq: number,
): Settled {
  const { placed } = placeInTime(decoded, receivedAtMs);
  const arrivals = arrange(placed, receivedAtMs, uplinkSeq);
  const lastMs = draft.context.head.lastMs;
  const ahead = arrivals.filter((reading) => lastMs === null || reading.measuredAtMs > lastMs);
  const behind = arrivals.slice(0, arrivals.length - ahead.length);
  const inserted: StoredReading[] = [];
  const completed: StoredReading[] = [];
  for (const reading of behind) {
    const settled = settleVersion(draft.history.at(reading.measuredAtMs), reading);
    if (settled.kind === "duplicate") continue;
    if (settled.kind === "completes") completed.push(settled.merged);
    else inserted.push(stored(draft, reading));
  }
  if (inserted.length + completed.length === 0) {
    return ahead.length === 0 ? nothingNew : goAhead(draft, ahead);
  }
  // An event report may carry the same second as the report before it: that is news, not history.
  const atHead = [...inserted, ...completed].filter(({ measuredAtMs }) => measuredAtMs === lastMs);
  const newer = ahead.map((reading) => stored(draft, reading));
  const newest = [...atHead, ...newer];
  return refold(draft, { inserted, completed, newer, newest }, mayRing(draft, newest));
}

/** Sorted by time; what the uplink says twice is said once. */
function arrange(
  placed: readonly PlacedReading[],
  receivedAtMs: TimestampMs,
  uplinkSeq: number,
): readonly Reading[] {
  const readings: Reading[] = [];
  for (const one of placed) {
    const reading = toReading(one, receivedAtMs, uplinkSeq);
    const sameInstant = readings.filter((other) => other.measuredAtMs === reading.measuredAtMs);
    const settled = settleVersion(sameInstant, reading);
    if (settled.kind === "completes") {
      readings[readings.indexOf(settled.stored)] = settled.merged;
    } else if (settled.kind !== "duplicate") {
      readings.push(reading);
    }
  }
  return readings.sort((one, other) => one.measuredAtMs - other.measuredAtMs);
}

function toReading(placed: PlacedReading, receivedAtMs: TimestampMs, uplinkSeq: number): Reading {
  const { decoded, measuredAtMs, flags } = placed;
  return {
    measuredAtMs,
    receivedAtMs,
    deviceAtMs: decoded.measuredAtMs,
    indexMl: decoded.volume?.ml ?? null,
    rawCount: decoded.volume?.count ?? null,
    rawExponent: decoded.volume?.exponent ?? null,
    flowMlPerHour: decoded.flowMlPerHour,
    temperatureCentiC: decoded.temperatureCentiC,
    pressurePa: decoded.pressurePa,
    batteryMv: decoded.batteryMv,
    batteryPct: decoded.batteryPct,
    signalDbm: decoded.signalDbm,
    valve: decoded.valve,
    status: decoded.status,
    quality: "raw",
    flags,
    uplinkSeq,
  };
}

function stored(draft: Draft, reading: Reading): StoredReading {
  return { ...reading, seq: draft.ids.readingSeq(), meterNo: draft.meter.no };
}

/** Old news makes history only; a meter out of service rings for a leak and nothing else. */
function mayRing(draft: Draft, ahead: readonly Reading[]): (rule: MeterRuleId) => boolean {
  const newest = ahead.at(-1);
  const isTimely = newest !== undefined && (newest.flags & readingFlags.LATE) === 0;
  const { lifecycle } = draft.meter;
  return (rule) =>
    isTimely && (lifecycle === "active" || (rule === "R1" && lifecycle !== "closed"));
}

/** The usual way: on from the head. */
function goAhead(draft: Draft, ahead: readonly Reading[]): Settled {
  const settings = foldSettings(draft.meter);
  const recorded = openOnRecord(draft);
  const ended = [];
  const judged: StoredReading[] = [];
  let state = draft.context.head;
  for (const versions of byInstant(ahead)) {
    const folded = foldInstant(settings, state, versions);
    if (folded === undefined) continue;
    state = folded.state;
    ended.push(...folded.ended);
    for (const reading of versions) {
      const { quality, flags } = folded.verdict;
      judged.push(stored(draft, { ...reading, quality, flags: reading.flags | flags }));
    }
    keepCheckpoint(draft, state);
  }
  // A condition known from old data only, which this fresh reading does not deny, rings now.
  const isWaiting = Object.keys(draft.context.silent).length > 0;
  const hasChanged = ended.length > 0 || state.open !== draft.context.head.open;
  draft.context = { ...draft.context, head: state };
  draft.effects.readings.push(...judged);
  if (hasChanged || isWaiting) {
    const atMs = state.lastMs ?? draft.nowMs;
    const change = { recorded, ended, open: state.open, mayRing: mayRing(draft, ahead), atMs };
    applyOccurrences(draft, change);
  }
  return { isNew: true, isSuspect: judged.some(isSuspect), newest: judged };
}

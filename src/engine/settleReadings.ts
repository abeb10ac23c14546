/**
 * Readings of one uplink into the meter's history. The usual case, everything newer than what is known, goes
 * on from the head; anything older folds the window again, so that the order of arrival leaves no trace.
 */
import { invariant } from "#domain/invariant.ts";
import { readingFlags, type Reading, type StoredReading } from "#domain/reading.ts";
import type { MeterRuleId } from "#domain/alarm.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { PlacedReading, Placing } from "#screening/placeInTime.ts";
import { settleVersion } from "#screening/versions.ts";
import type { Draft } from "./draft.ts";
import { isListed } from "#rules/ruleTable.ts";
import { foldInstant } from "./fold.ts";
import { applyOccurrences, openOnRecord } from "./occurrences.ts";
import { isBeyondWindow, recordBeyondWindow, refold, settingsAt, type LateRow } from "./refold.ts";
import { isStilled } from "./shutValve.ts";
import { byInstant, isSuspect, keepCheckpoint, setHead, type Settled } from "./window.ts";

const nothingNew: Settled = { isNew: false, isSuspect: false, readings: [], newest: [] };

/** Screens, folds and records the readings of one uplink. */
export function settleReadings(
  draft: Draft,
  { placed, unplaced }: Placing,
  receivedAtMs: TimestampMs,
  uplinkSeq: number,
): Settled {
  const settled = settleArrivals(draft, arrange(placed, receivedAtMs, uplinkSeq));
  // What has no place in time is only in the uplink's bytes, so the uplink must be found again.
  return { ...settled, isSuspect: settled.isSuspect || (settled.isNew && unplaced > 0) };
}

function settleArrivals(draft: Draft, arrivals: readonly Reading[]): Settled {
  const lastMs = draft.context.head.lastMs;
  const ahead = arrivals.filter((reading) => lastMs === null || reading.measuredAtMs > lastMs);
  const behind = arrivals.slice(0, arrivals.length - ahead.length);
  const { rows, news } = settleBehind(draft, behind);
  const mayRing = ringer(draft, [...news, ...ahead]);
  // Every part of an uplink goes its own way: one value from last year must not take a leak of now along.
  const inWindow = rows.filter((late) => !isBeyondWindow(draft, late.row.measuredAtMs));
  if (inWindow.length < rows.length) {
    recordBeyondWindow(
      draft,
      rows.filter((late) => isBeyondWindow(draft, late.row.measuredAtMs)),
    );
  }
  if (inWindow.length > 0) {
    const newer = ahead.map((reading) => stored(draft, reading));
    return refold(draft, { late: inWindow, newer, lastMs }, mayRing);
  }
  if (ahead.length > 0) return goAhead(draft, ahead, mayRing);
  return rows.length === 0 ? nothingNew : { ...nothingNew, isNew: true };
}

/** Sorted by time; what the uplink says twice is said once. */
function arrange(
  placed: readonly PlacedReading[],
  receivedAtMs: TimestampMs,
  uplinkSeq: number,
): readonly Reading[] {
  const instants = new Map<number, Reading[]>();
  for (const one of placed) {
    const reading = toReading(one, receivedAtMs, uplinkSeq);
    const versions = instants.get(reading.measuredAtMs) ?? [];
    instants.set(reading.measuredAtMs, versions);
    const settled = settleVersion(versions, reading);
    if (settled.kind === "completes") versions[versions.indexOf(settled.stored)] = settled.merged;
    else if (settled.kind !== "duplicate") versions.push(reading);
  }
  return [...instants.values()].flat().sort((one, other) => one.measuredAtMs - other.measuredAtMs);
}

/** What is not newer than the head, against the record and against the rest of its own uplink. */
function settleBehind(draft: Draft, behind: readonly Reading[]) {
  const changed = new Map<number, LateRow>();
  const news: Reading[] = [];
  let versions: StoredReading[] = [];
  let atMs: TimestampMs | null = null;
  for (const reading of behind) {
    if (reading.measuredAtMs !== atMs) versions = [...draft.history.at(reading.measuredAtMs)];
    atMs = reading.measuredAtMs;
    const settled = settleVersion(versions, reading);
    if (settled.kind === "duplicate") continue;
    news.push(reading);
    if (settled.kind === "completes") {
      const row = settled.merged;
      versions[versions.indexOf(settled.stored)] = row;
      changed.set(row.seq, { row, isNew: changed.get(row.seq)?.isNew ?? false });
    } else {
      if (settled.kind === "conflicts") draft.effects.conflictsMs.push(reading.measuredAtMs);
      const row = stored(draft, reading);
      versions.push(row);
      changed.set(row.seq, { row, isNew: true });
    }
  }
  return { rows: [...changed.values()], news };
}

const wholeNumbers = [
  "measuredAtMs",
  "deviceAtMs",
  "indexMl",
  "rawCount",
  "rawExponent",
  "flowMlPerHour",
  "temperatureCentiC",
  "pressurePa",
  "batteryMv",
  "batteryPct",
  "signalDbm",
  "status",
] as const satisfies readonly (keyof Reading)[];

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

/** The ledger holds whole numbers, and one other would fail the whole batch, again and again. */
function stored(draft: Draft, reading: Reading): StoredReading {
  for (const name of wholeNumbers) {
    const value = reading[name];
    invariant(value === null || Number.isSafeInteger(value), `${name} is a whole number`);
  }
  return { ...reading, seq: draft.ids.readingSeq(), meterNo: draft.meter.no };
}

/**
 * Old news makes history only; a meter out of service rings for a leak and nothing else. What counts is that
 * something in the uplink is fresh, not that it is newest: an uplink that was overtaken by another one on its
 * way, or by a clock a minute fast, is news all the same.
 */
function ringer(draft: Draft, news: readonly Reading[]): (rule: MeterRuleId) => boolean {
  const isTimely = news.some((reading) => (reading.flags & readingFlags.LATE) === 0);
  const { lifecycle } = draft.meter;
  const isInService = (rule: MeterRuleId): boolean =>
    lifecycle === "active" || (rule === "R1" && lifecycle !== "closed");
  return (rule) => isTimely && isInService(rule) && !isStilled(draft, rule);
}

/** The usual way: on from the head. */
function goAhead(
  draft: Draft,
  ahead: readonly Reading[],
  mayRing: (rule: MeterRuleId) => boolean,
): Settled {
  const recorded = openOnRecord(draft);
  const ended = [];
  const judged: StoredReading[] = [];
  let state = draft.context.head;
  for (const versions of byInstant(ahead)) {
    const atMs = versions[0]?.measuredAtMs ?? 0;
    const folded = foldInstant(settingsAt(draft, atMs), state, versions);
    if (folded === undefined) continue;
    state = folded.state;
    ended.push(...folded.ended);
    if (versions.length > 1) draft.effects.conflictsMs.push(atMs);
    for (const reading of versions) {
      const { quality, flags } = folded.verdict;
      judged.push(stored(draft, { ...reading, quality, flags: reading.flags | flags }));
    }
    keepCheckpoint(draft, state);
  }
  // A condition known from old data only, which this fresh reading does not deny, rings now.
  const isWaiting = Object.values(draft.context.silent).some(
    ({ rule, level }) => !isListed(rule, level),
  );
  const hasChanged = ended.length > 0 || state.open !== draft.context.head.open;
  setHead(draft, state);
  draft.effects.readings.push(...judged);
  if (hasChanged || isWaiting) {
    const atMs = state.lastMs ?? draft.nowMs;
    applyOccurrences(draft, { recorded, ended, open: state.open, mayRing, atMs });
  }
  return { isNew: true, isSuspect: judged.some(isSuspect), readings: judged, newest: judged };
}

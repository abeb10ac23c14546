/** The stretch of a meter's past that can be folded again, and how the fold groups readings. */
import { ownRuleIds } from "#domain/alarm.ts";
import {
  readingFlags,
  type Reading,
  type SeenReading,
  type StoredReading,
} from "#domain/reading.ts";
import { dayMs } from "#domain/units.ts";
import { foldJson } from "./compact.ts";
import type { Draft } from "./draft.ts";
import { foldFlags, type FoldState } from "./fold.ts";

/**
 * Late data within the distance of the oldest kept fold is folded again, from the kept fold before it. A daily
 * upload brings yesterday's hours, most of them older than the last present value: with a fold for every day it
 * folds two days again, not ten.
 */
export const windowLimits = Object.freeze({
  checkpointEveryMs: dayMs,
  checkpointsMax: 8,
  /** A meter that reports every second must not make a late reading cost a million steps. */
  checkpointEveryReadings: 500,
  /** So many between two kept folds (only late data does that), and another one is kept between them. */
  crowdedReadings: 4_000,
});

/** Findings that make an uplink count as suspect. */
const suspectFlags = foldFlags & ~readingFlags.ROLLOVER;

/** What became of an uplink's readings. */
export interface Settled {
  readonly isNew: boolean;
  readonly isSuspect: boolean;
  /** All that this uplink added or completed, in time order, as it was judged. */
  readonly readings: readonly StoredReading[];
  /** Those of them that are not older than what was known. */
  readonly newest: readonly StoredReading[];
}

/** Something about this reading needs a second look. */
export function isSuspect(reading: Reading): boolean {
  return (reading.flags & suspectFlags) !== 0;
}

/** Neighbours with the same instant are versions of one reading, and in conflict. */
export function byInstant<Row extends SeenReading>(
  sorted: readonly Row[],
): readonly (readonly Row[])[] {
  const groups: Row[][] = [];
  for (const reading of sorted) {
    const group = groups.at(-1);
    if (group?.[0]?.measuredAtMs === reading.measuredAtMs) group.push(reading);
    else groups.push([reading]);
  }
  return groups.map((group) => (group.length === 1 ? group : group.map(inConflict)));
}

function inConflict<Row extends SeenReading>(reading: Row): Row {
  return { ...reading, flags: reading.flags | readingFlags.CONFLICT };
}

/** Keeps the fold from time to time, the newest few. */
export function keepCheckpoint(draft: Draft, state: FoldState): void {
  const { checkpointsMs, checkpointCount } = draft.context;
  const since = checkpointsMs.at(-1) ?? state.firstMs;
  const atMs = state.lastMs;
  if (since === null || atMs === null || atMs <= since) return;
  const isDue =
    atMs - since >= windowLimits.checkpointEveryMs ||
    state.count - checkpointCount >= windowLimits.checkpointEveryReadings;
  if (!isDue) return;
  draft.effects.checkpoints.push({ atMs, json: foldJson(state) });
  draft.context = {
    ...draft.context,
    checkpointsMs: [...checkpointsMs, atMs].slice(-windowLimits.checkpointsMax),
    checkpointCount: state.count,
    isTrimmed: draft.context.isTrimmed || checkpointsMs.length >= windowLimits.checkpointsMax,
  };
}

/**
 * A kept fold whose past has changed is kept anew, and one more where late data crowd the way to it; the window
 * becomes shorter then. Returns whether the fold was kept; `sinceCount` is the count of the last one that was.
 */
export function renewCheckpoint(draft: Draft, state: FoldState, sinceCount: number): boolean {
  const { checkpointsMs } = draft.context;
  const atMs = state.lastMs;
  const newestMs = checkpointsMs.at(-1);
  if (atMs === null || newestMs === undefined || atMs > newestMs) return false;
  const isKnown = checkpointsMs.includes(atMs);
  if (!isKnown && state.count - sinceCount < windowLimits.crowdedReadings) return false;
  draft.effects.checkpoints.push({ atMs, json: foldJson(state) });
  if (!isKnown) {
    const kept = [...checkpointsMs, atMs].sort((one, other) => one - other);
    const isTrimmed = draft.context.isTrimmed || kept.length > windowLimits.checkpointsMax;
    draft.context = {
      ...draft.context,
      checkpointsMs: kept.slice(-windowLimits.checkpointsMax),
      isTrimmed,
    };
  }
  if (atMs === newestMs) draft.context = { ...draft.context, checkpointCount: state.count };
  return true;
}

/** The fold goes on from here; an own rule that fails in a new way is told, once for each way. */
export function setHead(draft: Draft, head: FoldState): void {
  const failing = head.own?.failing ?? {};
  const before = draft.context.head.own?.failing ?? {};
  for (const rule of ownRuleIds) {
    const reason = failing[rule];
    if (reason !== undefined && reason !== before[rule]) {
      draft.effects.ruleFailures.push({ rule, reason });
    }
  }
  draft.context = { ...draft.context, head };
}

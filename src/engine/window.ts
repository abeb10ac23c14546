/** The stretch of a meter's past that can be folded again, and how the fold groups readings. */
import { readingFlags, type Reading, type StoredReading } from "#domain/reading.ts";
import { dayMs } from "#domain/units.ts";
import type { Draft } from "./draft.ts";
import { foldFlags, type FoldState } from "./fold.ts";

/** Two folds are kept: late data within one to two of these distances is folded again. */
export const windowLimits = Object.freeze({
  checkpointEveryMs: 5 * dayMs,
  /** A meter that reports every second must not make a late reading cost a million steps. */
  checkpointEveryReadings: 1_000,
});

/** Findings that make an uplink count as suspect. */
const suspectFlags = foldFlags & ~readingFlags.ROLLOVER;

/** What became of an uplink's readings. */
export interface Settled {
  readonly isNew: boolean;
  readonly isSuspect: boolean;
  /** Not older than what was known, in time order, as they were judged. */
  readonly newest: readonly StoredReading[];
}

/** Something about this reading needs a second look. */
export function isSuspect(reading: Reading): boolean {
  return (reading.flags & suspectFlags) !== 0;
}

/** Neighbours with the same instant are versions of one reading. */
export function byInstant<Row extends Reading>(
  sorted: readonly Row[],
): readonly (readonly Row[])[] {
  const groups: Row[][] = [];
  for (const reading of sorted) {
    const group = groups.at(-1);
    if (group?.[0]?.measuredAtMs !== reading.measuredAtMs) {
      groups.push([reading]);
      continue;
    }
    group.push(reading);
    for (const [place, version] of group.entries()) {
      group[place] = { ...version, flags: version.flags | readingFlags.CONFLICT };
    }
  }
  return groups;
}

/** Keeps the fold from time to time, the newest two. */
export function keepCheckpoint(draft: Draft, state: FoldState): void {
  const { checkpointsMs, checkpointCount } = draft.context;
  const since = checkpointsMs.at(-1) ?? state.firstMs;
  const atMs = state.lastMs;
  if (since === null || atMs === null || atMs <= since) return;
  const isDue =
    atMs - since >= windowLimits.checkpointEveryMs ||
    state.count - checkpointCount >= windowLimits.checkpointEveryReadings;
  if (!isDue) return;
  draft.effects.checkpoints.push({ atMs, json: JSON.stringify(state) });
  draft.context = {
    ...draft.context,
    checkpointsMs: [...checkpointsMs, atMs].slice(-2),
    checkpointCount: state.count,
    isTrimmed: draft.context.isTrimmed || checkpointsMs.length >= 2,
  };
}

/** A kept fold whose past has changed is kept anew. */
export function renewCheckpoint(draft: Draft, state: FoldState): void {
  const { checkpointsMs } = draft.context;
  const atMs = state.lastMs;
  if (atMs === null || !checkpointsMs.includes(atMs)) return;
  draft.effects.checkpoints.push({ atMs, json: JSON.stringify(state) });
  if (checkpointsMs.at(-1) === atMs) {
    draft.context = { ...draft.context, checkpointCount: state.count };
  }
}

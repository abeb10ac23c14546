/**
 * Later knowledge changes the past: the occurrences that a fresh fold of a meter's readings gives are matched
 * with those on record, so that an alarm keeps its identity while its times follow the fold.
 */
import type { Occurrence, StoredOccurrence } from "#domain/alarm.ts";

export interface Reconciliation {
  readonly keep: readonly { readonly recorded: StoredOccurrence; readonly now: Occurrence }[];
  readonly add: readonly Occurrence[];
  readonly retract: readonly StoredOccurrence[];
}

/**
 * Matches by rule and overlap in event time, each at most once, earliest first; an open occurrence on record
 * prefers an open one of the fold, for that is the alarm people are looking at. `keep` includes unchanged ones.
 */
export function reconcile(
  recorded: readonly StoredOccurrence[],
  folded: readonly Occurrence[],
): Reconciliation {
  const waiting = [...folded].sort(byTime);
  const keep: { recorded: StoredOccurrence; now: Occurrence }[] = [];
  const take = (
    rows: readonly StoredOccurrence[],
    isMatch: (row: StoredOccurrence, now: Occurrence) => boolean,
  ) =>
    rows.filter((row) => {
      const index = waiting.findIndex((now) => isMatch(row, now));
      const [now] = index === -1 ? [] : waiting.splice(index, 1);
      if (now !== undefined) keep.push({ recorded: row, now });
      return now === undefined;
    });
  const unmatched = take([...recorded].sort(byTime), areBothOpen);
  const retract = take(unmatched, areSame);
  keep.sort((a, b) => byTime(a.now, b.now));
  return { keep, add: waiting, retract };
}

function byTime(a: Occurrence, b: Occurrence): number {
  return a.raisedAtMs - b.raisedAtMs;
}

/** Two that have not ended share every later instant. */
function areBothOpen(a: Occurrence, b: Occurrence): boolean {
  return a.rule === b.rule && a.returnedAtMs === null && b.returnedAtMs === null;
}

/** An occurrence is [raised, returned): one that begins when the other ends is another one. */
function areSame(a: Occurrence, b: Occurrence): boolean {
  if (a.rule !== b.rule) return false;
  if (a.raisedAtMs === b.raisedAtMs) return true;
  return Math.max(a.raisedAtMs, b.raisedAtMs) < Math.min(endOf(a), endOf(b));
}

function endOf(occurrence: Occurrence): number {
  return occurrence.returnedAtMs ?? Infinity;
}

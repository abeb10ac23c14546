/** The window again, from the last fold before the change: for readings that arrive late or out of order. */
import type { MeterRuleId, Occurrence } from "#domain/alarm.ts";
import { readingFlags, type Quality, type StoredReading } from "#domain/reading.ts";
import { initialFold, foldFlags, foldInstant, foldSettings, type FoldState } from "./fold.ts";
import type { Draft } from "./draft.ts";
import { beginningMs } from "./alarmDesk.ts";
import { applyOccurrences } from "./occurrences.ts";
import { byInstant, isSuspect, keepCheckpoint, renewCheckpoint, type Settled } from "./window.ts";

interface LateChange {
  readonly inserted: readonly StoredReading[];
  readonly completed: readonly StoredReading[];
  /** Newer than the head, in the same uplink. */
  readonly newer: readonly StoredReading[];
  /** The newer ones, and those of the others that share the head's instant. */
  readonly newest: readonly StoredReading[];
}

/** Records the late readings and makes the record what it would be had they come in order. */
export function refold(
  draft: Draft,
  change: LateChange,
  mayRing: (rule: MeterRuleId) => boolean,
): Settled {
  const firstMs = Math.min(
    ...change.inserted.map((reading) => reading.measuredAtMs),
    ...change.completed.map((reading) => reading.measuredAtMs),
  );
  const base = baseBefore(draft, firstMs);
  if (base === undefined) return recordBeyondWindow(draft, change, mayRing);
  const onRecord = draft.history.after(base.atMs);
  const judged = foldRows(draft, base, assemble(onRecord, change), mayRing);
  putJudged(draft, onRecord, judged);
  const added = seqsOf([...change.inserted, ...change.newer]);
  const newest = seqsOf(change.newest);
  return {
    isNew: true,
    isSuspect: judged.some((row) => added.has(row.seq) && isSuspect(row)),
    newest: judged.filter(({ seq }) => newest.has(seq)),
  };
}

function seqsOf(rows: readonly StoredReading[]): ReadonlySet<number> {
  return new Set(rows.map(({ seq }) => seq));
}

interface Base {
  readonly atMs: number;
  readonly state: FoldState;
}

function baseBefore(draft: Draft, firstMs: number): Base | undefined {
  const checkpoint = draft.history.checkpointBefore(firstMs);
  if (checkpoint !== undefined) {
    return { atMs: checkpoint.atMs, state: JSON.parse(checkpoint.json) as FoldState };
  }
  return draft.context.isTrimmed ? undefined : { atMs: beginningMs, state: initialFold };
}

/** What is on record after the base, with the late readings in their places. */
function assemble(
  onRecord: readonly StoredReading[],
  change: LateChange,
): readonly StoredReading[] {
  const completed = new Map(change.completed.map((reading) => [reading.seq, reading]));
  const rows = onRecord.map((row) => completed.get(row.seq) ?? row);
  rows.push(...change.inserted, ...change.newer);
  return rows.sort((one, other) => one.measuredAtMs - other.measuredAtMs || one.seq - other.seq);
}

function foldRows(
  draft: Draft,
  base: Base,
  rows: readonly StoredReading[],
  mayRing: (rule: MeterRuleId) => boolean,
): readonly StoredReading[] {
  const settings = foldSettings(draft.meter);
  const recorded = draft.history.occurrencesAfter(base.atMs);
  const judged: StoredReading[] = [];
  const ended: Occurrence[] = [];
  let state = base.state;
  for (const versions of byInstant(rows)) {
    const folded = foldInstant(settings, state, versions);
    if (folded === undefined) continue;
    state = folded.state;
    ended.push(...folded.ended);
    const { quality, flags } = folded.verdict;
    for (const row of versions) judged.push(judgedAs(row, quality, flags));
    renewCheckpoint(draft, state);
    keepCheckpoint(draft, state);
  }
  draft.context = { ...draft.context, head: state };
  const atMs = state.lastMs ?? draft.nowMs;
  applyOccurrences(draft, { recorded, ended, open: state.open, mayRing, atMs });
  return judged;
}

/** Nearly every row is judged as before, and then it is not copied: a window holds hundreds of them. */
function judgedAs(row: StoredReading, quality: Quality, found: number): StoredReading {
  const flags = (row.flags & ~foldFlags) | found;
  return row.quality === quality && row.flags === flags ? row : { ...row, quality, flags };
}

/** New rows are stored; rows on record that are now judged otherwise are revised, with a trace. */
function putJudged(
  draft: Draft,
  onRecord: readonly StoredReading[],
  judged: readonly StoredReading[],
): void {
  const known = new Map(onRecord.map((row) => [row.seq, row]));
  for (const row of judged) {
    const before = known.get(row.seq);
    if (before === undefined) draft.effects.readings.push(row);
    else if (before !== row && !isEqual(before, row)) {
      const isJudgedAnew = before.quality !== row.quality || before.flags !== row.flags;
      const reason = isJudgedAnew ? "refolded" : "completed";
      draft.effects.revisions.push({ reading: row, reason });
    }
  }
}

function isEqual(one: StoredReading, other: StoredReading): boolean {
  const keys = Object.keys(one) as (keyof StoredReading)[];
  return keys.every((key) => one[key] === other[key]);
}

/** Older than every fold that is kept: stored for the record, not judged, and nothing is folded again. */
function recordBeyondWindow(
  draft: Draft,
  change: LateChange,
  mayRing: (rule: MeterRuleId) => boolean,
): Settled {
  const lost = change.inserted.map((reading) => ({
    ...reading,
    flags: reading.flags | readingFlags.BEYOND_WINDOW,
  }));
  draft.effects.readings.push(...lost);
  for (const reading of change.completed) {
    draft.effects.revisions.push({ reading, reason: "completed" });
  }
  if (change.newer.length === 0) {
    return { isNew: true, isSuspect: false, newest: [] };
  }
  const base: Base = { atMs: draft.context.head.lastMs ?? beginningMs, state: draft.context.head };
  const judged = foldRows(draft, base, change.newer, mayRing);
  putJudged(draft, [], judged);
  return {
    isNew: true,
    isSuspect: judged.some(isSuspect),
    newest: judged,
  };
}

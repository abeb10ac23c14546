/** The window again, from the last fold before the change: for readings that arrive late or out of order. */
import type { MeterRuleId, Occurrence } from "#domain/alarm.ts";
import { invariant } from "#domain/invariant.ts";
import { readingFlags, type Quality, type StoredReading } from "#domain/reading.ts";
import { timestampMs, type TimestampMs } from "#domain/units.ts";
import { reviveFold } from "./compact.ts";
import { meterAt } from "./exchange.ts";
import {
  initialFold,
  foldFlags,
  foldInstant,
  type FoldState,
  type InstantSettings,
} from "./fold.ts";
import type { Draft } from "./draft.ts";
import { applyOccurrences } from "./occurrences.ts";
import {
  byInstant,
  isSuspect,
  keepCheckpoint,
  renewCheckpoint,
  setHead,
  type Settled,
} from "./window.ts";

/** The instant after which nothing is known: for folds that begin at the beginning. */
const beginningMs = timestampMs(Number.MIN_SAFE_INTEGER);

/** A reading at or before the head: not on record yet, or on record and now completed. */
export interface LateRow {
  readonly row: StoredReading;
  readonly isNew: boolean;
}

interface LateChange {
  readonly late: readonly LateRow[];
  /** Newer than the head, in the same uplink. */
  readonly newer: readonly StoredReading[];
  /** The head's instant before this uplink. An event report may carry the same second: that is news. */
  readonly lastMs: TimestampMs | null;
}

/** Records the late readings and makes the record what it would be had they come in order. */
export function refold(
  draft: Draft,
  { late, newer, lastMs }: LateChange,
  mayRing: (rule: MeterRuleId) => boolean,
): Settled {
  const base = baseBefore(draft, Math.min(...late.map(({ row }) => row.measuredAtMs)));
  const onRecord = draft.history.after(base.atMs);
  const rows = assemble(onRecord, late, newer);
  const judged = foldRows(draft, base, rows, mayRing);
  putJudged(draft, onRecord, judged);
  const added = new Set(
    [...late.filter(({ isNew }) => isNew).map(({ row }) => row), ...newer].map(seqOf),
  );
  const said = new Set([...late.map(({ row }) => row), ...newer].map(seqOf));
  const readings = judged.filter(({ seq }) => said.has(seq));
  return {
    isNew: true,
    isSuspect: readings.some((row) => added.has(row.seq) && isSuspect(row)),
    readings,
    newest: readings.filter(({ measuredAtMs }) => lastMs === null || measuredAtMs >= lastMs),
  };
}

/**
 * The window again from an instant on, for something else than a reading has become known of it. What lies before
 * the window keeps the verdict it has; billing judges it anew.
 */
export function refoldFrom(draft: Draft, atMs: number): void {
  const { lastMs } = draft.context.head;
  if (lastMs === null || lastMs <= atMs) return;
  const oldestMs = draft.context.checkpointsMs[0] ?? -Infinity;
  const base = baseBefore(draft, draft.context.isTrimmed ? Math.max(atMs, oldestMs + 1) : atMs);
  const onRecord = draft.history.after(base.atMs);
  putJudged(
    draft,
    onRecord,
    foldRows(draft, base, assemble(onRecord, [], []), () => false),
  );
}

/** As the meter that hung there at that time is judged. */
export function settingsAt({ rules, meter, context }: Draft, atMs: number): InstantSettings {
  const { exchanges, decided } = context;
  return { settings: rules.settingsAt(meterAt(meter, exchanges, atMs), atMs), exchanges, decided };
}

function seqOf({ seq }: StoredReading): number {
  return seq;
}

interface Base {
  readonly atMs: number;
  readonly state: FoldState;
}

function baseBefore(draft: Draft, firstMs: number): Base {
  const checkpoint = draft.history.checkpointBefore(firstMs);
  if (checkpoint !== undefined) {
    return { atMs: checkpoint.atMs, state: reviveFold(checkpoint.json) };
  }
  invariant(!draft.context.isTrimmed, "what lies beyond the window is not folded again");
  return { atMs: beginningMs, state: initialFold };
}

/** What is on record after the base, with the late readings in their places. */
function assemble(
  onRecord: readonly StoredReading[],
  late: readonly LateRow[],
  newer: readonly StoredReading[],
): readonly StoredReading[] {
  const completed = new Map(late.filter(({ isNew }) => !isNew).map(({ row }) => [row.seq, row]));
  const rows = onRecord.map((row) => completed.get(row.seq) ?? row);
  for (const { row, isNew } of late) if (isNew) rows.push(row);
  rows.push(...newer);
  return rows.sort((one, other) => one.measuredAtMs - other.measuredAtMs || one.seq - other.seq);
}

function foldRows(
  draft: Draft,
  base: Base,
  rows: readonly StoredReading[],
  mayRing: (rule: MeterRuleId) => boolean,
): readonly StoredReading[] {
  const recorded = draft.history.occurrencesAfter(base.atMs);
  const judged: StoredReading[] = [];
  const ended: Occurrence[] = [];
  let state = base.state;
  let keptCount = state.count;
  for (const versions of byInstant(rows)) {
    const atMs = versions[0]?.measuredAtMs ?? 0;
    const folded = foldInstant(settingsAt(draft, atMs), state, versions);
    if (folded === undefined) continue;
    state = folded.state;
    ended.push(...folded.ended);
    const { quality, flags } = folded.verdict;
    for (const row of versions) judged.push(judgedAs(row, quality, flags));
    if (renewCheckpoint(draft, state, keptCount)) keptCount = state.count;
    keepCheckpoint(draft, state);
  }
  setHead(draft, state);
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

/** Older than every fold that is kept. */
export function isBeyondWindow({ context }: Draft, atMs: number): boolean {
  const [oldestMs] = context.checkpointsMs;
  return context.isTrimmed && oldestMs !== undefined && atMs <= oldestMs;
}

/** Stored for the record, not judged, and nothing is folded again. */
export function recordBeyondWindow(draft: Draft, late: readonly LateRow[]): void {
  for (const { row, isNew } of late) {
    const reading = { ...row, flags: row.flags | readingFlags.BEYOND_WINDOW };
    if (isNew) draft.effects.readings.push(reading);
    else draft.effects.revisions.push({ reading: row, reason: "completed" });
  }
}

/**
 * Several sorted segments as one stream of sorted rows, in bounded memory: one chunk of each. Where they hold the same
 * meter and time, repetitions are dropped and versions come side by side, the one that counts first.
 */
import type { DamagedPlace } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import type { SegmentCursor } from "./segmentCursor.ts";
import { settleVersions } from "./versions.ts";

export interface RowSink {
  addRun(table: RowTable, from: number, to: number): void;
}

export interface MergeCounts {
  readonly rows: number;
  readonly repeated: number;
  /** The walk ended here: nothing of it may be used. */
  readonly damage: DamagedPlace | undefined;
}

export function mergeRows(cursors: readonly SegmentCursor[], sink: RowSink): MergeCounts {
  let rows = 0;
  let repeated = 0;
  for (;;) {
    const damaged = cursors.find((cursor) => cursor.damage !== undefined);
    if (damaged) return { rows, repeated, damage: damaged.damage };
    const open = cursors.filter((cursor) => !cursor.isAtEnd);
    const first = open.reduce<SegmentCursor | undefined>(
      (least, cursor) =>
        least === undefined || compareCursors(cursor, least) < 0 ? cursor : least,
      undefined,
    );
    if (first === undefined) return { rows, repeated, damage: undefined };
    const others = open.filter((cursor) => cursor !== first);
    const equal = others.filter((cursor) => compareCursors(cursor, first) === 0);
    if (equal.length > 0) {
      const group = collect([first, ...equal]);
      rows += group.rows;
      repeated += group.rows - group.kept.count;
      sink.addRun(group.kept, 0, group.kept.count);
    } else {
      const end = endOfRun(first, others);
      sink.addRun(first.table, first.row, end);
      rows += end - first.row;
      first.advance(end);
    }
  }
}

function compareCursors(one: SegmentCursor, other: SegmentCursor): number {
  return one.meterNo - other.meterNo || one.atMs - other.atMs;
}

/** How far the cursor's rows all come before those of the others. */
function endOfRun(first: SegmentCursor, others: readonly SegmentCursor[]): number {
  let limitMeter = Infinity;
  let limitMs = Infinity;
  for (const { meterNo, atMs } of others) {
    if (meterNo < limitMeter || (meterNo === limitMeter && atMs < limitMs)) {
      limitMeter = meterNo;
      limitMs = atMs;
    }
  }
  const meters = first.table.column(0);
  const times = first.table.column(1);
  let row = first.row + 1;
  while (row < first.table.count) {
    const meter = meters[row] ?? 0;
    if (meter > limitMeter || (meter === limitMeter && (times[row] ?? 0) >= limitMs)) break;
    row += 1;
  }
  return row;
}

/** All rows of one meter and time, settled. */
function collect(cursors: readonly SegmentCursor[]): {
  readonly rows: number;
  readonly kept: RowTable;
} {
  const places = cursors[0]?.table.columns.length ?? 0;
  const all = new RowTable(places, cursors.length);
  for (const cursor of cursors) {
    const { meterNo, atMs } = cursor;
    while (!cursor.isAtEnd && cursor.meterNo === meterNo && cursor.atMs === atMs) {
      all.addRun(cursor.table, cursor.row, cursor.row + 1);
      cursor.advance(cursor.row + 1);
    }
  }
  const order = settleVersions(
    all,
    Array.from({ length: all.count }, (_none, row) => row),
  );
  const kept = new RowTable(places, order.length);
  kept.gather(all, Uint32Array.from(order), 0, order.length);
  return { rows: all.count, kept };
}

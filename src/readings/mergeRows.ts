/**
 * Several sorted segments as one stream of sorted rows, in bounded memory: one chunk of each. Where they hold the same
 * meter and time, repetitions are dropped and versions come side by side, the one that counts first.
 */
import { invariant } from "#domain/invariant.ts";
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
  let damage = cursors.find((cursor) => cursor.damage !== undefined)?.damage;
  let open = cursors.filter((cursor) => !cursor.isAtEnd);
  while (open.length > 0 && damage === undefined) {
    const { first, second } = lowest(open);
    if (second !== undefined && compareCursors(first, second) === 0) {
      const equal = open.filter((cursor) => compareCursors(cursor, first) === 0);
      const group = collect(equal);
      rows += group.rows;
      repeated += group.rows - group.kept.count;
      sink.addRun(group.kept, 0, group.kept.count);
    } else {
      const end = endOfRun(first, second);
      sink.addRun(first.table, first.row, end);
      rows += end - first.row;
      first.advance(end);
    }
    if (open.every((cursor) => !cursor.isAtEnd)) continue;
    damage = open.find((cursor) => cursor.damage !== undefined)?.damage;
    open = open.filter((cursor) => !cursor.isAtEnd);
  }
  return { rows, repeated, damage };
}

/** The cursors whose rows come first and next. */
function lowest(open: readonly SegmentCursor[]): {
  readonly first: SegmentCursor;
  readonly second: SegmentCursor | undefined;
} {
  let [first, second] = open;
  invariant(first !== undefined, "a cursor is open");
  if (second !== undefined && compareCursors(second, first) < 0) [first, second] = [second, first];
  for (let place = 2; place < open.length; place += 1) {
    const cursor = open[place];
    if (cursor === undefined || second === undefined || compareCursors(cursor, second) >= 0)
      continue;
    if (compareCursors(cursor, first) < 0) [first, second] = [cursor, first];
    else second = cursor;
  }
  return { first, second };
}

function compareCursors(one: SegmentCursor, other: SegmentCursor): number {
  return one.meterNo - other.meterNo || one.atMs - other.atMs;
}

/** How far the cursor's rows all come before those of the next one. */
function endOfRun(first: SegmentCursor, next: SegmentCursor | undefined): number {
  const { table } = first;
  if (next === undefined) return table.count;
  const meters = table.column(0);
  const times = table.column(1);
  let row = first.row + 1;
  while (row < table.count) {
    const meter = meters[row] ?? 0;
    if (meter > next.meterNo || (meter === next.meterNo && (times[row] ?? 0) >= next.atMs)) break;
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
    // Which version counts may depend on any column.
    cursor.readAll();
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

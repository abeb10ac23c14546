/**
 * Readings of one meter after the other, in the order of their numbers: each chunk is read once, where a look-up by
 * meter would read it again for every meter in it.
 */
import type { HotRows } from "./hotRows.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";
import type { Span } from "./segmentCursor.ts";
import type { OpenFile, SegmentFiles } from "./segmentFiles.ts";

/** One file, at the first row that no meter before has taken. */
interface Cursor {
  readonly open: OpenFile;
  readonly table: RowTable;
  row: number;
  /** Of the chunk after the one in the table. */
  nextChunk: number;
}

export class MeterWalk {
  readonly #files: SegmentFiles;
  readonly #hot: readonly HotRows[];
  readonly #span: Span;
  readonly #wanted: ReadonlySet<number>;
  readonly #cursors: readonly Cursor[];

  /** `wanted` are the places of the columns that are read; meter and time are always. */
  constructor(
    files: SegmentFiles,
    hot: readonly HotRows[],
    span: Span,
    wanted: ReadonlySet<number>,
  ) {
    this.#files = files;
    this.#hot = hot;
    this.#span = span;
    this.#wanted = new Set([readingPlaces.meterNo, readingPlaces.measuredAtMs, ...wanted]);
    this.#cursors = files.segments
      .filter(({ file }) => file.lastMs > span.fromMs && file.firstMs <= span.toMs)
      .map((open) => {
        const table = new RowTable(readingSchema.columns.length, 256);
        return { open, table, row: 0, nextChunk: 0 };
      });
    for (const place of files.unreadable(span.fromMs, span.toMs)) files.note(place);
  }

  /** Adds the meter's rows in the span to the table; no meter is asked for after a later one. */
  collect(meterNo: number, into: RowTable): void {
    for (const cursor of this.#cursors) this.#collectFrom(cursor, meterNo, into);
    const { fromMs, toMs } = this.#span;
    for (const rows of this.#hot) rows.collect(meterNo, fromMs, toMs, into);
  }

  #collectFrom(cursor: Cursor, meterNo: number, into: RowTable): void {
    const { table } = cursor;
    for (;;) {
      if (cursor.row >= table.count && !this.#load(cursor, meterNo)) return;
      const meters = table.column(readingPlaces.meterNo);
      let first = cursor.row;
      while (first < table.count && (meters[first] ?? 0) < meterNo) first += 1;
      let end = first;
      while (end < table.count && meters[end] === meterNo) end += 1;
      this.#add(table, first, end, into);
      cursor.row = end;
      if (end < table.count) return;
    }
  }

  /** A meter's rows lie in time order. */
  #add(table: RowTable, from: number, to: number, into: RowTable): void {
    const times = table.column(readingPlaces.measuredAtMs);
    let first = from;
    let end = to;
    while (first < end && (times[first] ?? 0) <= this.#span.fromMs) first += 1;
    while (end > first && (times[end - 1] ?? 0) > this.#span.toMs) end -= 1;
    if (end > first) into.addRun(table, first, end);
  }

  /** The next chunk that may hold the meter; false: there is none. */
  #load(cursor: Cursor, meterNo: number): boolean {
    const { chunks } = cursor.open.reader;
    const { fromMs, toMs } = this.#span;
    cursor.nextChunk = Math.max(cursor.nextChunk, cursor.open.reader.firstChunkOf(meterNo));
    for (;;) {
      const entry = chunks[cursor.nextChunk];
      if (entry === undefined || entry.firstMeter > meterNo) return false;
      cursor.nextChunk += 1;
      if (entry.lastMs <= fromMs || entry.firstMs > toMs) continue;
      this.#files.note(cursor.open.reader.readChunk(entry, cursor.table, this.#wanted));
      cursor.row = 0;
      if (cursor.table.count > 0) return true;
    }
  }
}

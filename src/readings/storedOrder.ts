/** Readings in the order in which they were stored: for whoever copies all of them elsewhere. */
import type { StoredReading } from "#domain/reading.ts";
import type { HotBatchRows, HotRows } from "./hotRows.ts";
import { rowsInForce, storedReading } from "./inForce.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";
import type { SegmentFiles } from "./segmentFiles.ts";

/**
 * Segments are sorted by meter, so that a stretch of the order lies all over them: one walk through the files collects
 * so many numbers at once, for many pages.
 */
const stretchRows = 100_000;

/** The meter's number says where a column's differences begin. */
const numberPlaces = new Set<number>([readingPlaces.meterNo, readingPlaces.seq]);

/** Readings numbered in (fromSeq, toSeq], as they are in force, in order. */
interface Stretch {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly table: RowTable;
  readonly rows: readonly number[];
}

export class StoredOrder {
  readonly #files: SegmentFiles;
  readonly #hot: () => HotRows;
  readonly #chunk = new RowTable(readingSchema.columns.length, 1_024);
  #known: Stretch | undefined;

  constructor(files: SegmentFiles, hot: () => HotRows) {
    this.#files = files;
    this.#hot = hot;
  }

  /** A batch became hot: what it revises must not be given out as it was. */
  noteBatch(batch: HotBatchRows | undefined): void {
    const known = this.#known;
    const revisions = batch?.table.columns[readingPlaces.revision];
    if (known === undefined || batch === undefined || revisions === undefined) return;
    const numbers = batch.table.column(readingPlaces.seq);
    for (let row = batch.from; row < batch.to; row += 1) {
      const isRevised = !Number.isNaN(revisions[row]);
      if (isRevised && isNumbered(numbers[row] ?? NaN, known.fromSeq, known.toSeq)) {
        this.#known = undefined;
      }
    }
  }

  /** So many readings with higher numbers; fewer only at the end of all. */
  after(afterSeq: number, count: number): readonly StoredReading[] {
    const found: StoredReading[] = [];
    let fromSeq = Math.max(0, afterSeq);
    while (found.length < count) {
      const nextSeq = this.#nextAfter(fromSeq);
      if (nextSeq === Infinity) break;
      const { table, rows, toSeq } = this.#stretch(nextSeq - 1);
      const first = firstAfter(table, rows, fromSeq);
      for (const row of rows.slice(first, first + count - found.length)) {
        found.push(storedReading(table, row));
      }
      fromSeq = toSeq;
    }
    return found;
  }

  /** The first number behind this one that may have a reading; Infinity: none has. */
  #nextAfter(seq: number): number {
    let nextSeq = Infinity;
    for (const { file } of this.#files.segments) {
      if (file.lastSeq > seq) nextSeq = Math.min(nextSeq, Math.max(file.firstSeq, seq + 1));
    }
    for (const table of this.#hot().tables) {
      const numbers = table.column(readingPlaces.seq);
      for (let row = 0; row < table.count; row += 1) {
        const number = numbers[row] ?? NaN;
        if (number > seq && number < nextSeq) nextSeq = number;
      }
    }
    return nextSeq;
  }

  /** The lowest number of a reading that is hot and not only revised; Infinity: there is none. */
  #hotFrom(): number {
    let lowest = Infinity;
    for (const table of this.#hot().tables) {
      const numbers = table.column(readingPlaces.seq);
      const revisions = table.columns[readingPlaces.revision];
      for (let row = 0; row < table.count; row += 1) {
        const number = numbers[row] ?? NaN;
        const isFirst = Number.isNaN(revisions?.[row] ?? NaN);
        if (isFirst && number < lowest) lowest = number;
      }
    }
    return lowest;
  }

  /** From the number on, up to what is hot or all of that. What lies in segments is kept for the next page. */
  #stretch(fromSeq: number): Stretch {
    const known = this.#known;
    if (known !== undefined && fromSeq >= known.fromSeq && fromSeq < known.toSeq) return known;
    const hotFrom = this.#hotFrom();
    const isHot = fromSeq + 1 >= hotFrom;
    const flushedSeq = this.#files.segments.reduce(
      (most, { file }) => Math.max(most, file.lastSeq),
      0,
    );
    const endSeq = isHot ? Infinity : Math.min(hotFrom - 1, Math.max(flushedSeq, fromSeq + 1));
    const toSeq = Math.min(fromSeq + stretchRows, endSeq);
    const table = new RowTable(readingSchema.columns.length, 1_024);
    for (const hot of this.#hot().tables) addNumbered(hot, fromSeq, toSeq, table);
    for (const { file, reader } of this.#files.segments) {
      if (file.lastSeq <= fromSeq || file.firstSeq > toSeq) continue;
      for (const entry of reader.chunks) {
        const damage =
          reader.readChunk(entry, this.#chunk, numberPlaces) ??
          (hasNumber(this.#chunk, fromSeq, toSeq)
            ? reader.readChunk(entry, this.#chunk, null)
            : undefined);
        this.#files.note(damage);
        addNumbered(this.#chunk, fromSeq, toSeq, table);
      }
    }
    const rows = rowsInForce(table, readingPlaces.seq);
    const made = { fromSeq, toSeq, table, rows };
    this.#known = isHot ? undefined : made;
    return made;
  }
}

function isNumbered(number: number, fromSeq: number, toSeq: number): boolean {
  return number > fromSeq && number <= toSeq;
}

function hasNumber(table: RowTable, fromSeq: number, toSeq: number): boolean {
  const numbers = table.column(readingPlaces.seq).subarray(0, table.count);
  return numbers.some((number) => isNumbered(number, fromSeq, toSeq));
}

function addNumbered(from: RowTable, fromSeq: number, toSeq: number, into: RowTable): void {
  const numbers = from.column(readingPlaces.seq);
  for (let row = 0; row < from.count; row += 1) {
    if (isNumbered(numbers[row] ?? NaN, fromSeq, toSeq)) into.addRun(from, row, row + 1);
  }
}

/** Place of the first row in the order with a higher number. */
function firstAfter(table: RowTable, rows: readonly number[], seq: number): number {
  const numbers = table.column(readingPlaces.seq);
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[rows[middle] ?? 0] ?? 0) <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

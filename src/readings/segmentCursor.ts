/** Walks a segment from its first row to its last, one chunk in memory, within a span of measured time. */
import type { DamagedPlace } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import type { SegmentReader } from "./segmentReader.ts";

/** From exclusive, to inclusive. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const meterPlace = 0;
const timePlace = 1;

export class SegmentCursor {
  readonly table: RowTable;
  row = 0;
  isAtEnd = false;
  /** Of the row. */
  meterNo = NaN;
  atMs = NaN;
  damage: DamagedPlace | undefined;
  readonly #reader: SegmentReader;
  readonly #wanted: ReadonlySet<number> | null;
  readonly #span: Span | null;
  readonly #allWhere: number | null;
  /** Of the chunk in the table. */
  #place = -1;
  #isWhole = false;
  #meters: Float64Array | undefined;
  #times: Float64Array | undefined;

  /** Reads the wanted columns (null: all); of a chunk in which the column `allWhere` has a value, all of them. */
  constructor(
    reader: SegmentReader,
    wanted: ReadonlySet<number> | null = null,
    span: Span | null = null,
    allWhere: number | null = null,
  ) {
    this.#reader = reader;
    this.#wanted = wanted;
    this.#span = span;
    this.#allWhere = allWhere;
    this.table = new RowTable(reader.schema.columns.length, 1_024);
    this.#load();
  }

  /** Moves on; at the end of a chunk the table holds the next one. */
  advance(to: number): void {
    this.row = to;
    if (to >= this.table.count) this.#load();
    else this.#look();
  }

  #look(): void {
    this.isAtEnd = this.row >= this.table.count;
    this.meterNo = this.#meters?.[this.row] ?? NaN;
    this.atMs = this.#times?.[this.row] ?? NaN;
  }

  #load(): void {
    this.#fill();
    this.#open(0);
  }

  #open(row: number): void {
    this.#meters = this.table.columns[meterPlace];
    this.#times = this.table.columns[timePlace];
    this.row = row;
    this.#look();
  }

  /** What was not wanted of the chunk, where it is needed after all. */
  readAll(): void {
    if (this.#isWhole || this.isAtEnd) return;
    this.#read(null);
    this.#open(this.row);
  }

  /** The next chunk that has rows in the span; a damaged one ends the walk. */
  #fill(): void {
    const { table } = this;
    // What was read beside the wanted columns belongs to that chunk alone.
    if (this.#isWhole && this.#wanted !== null) table.columns.fill(undefined);
    table.clear();
    while (table.count === 0 && !this.damage && this.#place < this.#reader.chunks.length) {
      this.#place += 1;
      this.#read(this.#wanted);
      if (this.#allWhere !== null && table.hasValue(this.#allWhere)) this.#read(null);
    }
  }

  /** The chunk's rows that are in the span. */
  #read(wanted: ReadonlySet<number> | null): void {
    const span = this.#span;
    const entry = this.#reader.chunks[this.#place];
    if (entry === undefined) return;
    if (span !== null && (entry.lastMs <= span.fromMs || entry.firstMs > span.toMs)) return;
    this.#isWhole = wanted === null;
    this.damage = this.#reader.readChunk(entry, this.table, wanted);
    const isInside = span === null || (entry.firstMs > span.fromMs && entry.lastMs <= span.toMs);
    if (!isInside) this.#keep(span);
  }

  #keep({ fromMs, toMs }: Span): void {
    const { table } = this;
    const times = table.column(timePlace);
    let kept = 0;
    for (let row = 0; row < table.count; row += 1) {
      const at = times[row] ?? 0;
      if (at <= fromMs || at > toMs) continue;
      if (kept !== row) {
        for (const column of table.columns) {
          if (column !== undefined) column[kept] = column[row] ?? NaN;
        }
      }
      kept += 1;
    }
    table.count = kept;
  }
}

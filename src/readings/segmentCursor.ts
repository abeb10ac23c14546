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
  #next = 0;
  #meters: Float64Array | undefined;
  #times: Float64Array | undefined;

  constructor(
    reader: SegmentReader,
    wanted: ReadonlySet<number> | null = null,
    span: Span | null = null,
  ) {
    this.#reader = reader;
    this.#wanted = wanted;
    this.#span = span;
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
    this.#meters = this.table.columns[meterPlace];
    this.#times = this.table.columns[timePlace];
    this.#look();
  }

  /** The next chunk that has rows in the span; a damaged one ends the walk. */
  #fill(): void {
    this.row = 0;
    this.table.clear();
    const span = this.#span;
    while (this.table.count === 0) {
      const entry = this.#reader.chunks[this.#next];
      if (entry === undefined) return;
      this.#next += 1;
      if (span !== null && (entry.lastMs <= span.fromMs || entry.firstMs > span.toMs)) continue;
      this.damage = this.#reader.readChunk(entry, this.table, this.#wanted);
      if (this.damage) return;
      if (span !== null) this.#keep(span);
    }
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

/**
 * Readings that are in no segment yet, in memory: each meter's rows as a chain from its newest arrival back. They lie
 * in blocks of a fixed size, for a table that grew with them would be copied while a commit waits.
 */
import type { ReadingFault } from "#ports/readingStore.ts";
import {
  appendRows,
  batchRowsMax,
  openBatch,
  type ColumnSpans,
  type PlacedColumns,
} from "./hotBatch.ts";
import { spanOf, type ColumnSpan } from "./hotColumn.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";

const none = -1;
export const hotBlockRows = batchRowsMax * 2;

export interface HotBlock {
  readonly table: RowTable;
  /** By row: the same meter's row before, among those of all blocks. */
  readonly before: Int32Array;
}

/** Where the rows of a batch lie. */
export interface HotBatchRows {
  readonly no: number;
  readonly table: RowTable;
  readonly from: number;
  readonly to: number;
}

export class HotRows {
  count = 0;
  /** Highest number of a batch in it. */
  batchNo = 0;
  /** Oldest measured time in it; Infinity when it is empty. */
  firstMs = Infinity;
  /** Newest measured time in it; -Infinity when it is empty. */
  lastMs = -Infinity;
  readonly #blocks: HotBlock[] = [];
  readonly #batches: HotBatchRows[] = [];
  /** Blocks without rows, to be used before new ones are made. */
  readonly #spare: HotBlock[];
  /** By meter number: its newest row. */
  #heads = new Int32Array(1_024).fill(none);

  constructor(spare: HotBlock[] = []) {
    this.#spare = spare;
  }

  /** Gives its blocks away, to be used again: nobody may read it any more. */
  release(): HotBlock[] {
    const blocks = this.#blocks.splice(0);
    for (const { table } of blocks) table.clear();
    this.#batches.length = 0;
    this.#heads.fill(none);
    this.count = 0;
    return blocks;
  }

  /** Adds a batch as it was stored. */
  add(no: number, bytes: Uint8Array): ReadingFault | undefined {
    this.batchNo = Math.max(no, this.batchNo);
    const opened = openBatch(no, bytes);
    if (!opened.ok) return opened.fault;
    const block = this.#blockOf(opened.value.rows);
    const from = block.table.count;
    appendRows(opened.value, block.table);
    this.#chain(block, from, no);
    return undefined;
  }

  /** Adds a batch from the columns that were stored, of which all is known. */
  put(no: number, { count, columns }: PlacedColumns, spans: ColumnSpans): void {
    this.batchNo = Math.max(no, this.batchNo);
    const block = this.#blockOf(count);
    const { table } = block;
    const from = table.count;
    table.grow(count);
    for (const [place, span] of spans.entries()) {
      const values = columns[place];
      if (span === undefined || values === undefined) {
        table.columns[place]?.fill(NaN, from, table.count);
      } else if (span.least === span.most && span.missing === 0) {
        table.column(place).fill(span.least, from, table.count);
      } else {
        table.column(place).set(values.subarray(0, count), from);
      }
    }
    this.#chain(block, from, no, spans);
  }

  /** In the order in which they came. */
  get batches(): readonly HotBatchRows[] {
    return this.#batches;
  }

  /** What came after the batch: the rest of it is in segments now. */
  since(batchNo: number): HotRows {
    const rest = new HotRows();
    for (const { no, table, from, to } of this.#batches) {
      if (no > batchNo) rest.#copy(no, table, from, to);
    }
    rest.batchNo = this.batchNo;
    return rest;
  }

  /** Adds what others hold, behind its own. */
  take(others: HotRows): void {
    for (const { no, table, from, to } of others.#batches) this.#copy(no, table, from, to);
    this.batchNo = Math.max(others.batchNo, this.batchNo);
  }

  #copy(no: number, table: RowTable, from: number, to: number): void {
    const block = this.#blockOf(to - from);
    const start = block.table.count;
    block.table.addRun(table, from, to);
    this.#chain(block, start, no);
  }

  /** All rows, as tables. */
  get tables(): readonly RowTable[] {
    return this.#blocks.map(({ table }) => table);
  }

  /** Adds the meter's rows measured in (from, to] to the table, in the order in which they came. */
  collect(meterNo: number, fromMs: number, toMs: number, into: RowTable): void {
    const found: number[] = [];
    let at = this.#heads[meterNo] ?? none;
    while (at !== none) {
      const block = this.#blocks[Math.floor(at / hotBlockRows)];
      if (block === undefined) break;
      const row = at % hotBlockRows;
      const time = block.table.value(readingPlaces.measuredAtMs, row);
      if (time > fromMs && time <= toMs) found.push(at);
      at = block.before[row] ?? none;
    }
    // The chain leads back from the newest, and rows that lie in time order need not be sorted.
    for (let place = found.length - 1; place >= 0; place -= 1) {
      const row = found[place] ?? none;
      const table = this.#blocks[Math.floor(row / hotBlockRows)]?.table;
      if (table !== undefined) into.addRun(table, row % hotBlockRows, (row % hotBlockRows) + 1);
    }
  }

  /** The last block when there is room in it, or a new one. */
  #blockOf(rows: number): HotBlock {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.table.count + rows <= hotBlockRows) return last;
    const block = this.#spare.pop() ?? newBlock();
    this.#blocks.push(block);
    return block;
  }

  #chain({ table, before }: HotBlock, from: number, no: number, spans: ColumnSpans = []): void {
    this.#batches.push({ no, table, from, to: table.count });
    const first = (this.#blocks.length - 1) * hotBlockRows;
    const meters = table.column(readingPlaces.meterNo).subarray(from, table.count);
    const times = table.column(readingPlaces.measuredAtMs).subarray(from, table.count);
    const span: ColumnSpan = spans[readingPlaces.measuredAtMs] ?? spanOf(times, times.length);
    this.firstMs = Math.min(this.firstMs, span.least);
    this.lastMs = Math.max(this.lastMs, span.most);
    const { most } = spans[readingPlaces.meterNo] ?? spanOf(meters, meters.length);
    if (most >= this.#heads.length) this.#heads = grown(this.#heads, most + 1);
    const heads = this.#heads;
    for (let row = 0; row < meters.length; row += 1) {
      const meter = meters[row] ?? 0;
      before[from + row] = heads[meter] ?? none;
      heads[meter] = first + from + row;
    }
    this.count += meters.length;
  }
}

function newBlock(): HotBlock {
  const table = new RowTable(readingSchema.columns.length, hotBlockRows);
  return { table, before: new Int32Array(hotBlockRows) };
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(length, array.length * 2)).fill(none, array.length);
  larger.set(array);
  return larger;
}

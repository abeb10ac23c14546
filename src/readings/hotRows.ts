/** Readings that are in no segment yet, in memory: each meter's rows as a chain from its newest arrival back. */
import { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";

const none = -1;

export class HotRows {
  readonly table = new RowTable(readingSchema.columns.length, 4_096);
  /** Highest number of a batch in it. */
  batchNo = 0;
  /** Oldest measured time in it; Infinity when it is empty. */
  firstMs = Infinity;
  /** By meter number: its newest row. */
  #heads = new Int32Array(1_024).fill(none);
  /** By row: the same meter's row before. */
  #before = new Int32Array(4_096);

  add(batchNo: number, batch: RowTable): void {
    const from = this.table.count;
    this.table.addRun(batch, 0, batch.count);
    this.batchNo = batchNo;
    if (this.#before.length < this.table.count) {
      this.#before = grown(this.#before, this.table.count);
    }
    const meters = this.table.column(readingPlaces.meterNo);
    const times = this.table.column(readingPlaces.measuredAtMs);
    for (let row = from; row < this.table.count; row += 1) {
      this.firstMs = Math.min(this.firstMs, times[row] ?? Infinity);
      const meter = meters[row] ?? 0;
      if (meter >= this.#heads.length) this.#heads = grown(this.#heads, meter + 1);
      this.#before[row] = this.#heads[meter] ?? none;
      this.#heads[meter] = row;
    }
  }

  /** The meter's rows, the newest arrival first. */
  rowsOf(meterNo: number): readonly number[] {
    const rows: number[] = [];
    let row = this.#heads[meterNo] ?? none;
    while (row !== none) {
      rows.push(row);
      row = this.#before[row] ?? none;
    }
    return rows;
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(length, array.length * 2)).fill(none, array.length);
  larger.set(array);
  return larger;
}

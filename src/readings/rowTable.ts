/** Rows as columns of numbers: NaN is a missing value, a column that nobody ever filled does not exist. */

export class RowTable {
  count = 0;
  capacity: number;
  /** By the places of the table's schema. */
  readonly columns: (Float64Array | undefined)[];

  constructor(places: number, capacity: number) {
    this.capacity = capacity;
    this.columns = Array.from<Float64Array | undefined>({ length: places }).fill(undefined);
  }

  /** The column, made of missing values when it did not exist; what lies behind the count is not said. */
  column(place: number): Float64Array {
    const known = this.columns[place];
    if (known !== undefined) return known;
    const made = new Float64Array(this.capacity).fill(NaN, 0, this.count);
    this.columns[place] = made;
    return made;
  }

  /** Some row has a value in the column. */
  hasValue(place: number): boolean {
    const values = this.columns[place];
    let row = values === undefined ? this.count : 0;
    while (row < this.count && Number.isNaN(values?.[row])) row += 1;
    return row < this.count;
  }

  value(place: number, row: number): number {
    return this.columns[place]?.[row] ?? NaN;
  }

  /** The value; null where it is missing. */
  said(place: number, row: number): number | null {
    const value = this.columns[place]?.[row];
    return value === undefined || Number.isNaN(value) ? null : value;
  }

  /** Appends the rows of `other` that `order` names from `from` to `to`. */
  gather(other: RowTable, order: Uint32Array, from: number, to: number): void {
    this.#reserve(this.count + to - from);
    for (const [place, source] of other.columns.entries()) {
      if (source === undefined) {
        this.columns[place]?.fill(NaN, this.count, this.count + to - from);
      } else {
        const target = this.column(place);
        let at = this.count;
        for (let row = from; row < to; row += 1) {
          target[at] = source[order[row] ?? 0] ?? NaN;
          at += 1;
        }
      }
    }
    this.count += to - from;
  }

  /** Appends a run of rows as it is. */
  addRun(other: RowTable, from: number, to: number): void {
    this.#reserve(this.count + to - from);
    // Runs of two rows are frequent: an iterator would take longer than they do.
    for (let place = 0; place < other.columns.length; place += 1) {
      const source = other.columns[place];
      if (source === undefined) {
        this.columns[place]?.fill(NaN, this.count, this.count + to - from);
      } else {
        const target = this.column(place);
        // For the few rows of one meter a loop is quicker than a copy by view.
        if (to - from > 64) target.set(source.subarray(from, to), this.count);
        else {
          for (let row = from; row < to; row += 1) {
            target[this.count + row - from] = source[row] ?? NaN;
          }
        }
      }
    }
    this.count += to - from;
  }

  clear(): void {
    this.count = 0;
  }

  /** Makes room for so many rows more whose values are about to be written. */
  grow(rows: number): void {
    this.#reserve(this.count + rows);
    this.count += rows;
  }

  /** Makes room for so many rows whose values are about to be written. */
  resize(count: number): void {
    this.count = 0;
    this.#reserve(count);
    this.count = count;
  }

  #reserve(rows: number): void {
    if (rows <= this.capacity) return;
    const capacity = Math.max(rows, this.capacity * 2);
    for (const [place, old] of this.columns.entries()) {
      if (old === undefined) continue;
      // What lies behind the count is written before it is counted.
      const grown = new Float64Array(capacity);
      grown.set(old.subarray(0, this.count));
      this.columns[place] = grown;
    }
    this.capacity = capacity;
  }
}

/** Where each meter begins among rows that are sorted by meter. */

export class Runs {
  count = 0;
  /** The first row of each run, the first one 0; behind the last run the number of rows. */
  starts: Uint32Array;

  constructor(starts = new Uint32Array(256)) {
    this.starts = starts;
  }

  /** The same, in no more room than they take. */
  copy(): Runs {
    const copied = new Runs(this.starts.slice(0, this.count + 1));
    copied.count = this.count;
    return copied;
  }

  clear(): void {
    this.count = 0;
    this.starts[0] = 0;
  }

  /** Ends the run that is open at this row; an empty one does not count. */
  end(row: number): void {
    if (row === this.starts[this.count]) return;
    this.count += 1;
    if (this.count === this.starts.length) {
      const grown = new Uint32Array(this.starts.length * 2);
      grown.set(this.starts);
      this.starts = grown;
    }
    this.starts[this.count] = row;
  }

  /** One run of so many rows. */
  whole(rows: number): void {
    this.clear();
    this.end(rows);
  }

  /** A run for each stretch of equal values. */
  find(values: Float64Array, rows: number): void {
    this.clear();
    let before = values[0] ?? NaN;
    for (let row = 1; row < rows; row += 1) {
      const value = values[row] ?? NaN;
      if (value === before) continue;
      this.end(row);
      before = value;
    }
    this.end(rows);
  }

  /** The runs of `all` as they are without the rows that have no bit, and without those that have none left. */
  pack(bitmap: Uint8Array, all: Runs, rows: number): number {
    this.clear();
    let present = 0;
    let run = 1;
    for (let row = 0; row < rows; row += 1) {
      if (row === all.starts[run]) {
        this.end(present);
        run += 1;
      }
      present += bitOf(bitmap, row);
    }
    this.end(present);
    return present;
  }

  /** The run in which the row lies. */
  runOf(row: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** 1: the row has a value. */
export function bitOf(bitmap: Uint8Array, row: number): number {
  return ((bitmap[row >> 3] ?? 0) >> (row & 7)) & 1;
}

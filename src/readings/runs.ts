/** Where each meter begins among rows that are sorted by meter. */

export class Runs {
  count = 0;
  /** The first row of each run, the first one 0; behind the last run the number of rows. */
  starts = new Uint32Array(256);

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
    let before = values[0];
    for (let row = 1; row < rows; row += 1) {
      const value = values[row];
      if (value !== before) this.end(row);
      before = value;
    }
    this.end(rows);
  }
}

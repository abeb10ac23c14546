/**
 * What is left of a column's values when what was to be expected is taken away, in quanta: their greatest common
 * divisor, because a register that counts litres costs the bytes of litres, though it is kept in millilitres. All of it
 * is found out in one pass, most often.
 */
import type { ByteWriter } from "./byteWriter.ts";
import { doubleWidth, widthMax, type Shape } from "./residuals.ts";
import type { Runs } from "./runs.ts";

/** No residual but zero is a multiple of it. */
const beyondAll = 2 ** 60;

/** Room for the residuals of one column, and what was found in it. */
export class CountedResiduals {
  /** Of the first value of each run but the first; not in quanta. */
  firsts = new Float64Array(0);
  /** Of all other values, in quanta. */
  others = new Float64Array(0);
  #firstCount = 0;
  #otherCount = 0;
  #quantum = 1;
  /** Of the others. */
  #least = 0;
  #most = 0;
  #farthestFirst = 0;

  reserve(rows: number): void {
    if (rows <= this.others.length) return;
    this.firsts = new Float64Array(rows);
    this.others = new Float64Array(rows);
  }

  /** False where a value is missing: nothing of it counts. */
  take(shape: Shape, values: Float64Array, runs: Runs): boolean {
    let quantum = this.#takeFirsts(values, runs);
    if (Number.isNaN(quantum)) return false;
    // Most often the first few residuals tell what divides all of them.
    for (;;) {
      const odd = this.#takeOthers(quantum || beyondAll, shape, values, runs);
      if (Number.isNaN(odd)) return false;
      if (odd === 0) break;
      quantum = commonDivisor(Math.abs(odd), quantum);
    }
    this.#quantum = quantum || 1;
    return true;
  }

  /** No value is farther from zero. */
  get reach(): number {
    const rows = this.#firstCount + this.#otherCount;
    const farthest = Math.max(Math.abs(this.#least), Math.abs(this.#most)) * this.#quantum;
    // A difference may grow by it from row to row, and the value by the difference.
    return this.#farthestFirst + rows * rows * farthest;
  }

  /** First values; quantum, least and width; the others. */
  write(writer: ByteWriter): void {
    const quantum = this.#quantum;
    let width = 0;
    for (let range = this.#most - this.#least; range >= 1; range /= 256) width += 1;
    const isDoubles = width > widthMax;
    for (let run = 1; run < this.#firstCount; run += 1) {
      writer.integer((this.firsts[run] ?? 0) / quantum);
    }
    writer.integer(quantum);
    writer.integer(isDoubles ? 0 : this.#least);
    writer.u8(isDoubles ? doubleWidth : width);
    if (isDoubles) writer.doubles(this.others, this.#otherCount);
    else writer.planes(this.others, this.#otherCount, this.#least, width);
  }

  /** Returns what divides all of them; 0: they are all zero; NaN: a value is missing. */
  #takeFirsts(values: Float64Array, { starts, count }: Runs): number {
    const { firsts } = this;
    let quantum = 0;
    let before = values[0] ?? 0;
    let farthest = Math.abs(before);
    for (let run = 1; run < count; run += 1) {
      const first = values[starts[run] ?? 0] ?? 0;
      const residual = first - before;
      if (Number.isNaN(residual)) return NaN;
      const quanta = residual / (quantum || beyondAll);
      if (quanta !== Math.floor(quanta)) quantum = commonDivisor(Math.abs(residual), quantum);
      if (Math.abs(first) > farthest) farthest = Math.abs(first);
      firsts[run] = residual;
      before = first;
    }
    this.#farthestFirst = farthest;
    this.#firstCount = count;
    return Number.isNaN(before) ? NaN : quantum;
  }

  /** Returns the first one that is no multiple of the quantum; 0: all are; NaN: a value is missing. */
  #takeOthers(
    quantum: number,
    shape: Shape,
    values: Float64Array,
    { starts, count }: Runs,
  ): number {
    const { others } = this;
    // Products with 0 and 1 take less time than to ask at each value.
    const ofBefore = shape === "plain" ? 0 : 1;
    const ofStep = shape === "deltaOfDelta" ? 1 : 0;
    let least = Infinity;
    let most = -Infinity;
    let step = 0;
    let place = 0;
    for (let run = 0; run < count; run += 1) {
      let row = starts[run] ?? 0;
      const end = starts[run + 1] ?? 0;
      let before = values[row] ?? 0;
      for (row += 1; row < end; row += 1) {
        const value = values[row] ?? 0;
        const residual = value - ofBefore * before - ofStep * step;
        const quanta = residual / quantum;
        if (quanta !== Math.floor(quanta)) return residual;
        if (quanta < least) least = quanta;
        if (quanta > most) most = quanta;
        others[place] = quanta;
        place += 1;
        step = value - before;
        before = value;
      }
    }
    this.#otherCount = place;
    this.#least = place === 0 ? 0 : least;
    this.#most = place === 0 ? 0 : most;
    return 0;
  }
}

/** The greatest common divisor of two whole numbers, neither of them negative. */
export function commonDivisor(one: number, other: number): number {
  let [divisor, rest] = [one, other];
  while (rest !== 0) [divisor, rest] = [rest, divisor % rest];
  return divisor;
}

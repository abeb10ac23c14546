/**
 * What is left of a column's values when what was to be expected is taken away, in quanta above the least of them, in
 * as many bytes as the largest needs: first the lowest byte of all, then the next.
 */
import { readDoubles, readIntegers, readPlanes } from "./byteWriter.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import type { Runs } from "./runs.ts";

/** A residual is the value, its difference to the meter's value before, or the change of that difference. */
export type Shape = "plain" | "delta" | "deltaOfDelta";

/** Far enough from the largest safe integer that no rounding on the way there counts. */
const surelySafe = 2 ** 52;

/** Residuals above the least that take more bytes than this are written as doubles. */
export const widthMax = 6;
export const doubleWidth = 8;

/** How residuals are counted, and where they begin. */
export interface CountedIn {
  readonly quantum: number;
  readonly least: number;
  readonly width: number;
  readonly valuesAt: number;
}

/** What stands behind the first values, of so many residuals. */
export function readCountedIn(
  bytes: Uint8Array,
  start: number,
  count: number,
): Result<CountedIn, ReadingFault> {
  const unit = new Float64Array(2);
  const at = readIntegers(bytes, start, unit, 0, 2);
  const [quantum = 0, least = 0] = unit;
  const width = at < 0 ? undefined : bytes[at];
  if (width === undefined) return fail({ kind: "truncated", what: "quantum" });
  if (quantum < 1 || (width > widthMax && width !== doubleWidth)) {
    return fail({ kind: "unexpectedValue", what: "quantum" });
  }
  const valuesAt = at + 1;
  return valuesAt + width * count === bytes.length
    ? ok({ quantum, least, width, valuesAt })
    : fail({ kind: "truncated", what: "residuals" });
}

/** Room for residuals: of the first values of runs, and of all others. */
export interface ResidualRoom {
  readonly firsts: Float64Array;
  readonly others: Float64Array;
}

/** What `CountedResiduals` wrote, from the first value on, which is there. */
export function readResiduals(
  shape: Shape,
  bytes: Uint8Array,
  start: number,
  { firsts, others }: ResidualRoom,
  runs: Runs,
  out: Float64Array,
): ReadingFault | undefined {
  const count = (runs.starts[runs.count] ?? 0) - runs.count;
  const at = readIntegers(bytes, start, firsts, 1, runs.count);
  if (at < 0) return { kind: "truncated", what: "first values" };
  const counted = readCountedIn(bytes, at, count);
  if (!counted.ok) return counted.fault;
  const { quantum, least, width, valuesAt } = counted.value;
  const isDoubles = width === doubleWidth;
  if (!isDoubles) readPlanes(bytes, valuesAt, others, count, counted.value);
  else if (!readDoubles(bytes, valuesAt, others, count, quantum)) {
    return { kind: "outOfRange", what: "double" };
  }
  firsts[0] = out[0] ?? 0;
  for (let run = 1; run < runs.count; run += 1) {
    firsts[run] = (firsts[run - 1] ?? 0) + (firsts[run] ?? 0) * quantum;
  }
  const farthest = isDoubles ? Infinity : (Math.abs(least) + 256 ** width) * quantum;
  const isNear = sum(shape, firsts, others, farthest, runs, out);
  return isNear || areSafe(out, count + runs.count)
    ? undefined
    : { kind: "outOfRange", what: "column value" };
}

/**
 * Values of their first ones and residuals, none of which is farther from zero; false where, for all that is known
 * before, one might be no safe integer: to look at each would take longer than the sum.
 */
function sum(
  shape: Shape,
  firsts: Float64Array,
  others: Float64Array,
  farthest: number,
  { starts, count }: Runs,
  out: Float64Array,
): boolean {
  let isNear = true;
  let step = 0;
  let place = 0;
  for (let run = 0; run < count; run += 1) {
    let row = starts[run] ?? 0;
    const end = starts[run + 1] ?? 0;
    let value = firsts[run] ?? 0;
    const rows = end - row;
    const reach = Math.abs(value) + rows * (Math.abs(step) + rows * farthest);
    if (!(reach <= surelySafe)) isNear = false;
    out[row] = value;
    row += 1;
    if (shape === "delta") {
      for (; row < end; row += 1) {
        value += others[place] ?? 0;
        out[row] = value;
        place += 1;
      }
    } else if (shape === "deltaOfDelta") {
      for (; row < end; row += 1) {
        step += others[place] ?? 0;
        value += step;
        out[row] = value;
        place += 1;
      }
    } else {
      for (; row < end; row += 1) {
        out[row] = others[place] ?? 0;
        place += 1;
      }
    }
  }
  return isNear;
}

function areSafe(values: Float64Array, count: number): boolean {
  for (let row = 0; row < count; row += 1) if (!Number.isSafeInteger(values[row])) return false;
  return true;
}

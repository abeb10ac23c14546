/**
 * What is left of a column's values when what was to be expected is taken away, in quanta above the least of them, in
 * as many bytes as the largest needs: first the lowest byte of all, then the next.
 */
import { readDoubles, readIntegers, readPlanes, type ByteWriter } from "./byteWriter.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import type { Runs } from "./runs.ts";

/** A residual is the value, its difference to the meter's value before, or the change of that difference. */
export type Shape = "plain" | "delta" | "deltaOfDelta";

/** Residuals above the least that take more bytes than this are written as doubles. */
const widthMax = 6;
export const doubleWidth = 8;

/** The residuals of the shape: of the first value of each run but the first, and of all other values. */
export function differ(
  shape: Shape,
  values: Float64Array,
  { starts, count }: Runs,
  firsts: Float64Array,
  others: Float64Array,
): void {
  const isPlain = shape === "plain";
  const isDelta = shape === "delta";
  let first = values[0] ?? 0;
  let step = 0;
  let place = 0;
  for (let run = 0; run < count; run += 1) {
    let row = starts[run] ?? 0;
    const end = starts[run + 1] ?? 0;
    let before = values[row] ?? 0;
    firsts[run] = before - first;
    first = before;
    for (row += 1; row < end; row += 1) {
      const value = values[row] ?? 0;
      const change = value - before;
      others[place] = isPlain ? value : isDelta ? change : change - step;
      place += 1;
      step = change;
      before = value;
    }
  }
}

/**
 * First values; quantum, least and width; the others. The quantum is the greatest common divisor: a register that
 * counts litres costs the bytes of litres, though it is kept in millilitres.
 */
export function writeResiduals(
  writer: ByteWriter,
  firsts: Float64Array,
  firstCount: number,
  others: Float64Array,
  count: number,
): void {
  firsts[0] = 0;
  const quantum = quantumOf(others, count, quantumOf(firsts, firstCount, 0)) || 1;
  divide(firsts, firstCount, quantum);
  let least = others[0] ?? 0;
  let most = least;
  for (let place = 1; place < count; place += 1) {
    const value = others[place] ?? 0;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  let width = 0;
  for (let range = most / quantum - least / quantum; range >= 1; range /= 256) width += 1;
  const isDoubles = width > widthMax;
  // What is too far apart to be told exactly is counted in quanta first; the planes do it as they are written.
  const isDivided = isDoubles || most - least > Number.MAX_SAFE_INTEGER;
  if (isDivided) divide(others, count, quantum);
  writer.integers(firsts, 1, firstCount);
  writer.integer(quantum);
  writer.integer(isDoubles ? 0 : least / quantum);
  writer.u8(isDoubles ? doubleWidth : width);
  if (isDoubles) writer.doubles(others, count);
  else if (isDivided) writer.planes(others, count, { quantum: 1, least: least / quantum, width });
  else writer.planes(others, count, { quantum, least, width });
}

/** The greatest common divisor of the values and what is known; 0: all are zero. */
function quantumOf(values: Float64Array, count: number, known: number): number {
  let quantum = known;
  let share = 1 / quantum;
  for (let place = 0; place < count && quantum !== 1; place += 1) {
    const value = values[place] ?? 0;
    // By a product, which is exact where it is right; a division takes three times as long.
    if (Math.round(value * share) * quantum === value || value === 0) continue;
    quantum = commonDivisor(Math.abs(value), quantum);
    share = 1 / quantum;
  }
  return quantum;
}

function divide(values: Float64Array, count: number, quantum: number): void {
  for (let place = 0; place < count; place += 1) values[place] = (values[place] ?? 0) / quantum;
}

/** The greatest common divisor of two whole numbers, neither of them negative. */
export function commonDivisor(one: number, other: number): number {
  let [divisor, rest] = [one, other];
  while (rest !== 0) [divisor, rest] = [rest, divisor % rest];
  return divisor;
}

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

/** What `writeResiduals` wrote. */
export function readResiduals(
  bytes: Uint8Array,
  start: number,
  firsts: Float64Array,
  firstCount: number,
  others: Float64Array,
  count: number,
): ReadingFault | undefined {
  const at = readIntegers(bytes, start, firsts, 1, firstCount);
  if (at < 0) return { kind: "truncated", what: "first values" };
  const counted = readCountedIn(bytes, at, count);
  if (!counted.ok) return counted.fault;
  const { quantum, width, valuesAt } = counted.value;
  for (let run = 1; run < firstCount; run += 1) firsts[run] = (firsts[run] ?? 0) * quantum;
  if (width === doubleWidth) {
    const isExact = readDoubles(bytes, valuesAt, others, count, quantum);
    return isExact ? undefined : { kind: "outOfRange", what: "double" };
  }
  readPlanes(bytes, valuesAt, others, count, counted.value);
  return undefined;
}

/** The inverse of `differ`, from the first value on; false where a value is no safe integer. */
export function sum(
  shape: Shape,
  firsts: Float64Array,
  others: Float64Array,
  { starts, count }: Runs,
  out: Float64Array,
): boolean {
  const isPlain = shape === "plain";
  const isDelta = shape === "delta";
  let isExact = true;
  let first = out[0] ?? 0;
  let step = 0;
  let place = 0;
  for (let run = 0; run < count; run += 1) {
    let row = starts[run] ?? 0;
    const end = starts[run + 1] ?? 0;
    if (run > 0) first += firsts[run] ?? 0;
    if (first > Number.MAX_SAFE_INTEGER || first < -Number.MAX_SAFE_INTEGER) isExact = false;
    let value = first;
    out[row] = value;
    for (row += 1; row < end; row += 1) {
      const residual = others[place] ?? 0;
      place += 1;
      step = isDelta ? residual : step + residual;
      value = isPlain ? residual : value + step;
      if (value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER) isExact = false;
      out[row] = value;
    }
  }
  return isExact;
}

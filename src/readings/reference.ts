/**
 * What one column lets expect of another: the time of receipt follows that of measuring, the meter's own count is a
 * share of the register, numbers rise with the time of receipt. What is expected is taken off before a column is
 * written, and added again when it is read, so that nothing of it is lost.
 *
 * What a slope makes expect is a product and a quotient of doubles, rounded: the same on every machine.
 */
import { commonDivisor } from "./countResiduals.ts";
import { noReference, type Reference, type Slope } from "./columnForm.ts";
import type { RowSpan } from "./columnRows.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import type { Shape } from "./residuals.ts";

/** So many rows decide for a chunk; neighbours, for what counts is what changes from one to the next. */
const sampledRows = 128;

interface Followed {
  readonly values: Float64Array;
  /** The column that may be followed; undefined: there is none, or nothing is known in it. */
  readonly reference: Float64Array | undefined;
  readonly meters: Float64Array;
  readonly count: number;
  /** How differences to the other column are written. */
  readonly shape: Shape;
}

/** How a column is written. */
export type Way = Reference & { readonly shape: Shape };

/** Writing a column this way costs least; without a reference its changes are written. */
export function bestReference(followed: Followed): Way {
  const { values, reference, count, shape } = followed;
  if (reference === undefined) return { ...noReference, shape };
  const ways: Way[] = [
    { relative: true, slope: null, shape },
    { ...noReference, shape: "delta" },
  ];
  const slope = slopeOf(values, reference, count);
  if (slope !== null) ways.push({ relative: true, slope, shape: "delta" });
  const costs = ways.map((way) => bitsOf(followed, way));
  const least = costs.indexOf(Math.min(...costs));
  return ways[least] ?? { ...noReference, shape };
}

/** The slope from the lowest value of the other column to its highest; null: it has but one, or none. */
function slopeOf(values: Float64Array, reference: Float64Array, count: number): Slope | null {
  let lowest = -1;
  let highest = -1;
  for (let row = 0; row < count; row += 1) {
    const at = reference[row] ?? NaN;
    if (Number.isNaN(at) || Number.isNaN(values[row])) continue;
    if (lowest < 0 || at < (reference[lowest] ?? 0)) lowest = row;
    if (highest < 0 || at > (reference[highest] ?? 0)) highest = row;
  }
  if (lowest < 0) return null;
  const rise = (values[highest] ?? 0) - (values[lowest] ?? 0);
  const run = (reference[highest] ?? 0) - (reference[lowest] ?? 0);
  const isExact = Number.isSafeInteger(rise) && Number.isSafeInteger(run);
  if (!isExact || run === 0 || rise === 0) return null;
  const divisor = commonDivisor(Math.abs(rise), run);
  return { rise: rise / divisor, run: run / divisor };
}

/** About how many bits a row takes: the logarithm of how far its residual lies from the usual one. */
function bitsOf(
  { values, reference = values, meters, count }: Followed,
  { relative, slope, shape }: Way,
): number {
  const rows = Math.min(count, sampledRows);
  const left = new Float64Array(rows);
  const taken = relative ? left : values;
  if (relative && !takeExpected(values, reference, left, rows, slope)) return Infinity;
  // Between two meters lies a jump that is written apart, unless there is little else.
  let residuals = residualsOf(taken, rows, shape, meters);
  if (residuals.length * 2 < rows) residuals = residualsOf(taken, rows, shape, null);
  if (residuals.length === 0) return 0;
  residuals.sort();
  const usual = residuals[residuals.length >> 1] ?? 0;
  let bits = 0;
  for (const residual of residuals) bits += Math.log2(1 + Math.abs(residual - usual));
  return bits / residuals.length;
}

/** Of the rows behind the first; of those that follow one of the same meter, if meters are given. */
function residualsOf(
  taken: Float64Array,
  rows: number,
  shape: Shape,
  meters: Float64Array | null,
): Float64Array {
  const residuals = new Float64Array(rows);
  let filled = 0;
  for (let row = 1; row < rows; row += 1) {
    if (meters !== null && meters[row] !== meters[row - 1]) continue;
    const value = taken[row] ?? NaN;
    const residual = shape === "plain" ? value : value - (taken[row - 1] ?? NaN);
    if (Number.isNaN(residual)) continue;
    residuals[filled] = residual;
    filled += 1;
  }
  return residuals.subarray(0, filled);
}

/** What is left of the first values; false where it would not be exact. */
export function takeExpected(
  values: Float64Array,
  reference: Float64Array,
  left: Float64Array,
  count: number,
  slope: Slope | null,
): boolean {
  const first = firstOf(reference, count);
  for (let row = 0; row < count; row += 1) {
    const value = values[row] ?? NaN;
    const expected = expectedOf(reference[row] ?? NaN, first, slope);
    const difference = value - expected;
    const isExact = Number.isSafeInteger(difference) && difference + expected === value;
    if (!Number.isNaN(value) && !isExact) return false;
    left[row] = difference;
  }
  return true;
}

/**
 * The values of some rows again; a fault where no such file was ever written. `first` is the other column's first value
 * in the chunk, for a slope.
 */
export function addExpected(
  left: Float64Array,
  reference: Float64Array,
  { from, to }: RowSpan,
  slope: Slope | null,
  first: number,
): ReadingFault | undefined {
  for (let row = from; row < to; row += 1) {
    const value = (left[row] ?? NaN) + expectedOf(reference[row] ?? NaN, first, slope);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return { kind: "outOfRange", what: "value" };
    left[row] = value;
  }
  return undefined;
}

/** The first value that there is; NaN: there is none. */
export function firstOf(reference: Float64Array, count: number): number {
  let row = 0;
  while (row < count && Number.isNaN(reference[row])) row += 1;
  return reference[row] ?? NaN;
}

function expectedOf(reference: number, first: number, slope: Slope | null): number {
  return slope === null ? reference : Math.round(((reference - first) * slope.rise) / slope.run);
}

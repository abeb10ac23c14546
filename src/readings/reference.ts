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

/** Room for the sample, used by one column after the other. */
const sample = new Float64Array(sampledRows);
const residuals = new Float64Array(sampledRows);

/** Writing a column this way costs least; without a reference its changes are written. */
export function bestReference(followed: Followed): Way {
  const { values, reference, count, shape } = followed;
  let best: Way = { ...noReference, shape };
  if (reference === undefined) return best;
  let least = Infinity;
  // A way that costs nothing is not to be beaten.
  const consider = (way: Way): boolean => {
    const bits = bitsOf(followed, way);
    if (bits < least) [best, least] = [way, bits];
    return least > 0;
  };
  if (!consider({ relative: true, slope: null, shape })) return best;
  if (!consider({ ...noReference, shape: "delta" })) return best;
  const slope = slopeOf(values, reference, count);
  if (slope !== null) consider({ relative: true, slope, shape: "delta" });
  return best;
}

/** The slope from the lowest value of the other column to its highest; null: it has but one, or none. */
function slopeOf(values: Float64Array, reference: Float64Array, count: number): Slope | null {
  let lowest = Infinity;
  let highest = -Infinity;
  let lowestRow = 0;
  let highestRow = 0;
  for (let row = 0; row < count; row += 1) {
    if (Number.isNaN(values[row])) continue;
    const at = reference[row] ?? NaN;
    if (at < lowest) [lowest, lowestRow] = [at, row];
    if (at > highest) [highest, highestRow] = [at, row];
  }
  const rise = (values[highestRow] ?? 0) - (values[lowestRow] ?? 0);
  const run = highest - lowest;
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
  const taken = relative ? sample : values;
  if (relative && !takeExpected(values, reference, sample, rows, slope)) return Infinity;
  // Between two meters lies a jump that is written apart, unless there is little else.
  let found = findResiduals(taken, rows, shape, meters);
  if (found * 2 < rows) found = findResiduals(taken, rows, shape, null);
  if (found === 0) return 0;
  const usual = middleOf(residuals, found);
  let bits = 0;
  // A logarithm takes as long as twenty products.
  let product = 1;
  for (let place = 0; place < found; place += 1) {
    product *= 1 + Math.abs((residuals[place] ?? 0) - usual);
    if (product < productMax) continue;
    bits += Math.log2(product);
    product = 1;
  }
  return (bits + Math.log2(product)) / found;
}

/** One more factor leaves it a number. */
const productMax = 2 ** 900;

/** Those of the rows behind the first; of those that follow one of the same meter, if meters are given. */
function findResiduals(
  taken: Float64Array,
  rows: number,
  shape: Shape,
  meters: Float64Array | null,
): number {
  let found = 0;
  for (let row = 1; row < rows; row += 1) {
    if (meters !== null && meters[row] !== meters[row - 1]) continue;
    const value = taken[row] ?? NaN;
    const residual = shape === "plain" ? value : value - (taken[row - 1] ?? NaN);
    if (Number.isNaN(residual)) continue;
    residuals[found] = residual;
    found += 1;
  }
  return found;
}

/** What would be in the middle if they were sorted; they are in another order afterwards. */
function middleOf(values: Float64Array, count: number): number {
  const middle = count >> 1;
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1] ?? 0;
    let up = low;
    let down = high;
    while (up <= down) {
      while ((values[up] ?? 0) < pivot) up += 1;
      while ((values[down] ?? 0) > pivot) down -= 1;
      if (up > down) break;
      const value = values[up] ?? 0;
      values[up] = values[down] ?? 0;
      values[down] = value;
      up += 1;
      down -= 1;
    }
    if (middle <= down) high = down;
    else if (middle >= up) low = up;
    else break;
  }
  return values[middle] ?? 0;
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
    const isExact =
      difference + expected === value && Math.abs(difference) <= Number.MAX_SAFE_INTEGER;
    if (!isExact && !Number.isNaN(value)) return false;
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
  return slope === null ? reference : rounded(((reference - first) * slope.rise) / slope.run);
}

/** What `Math.round` gives, which guesses at each number whether it is to be rounded up. */
function rounded(value: number): number {
  const below = Math.floor(value);
  return below + Number(value - below >= 0.5);
}

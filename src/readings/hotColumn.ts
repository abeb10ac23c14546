/**
 * One column of a hot batch: its values as short whole numbers above the least, counted in the largest quantum that all
 * of them keep to. Registers move by whole litres and clocks by whole seconds, so two or three bytes hold most columns.
 */
import { invariant, unreachable } from "#domain/invariant.ts";
import { readingSchema } from "./schema.ts";

/**
 * Whole minutes, whole seconds and litres, tenths; a column that keeps to none is counted in its own unit. So few, for
 * each is tried on a sample of the values, and then while they are written.
 */
const quanta = [60_000, 1_000, 10, 1] as const;
const sampledRows = 16;

/** Bytes of a value; 0: all are the least; 3: a plane of two bytes, then one; 8: doubles, of which NaN is missing. */
export const widths = [0, 1, 2, 3, 4, 8] as const;
export type Width = (typeof widths)[number];
export const doubleWidth = 8;
const longWidth = 3;

/** What a column holds: of no value the most is below the least. */
export interface ColumnSpan {
  readonly least: number;
  readonly most: number;
  /** Rows without a value. */
  readonly missing: number;
}

/** How a column is written. */
export interface ColumnForm {
  readonly width: Width;
  readonly quantum: number;
  readonly least: number;
  /** Some values are missing, which is the largest number that the width holds. */
  readonly isSome: boolean;
}

type Codes = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** A column of a batch as it lies there. */
export interface BatchColumn extends ColumnForm {
  readonly place: number;
  /** Nothing where all values are the least; of three bytes the lower two. */
  readonly codes: Codes;
  /** Of three bytes the highest. */
  readonly high: Uint8Array;
  /** No value is above it; of doubles it is not known. */
  readonly most: number;
}

/** Of four values at once it is seen whether all lie between what came before; nearly always they do. */
export function spanOf(values: Float64Array, count: number): ColumnSpan {
  let least = Infinity;
  let most = -Infinity;
  let missing = 0;
  for (let from = 0; from < count; from += 4) {
    const one = values[from] ?? NaN;
    const two = values[from + 1] ?? NaN;
    const three = values[from + 2] ?? NaN;
    const four = values[from + 3] ?? NaN;
    const isAbove = one >= least && two >= least && three >= least && four >= least;
    if (isAbove && one <= most && two <= most && three <= most && four <= most) continue;
    const to = Math.min(count, from + 4);
    for (let row = from; row < to; row += 1) {
      const value = values[row] ?? NaN;
      if (value < least) least = value;
      if (value > most) most = value;
      if (Number.isNaN(value)) missing += 1;
    }
  }
  return { least, most, missing };
}

/** Bytes of so many values, filled up to a multiple of eight. */
export function valueBytes(count: number, width: Width): number {
  return Math.ceil((count * width) / 8) * 8;
}

/** Bytes that a column's values take at most. */
export function valueBytesMax(count: number, span: ColumnSpan): number {
  return valueBytes(count, widthOf(span, 1));
}

/** The width that holds the span; the largest number of each is kept for what is missing, where something is. */
function widthOf({ least, most, missing }: ColumnSpan, quantum: number): Width {
  const codes = (most - least) / quantum + (missing > 0 ? 1 : 0);
  return widths.find((bytes) => codes < 2 ** (8 * bytes)) ?? doubleWidth;
}

export function missingCode(width: Width): number {
  return width === doubleWidth ? NaN : 2 ** (8 * width) - 1;
}

/** Where a column's values lie. */
export interface ColumnPlace {
  readonly buffer: ArrayBufferLike;
  readonly at: number;
  readonly count: number;
}

/** Writes the values and says how; what is no safe integer is our own mistake. */
export function writeValues(
  place: number,
  values: Float64Array,
  span: ColumnSpan,
  lies: ColumnPlace,
): ColumnForm {
  const { least, most, missing } = span;
  const isSome = missing > 0;
  const unitWidth = widthOf(span, 1);
  const isSafe = Number.isSafeInteger(least) && Number.isSafeInteger(most);
  for (const quantum of isSafe ? quanta : []) {
    const width = widthOf(span, quantum);
    const form = { width, quantum, least, isSome };
    if (width === doubleWidth) break;
    const isNarrower = width > 0 && width < unitWidth;
    const isTried = isNarrower && isSampled(values, span, quantum, lies.count);
    if ((isTried || quantum === 1) && writeCodes(values, form, lies) === missing) {
      if (isSome) writeMissing(values, form, lies);
      return form;
    }
  }
  const isWhole = isSafe && unitWidth === doubleWidth && areWhole(values, lies.count);
  invariant(isWhole, `${readingSchema.columns[place]?.name} is a safe integer or missing`);
  // Doubles are the values themselves, for which a difference might not be exact.
  new Float64Array(lies.buffer, lies.at, lies.count).set(values.subarray(0, lies.count));
  return { width: doubleWidth, quantum: 1, least: 0, isSome };
}

/** The span and a few of the values keep to the quantum. */
function isSampled(
  values: Float64Array,
  { least, most }: ColumnSpan,
  quantum: number,
  count: number,
): boolean {
  if ((most - least) % quantum !== 0) return false;
  const step = Math.ceil(count / sampledRows);
  for (let row = 0; row < count; row += step) {
    const value = values[row] ?? NaN;
    if (!Number.isNaN(value) && (value - least) % quantum !== 0) return false;
  }
  return true;
}

function areWhole(values: Float64Array, count: number): boolean {
  return values.subarray(0, count).every((value) => value % 1 === 0 || Number.isNaN(value));
}

/** Added and taken off again, it leaves the nearest whole number of a positive one; sooner than rounding does. */
const rounding = 2 ** 52;

/**
 * Writes the codes as they lie; returns how many do not come back as the value, the missing ones among them. Each width
 * has a loop of its own: one for all of them takes several times as long. Counting without a branch takes half as long.
 */
function writeCodes(
  values: Float64Array,
  { width, quantum, least }: ColumnForm,
  lies: ColumnPlace,
): number {
  const share = 1 / quantum;
  let others = 0;
  const end = lies.at + valueBytes(lies.count, width);
  if (width > 0) new Float64Array(lies.buffer, end - 8, 1).fill(0);
  const { codes, high } = codesAt(lies, width);
  if (codes instanceof Uint8Array) {
    for (let row = 0; row < codes.length; row += 1) {
      const value = values[row] ?? NaN;
      const code = (value - least) * share + rounding - rounding;
      codes[row] = code;
      others += code * quantum + least === value ? 0 : 1;
    }
  } else if (codes instanceof Uint16Array && width === longWidth) {
    for (let row = 0; row < codes.length; row += 1) {
      const value = values[row] ?? NaN;
      const code = (value - least) * share + rounding - rounding;
      const bits = code >>> 0;
      codes[row] = bits;
      high[row] = bits >>> 16;
      others += code * quantum + least === value ? 0 : 1;
    }
  } else if (codes instanceof Uint16Array) {
    for (let row = 0; row < codes.length; row += 1) {
      const value = values[row] ?? NaN;
      const code = (value - least) * share + rounding - rounding;
      codes[row] = code;
      others += code * quantum + least === value ? 0 : 1;
    }
  } else {
    for (let row = 0; row < codes.length; row += 1) {
      const value = values[row] ?? NaN;
      const code = (value - least) * share + rounding - rounding;
      codes[row] = code;
      others += code * quantum + least === value ? 0 : 1;
    }
  }
  return others;
}

function writeMissing(values: Float64Array, { width }: ColumnForm, lies: ColumnPlace): void {
  const { codes, high } = codesAt(lies, width);
  const missing = missingCode(width);
  for (let row = 0; row < codes.length; row += 1) {
    if (!Number.isNaN(values[row])) continue;
    codes[row] = missing;
    if (width === longWidth) high[row] = missing >>> 16;
  }
}

/** The highest code, or for short ones the highest that there can be. */
export function highestCode(codes: Codes, missing: number): number {
  if (codes.length === 0 || codes instanceof Float64Array) return 0;
  if (!(codes instanceof Uint32Array)) return 2 ** (8 * codes.BYTES_PER_ELEMENT) - 1;
  let highest = 0;
  for (let row = 0; row < codes.length; row += 1) {
    const code = codes[row] ?? 0;
    if (code > highest && code !== missing) highest = code;
  }
  return highest;
}

const noHigh = new Uint8Array();

/** The values of a column as they lie. */
export function codesAt(
  { buffer, at, count }: ColumnPlace,
  width: Width,
): { readonly codes: Codes; readonly high: Uint8Array } {
  switch (width) {
    case 0:
      return { codes: noHigh, high: noHigh };
    case 1:
      return { codes: new Uint8Array(buffer, at, count), high: noHigh };
    case 2:
      return { codes: new Uint16Array(buffer, at, count), high: noHigh };
    case 3: {
      const high = new Uint8Array(buffer, at + 2 * count, count);
      return { codes: new Uint16Array(buffer, at, count), high };
    }
    case 4:
      return { codes: new Uint32Array(buffer, at, count), high: noHigh };
    case 8:
      return { codes: new Float64Array(buffer, at, count), high: noHigh };
    default:
      return unreachable(width);
  }
}

/** A column's values into `out`, from one on. */
export function readColumn(column: BatchColumn, rows: number, out: Float64Array, from: number) {
  if (column.width === 0) out.fill(column.least, from, from + rows);
  else readCodes(column, out.subarray(from, from + rows));
  if (column.isSome && column.width < doubleWidth) readMissing(column, out, from);
}

/** A loop for each width, as in writing. */
function readCodes({ codes, high, width, quantum, least }: BatchColumn, out: Float64Array): void {
  if (codes instanceof Uint8Array) {
    for (let row = 0; row < codes.length; row += 1) {
      out[row] = (codes[row] ?? 0) * quantum + least;
    }
  } else if (codes instanceof Uint16Array && width === longWidth) {
    for (let row = 0; row < codes.length; row += 1) {
      out[row] = (((high[row] ?? 0) << 16) | (codes[row] ?? 0)) * quantum + least;
    }
  } else if (codes instanceof Uint16Array) {
    for (let row = 0; row < codes.length; row += 1) {
      out[row] = (codes[row] ?? 0) * quantum + least;
    }
  } else if (codes instanceof Uint32Array) {
    for (let row = 0; row < codes.length; row += 1) {
      out[row] = (codes[row] ?? 0) * quantum + least;
    }
  } else {
    out.set(codes);
  }
}

function readMissing({ codes, high, width }: BatchColumn, out: Float64Array, from: number): void {
  const missing = missingCode(width);
  const low = width === longWidth ? missing & 0xffff : missing;
  for (let row = 0; row < codes.length; row += 1) {
    const isMissing = codes[row] === low && (width !== longWidth || high[row] === 0xff);
    if (isMissing) out[from + row] = NaN;
  }
}

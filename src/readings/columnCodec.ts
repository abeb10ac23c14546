/**
 * One column of a chunk as bytes: integers of up to 53 bits, any of which may be missing. What a column is worth in
 * bytes is decided by what changes from reading to reading of one meter, so that is what is written.
 *
 *     form | [which rows have a value: one bit a row] | base | what follows by the shape
 *
 * The base is the first value. A column of runs tells each change and how long the value stays. Otherwise there is a
 * residual for each value: the value itself, the difference to the meter's value before, or the change of that
 * difference; at a meter's first row the value before is the first value of the meter before. Residuals are counted in
 * quanta, their greatest common divisor, above the least of them, in as many bytes as the largest needs.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import { readIntegers, type ByteWriter } from "./byteWriter.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { form, readForm, shapes, type ColumnForm, type Reference } from "./columnForm.ts";
import { CountedResiduals } from "./countResiduals.ts";
import { readResiduals, type Shape } from "./residuals.ts";
import { bitOf, Runs } from "./runs.ts";

/** More rows in one chunk are refused before anything is allocated for them. */
export const chunkRowsMax = 65_536;

/** A column whose values stay for so many rows is written as runs. */
const runRowsMin = 4;

/** Differences of values that are further apart might not be exact: they are written plain. */
const spreadMax = 2 ** 51;

/** Room for the work on one column; a coder is used by one thread, for one column after the other. */
export class ColumnCodec {
  #values = new Float64Array(0);
  /** Residuals of the first values of meters, and of all others. */
  readonly #counted = new CountedResiduals();
  /** In a column of runs. */
  #changes = 0;
  /** The meters' runs in a column with missing values; a column as one run. */
  readonly #packedRuns = new Runs();
  readonly #oneRun = new Runs();

  /**
   * Writes the first `count` values; NaN is a missing one. `meters` are the runs of each meter. The reference is only
   * noted for the reader.
   */
  encode(
    writer: ByteWriter,
    values: Float64Array,
    meters: Runs,
    count: number,
    wanted: { readonly shape: Shape } & Reference,
  ): void {
    this.#reserve(count);
    const { slope } = wanted;
    let shape = this.#take(wanted.shape, values, meters, count);
    const isWhole = shape !== null;
    const present = isWhole ? count : this.#pack(values, meters, count);
    const relative = wanted.relative ? form.relative : 0;
    if (present === 0) return writer.u8(form.none | relative);
    const packed = isWhole ? values : this.#values;
    shape ??= this.#take(wanted.shape, packed, this.#packedRuns, present) ?? wanted.shape;
    const isFlat = shape === "runs" && this.#changes === 0;
    writer.u8(
      (isWhole ? 0 : form.some) |
        relative |
        (slope === null ? 0 : form.sloped) |
        (isFlat ? form.flat : 0) |
        (shapes.indexOf(shape) << form.shapeShift),
    );
    if (slope !== null) {
      writer.integer(slope.rise);
      writer.integer(slope.run);
    }
    if (!isWhole) writeBitmap(writer, values, count);
    writer.integer(packed[0] ?? 0);
    if (isFlat) return undefined;
    if (shape !== "runs") return this.#counted.write(writer);
    writer.u32(this.#changes);
    return writer.integers(this.#counted.others, 0, this.#changes * 2);
  }

  /** Reads exactly these bytes into `out`; the answer tells what another column has to do with the values. */
  decode(
    bytes: Uint8Array,
    meters: Runs,
    count: number,
    out: Float64Array,
  ): Result<Reference, ReadingFault> {
    this.#reserve(count);
    const read = readForm(bytes, count);
    if (!read.ok) return read;
    const { reference, bitmap, isNone } = read.value;
    if (isNone) {
      out.fill(NaN, 0, count);
      return ok(reference);
    }
    const packedMeters = bitmap === null ? meters : this.#packedRuns;
    const present = bitmap === null ? count : packedMeters.pack(bitmap, meters, count);
    if (present === 0) return fail({ kind: "unexpectedValue", what: "bitmap" });
    const packed = bitmap === null ? out : this.#values;
    const fault = this.#readValues(bytes, read.value, packedMeters, present, packed);
    if (fault) return fail(fault);
    if (bitmap !== null) spread(bitmap, packed, count, out);
    return ok(reference);
  }

  #reserve(rows: number): void {
    if (rows <= this.#values.length) return;
    const room = Math.min(chunkRowsMax, Math.max(rows, this.#values.length * 2, 256));
    this.#values = new Float64Array(room);
    this.#counted.reserve(room);
  }

  /** The values that there are, without gaps; a meter's first value there is starts the meter. */
  #pack(values: Float64Array, meters: Runs, count: number): number {
    const packed = this.#packedRuns;
    packed.clear();
    let present = 0;
    let run = 1;
    for (let row = 0; row < count; row += 1) {
      if (row === meters.starts[run]) {
        packed.end(present);
        run += 1;
      }
      const value = values[row] ?? NaN;
      if (Number.isNaN(value)) continue;
      this.#values[present] = value;
      present += 1;
    }
    packed.end(present);
    return present;
  }

  /** What is to be written behind the base, and the shape of it; null where a value is missing. */
  #take(
    wanted: Shape,
    values: Float64Array,
    meters: Runs,
    count: number,
  ): (typeof shapes)[number] | null {
    const counted = this.#counted;
    const changes = changesIn(values, count);
    let isFar = false;
    if (changes * runRowsMin < count) {
      const spread = takeRuns(values, changes === 0 ? 1 : count, counted.others);
      if (Number.isNaN(spread)) return null;
      this.#changes = changes;
      isFar = spread > spreadMax;
      if (!isFar) return "runs";
    } else {
      if (!counted.take(wanted, values, this.#runsOf(wanted, meters, count))) return null;
      isFar = counted.reach > spreadMax / 2 && spreadOf(values, count) > spreadMax;
      if (!isFar) return wanted;
    }
    counted.take("plain", values, this.#runsOf("plain", meters, count));
    return "plain";
  }

  /** A plain column does not mind where meters begin. */
  #runsOf(shape: Shape, meters: Runs, count: number): Runs {
    if (shape !== "plain") return meters;
    this.#oneRun.whole(count);
    return this.#oneRun;
  }

  #readValues(
    bytes: Uint8Array,
    { shape, baseAt, isFlat }: ColumnForm,
    meters: Runs,
    present: number,
    out: Float64Array,
  ): ReadingFault | undefined {
    const at = readIntegers(bytes, baseAt, out, 0, 1);
    if (at < 0) return { kind: "truncated", what: "base" };
    if (isFlat) {
      if (at < bytes.length) return { kind: "trailingBytes", what: "column" };
      out.fill(out[0] ?? 0, 1, present);
      return undefined;
    }
    if (shape === "runs") return readRuns(bytes, at, out, present);
    const runs = this.#runsOf(shape, meters, present);
    return readResiduals(shape, bytes, at, this.#counted, runs, out);
  }
}

function isSafe(value: number): boolean {
  return value >= -Number.MAX_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
}

/** How often a value differs from the one before; more than runs may have are not counted to their end. */
function changesIn(values: Float64Array, count: number): number {
  const tooMany = Math.ceil(count / runRowsMin);
  let changes = 0;
  let before = values[0] ?? NaN;
  for (let row = 1; row < count && changes < tooMany; row += 1) {
    const value = values[row] ?? NaN;
    // Whether a register rests is anybody's guess: it is counted without a branch.
    changes += Number(value !== before);
    before = value;
  }
  return changes;
}

/** How far apart any two of them are. */
function spreadOf(values: Float64Array, count: number): number {
  let least = Infinity;
  let most = -Infinity;
  for (let row = 0; row < count; row += 1) {
    const value = values[row] ?? NaN;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return most - least;
}

/**
 * Of each change, how many rows after the one before, and by how much. Returns how far apart any two values are; NaN:
 * one is missing.
 */
function takeRuns(values: Float64Array, count: number, into: Float64Array): number {
  let before = values[0] ?? NaN;
  let least = before;
  let most = before;
  let start = 0;
  let filled = 0;
  for (let row = 1; row < count; row += 1) {
    const value = values[row] ?? NaN;
    if (value === before) continue;
    // A missing one leaves nothing of either.
    least = Math.min(least, value);
    most = Math.max(most, value);
    into[filled] = row - start;
    into[filled + 1] = value - before;
    filled += 2;
    start = row;
    before = value;
  }
  return most - least;
}

/** The runs behind the first value, which is there. */
function readRuns(
  bytes: Uint8Array,
  start: number,
  out: Float64Array,
  count: number,
): ReadingFault | undefined {
  if (start + 4 > bytes.length) return { kind: "truncated", what: "runs" };
  const changes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(start, true);
  if (changes >= count) return { kind: "unexpectedValue", what: "runs" };
  const pair = new Float64Array(2);
  let at = start + 4;
  let row = 0;
  let value = out[0] ?? 0;
  for (let change = 0; change < changes; change += 1) {
    at = readIntegers(bytes, at, pair, 0, 2);
    if (at < 0) return { kind: "truncated", what: "runs" };
    const end = row + (pair[0] ?? 0);
    if (end <= row || end >= count) return { kind: "unexpectedValue", what: "run length" };
    // For a few rows a loop is quicker than a fill.
    for (; row < end; row += 1) out[row] = value;
    value += pair[1] ?? 0;
    if (!isSafe(value)) return { kind: "outOfRange", what: "column value" };
  }
  out.fill(value, row, count);
  return at === bytes.length ? undefined : { kind: "trailingBytes", what: "column" };
}

function writeBitmap(writer: ByteWriter, values: Float64Array, count: number): void {
  for (let row = 0; row < count; row += 8) {
    let bits = 0;
    for (let bit = 0; bit < 8 && row + bit < count; bit += 1) {
      const value = values[row + bit] ?? NaN;
      if (!Number.isNaN(value)) bits |= 1 << bit;
    }
    writer.u8(bits);
  }
}

function spread(bitmap: Uint8Array, packed: Float64Array, count: number, out: Float64Array): void {
  let present = 0;
  for (let row = 0; row < count; row += 1) {
    const has = bitOf(bitmap, row) === 1;
    out[row] = has ? (packed[present] ?? NaN) : NaN;
    if (has) present += 1;
  }
}

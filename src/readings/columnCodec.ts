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
import { differ, readResiduals, sum, writeResiduals, type Shape } from "./residuals.ts";
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
  #firsts = new Float64Array(0);
  #others = new Float64Array(0);
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
    const all = survey(values, count);
    const isWhole = all.missing === 0;
    const present = isWhole ? count : this.#pack(values, meters, count);
    const { slope } = wanted;
    const relative = wanted.relative ? form.relative : 0;
    const bits = (isWhole ? 0 : form.some) | relative | (slope === null ? 0 : form.sloped);
    if (present === 0) return writer.u8(form.none | (bits & form.relative));
    const packed = isWhole ? values : this.#values;
    const { changes, spread } = isWhole ? all : survey(packed, present);
    const isRuns = changes * runRowsMin < present && spread <= spreadMax;
    const shape = isRuns ? "runs" : spread <= spreadMax ? wanted.shape : "plain";
    const flatBit = changes === 0 ? form.flat : 0;
    writer.u8(bits | flatBit | (shapes.indexOf(shape) << form.shapeShift));
    if (slope !== null) {
      writer.integer(slope.rise);
      writer.integer(slope.run);
    }
    if (!isWhole) writeBitmap(writer, values, count);
    writer.integer(packed[0] ?? 0);
    if (changes === 0) return undefined;
    if (shape === "runs") return writeRuns(writer, packed, present, this.#others);
    const runs = this.#runsOf(shape, isWhole ? meters : this.#packedRuns, present);
    differ(shape, packed, runs, this.#firsts, this.#others);
    return writeResiduals(writer, this.#firsts, runs.count, this.#others, present - runs.count);
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
    this.#firsts = new Float64Array(room);
    this.#others = new Float64Array(room);
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
    const others = present - runs.count;
    const fault = readResiduals(bytes, at, this.#firsts, runs.count, this.#others, others);
    if (fault) return fault;
    return sum(shape, this.#firsts, this.#others, runs, out)
      ? undefined
      : { kind: "outOfRange", what: "column value" };
  }
}

function isSafe(value: number): boolean {
  return value >= -Number.MAX_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
}

interface Survey {
  /** How often a value differs from the one before. */
  readonly changes: number;
  /** How far apart any two are, where none is missing. */
  readonly spread: number;
  readonly missing: number;
}

function survey(values: Float64Array, count: number): Survey {
  let before = values[0] ?? NaN;
  let least = before;
  let most = before;
  let changes = 0;
  let missing = Number.isNaN(before) ? 1 : 0;
  for (let place = 1; place < count; place += 1) {
    const value = values[place] ?? NaN;
    if (value === before) continue;
    changes += 1;
    if (value < least) least = value;
    if (value > most) most = value;
    if (Number.isNaN(value)) missing += 1;
    before = value;
  }
  return { changes, spread: most - least, missing };
}

/** How many changes; of each, how many rows after the one before, and by how much. */
function writeRuns(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  room: Float64Array,
): void {
  let before = values[0] ?? 0;
  let start = 0;
  let filled = 0;
  for (let row = 1; row < count; row += 1) {
    const value = values[row] ?? 0;
    if (value === before) continue;
    room[filled] = row - start;
    room[filled + 1] = value - before;
    filled += 2;
    start = row;
    before = value;
  }
  writer.u32(filled / 2);
  writer.integers(room, 0, filled);
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

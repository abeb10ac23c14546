/**
 * One column of a chunk as bytes: integers of up to 53 bits, any of which may be missing. What a column is worth in
 * bytes is decided by what changes from reading to reading of one meter, so that is what is written.
 *
 *     form | [which rows have a value: one bit a row] | base | [quantum | residuals]
 *
 * The base is the first value. A residual is what follows from it by the shape: the value itself, the difference to
 * the meter's value before, or the change of that difference. At a meter's first row the value before is the first
 * value of the meter before. All residuals are whole multiples of the quantum, which is their greatest common divisor.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import { readIntegers, type ByteWriter } from "./byteWriter.ts";
import type { ReadingFault } from "#ports/readingStore.ts";

export type Shape = "plain" | "delta" | "deltaOfDelta";
const shapes: readonly Shape[] = ["plain", "delta", "deltaOfDelta"];

/** Bits of the form byte: 0..1 which rows have a value, 2..3 the shape, then these. */
const form = { some: 1, none: 2, shapeShift: 2, signed: 16, flat: 32, relative: 64 } as const;

/** More rows in one chunk are refused before anything is allocated for them. */
export const chunkRowsMax = 65_536;

/** Room for the work on one column; a coder is used by one thread, for one column after the other. */
export class ColumnCodec {
  #values = new Float64Array(0);
  #starts = new Uint8Array(0);
  #residuals = new Float64Array(0);

  /**
   * Writes the first `count` values; NaN is a missing one. `starts` is 1 at each meter's first row. `relative` is only
   * noted for the reader: the values are differences to another column.
   */
  encode(
    writer: ByteWriter,
    values: Float64Array,
    starts: Uint8Array,
    count: number,
    wanted: { readonly shape: Shape; readonly relative: boolean },
  ): void {
    this.#reserve(count);
    const isWhole = hasEveryValue(values, count);
    const present = isWhole ? count : this.#pack(values, starts, count);
    const relativeBit = wanted.relative ? form.relative : 0;
    if (present === 0) return writer.u8(form.none | relativeBit);
    const packed = isWhole ? values : this.#values;
    const shape = this.#shapeOf(packed, isWhole ? starts : this.#starts, present, wanted.shape);
    const { quantum, signed } = quantumOf(this.#residuals, present - 1);
    const flat = quantum === 0;
    writer.u8(
      (present < count ? form.some : 0) |
        (shapes.indexOf(shape) << form.shapeShift) |
        (signed ? form.signed : 0) |
        (flat ? form.flat : 0) |
        relativeBit,
    );
    if (present < count) writeBitmap(writer, values, count);
    writer.integer(packed[0] ?? 0);
    if (flat) return undefined;
    writer.integer(quantum);
    writer.integers(this.#residuals, present - 1, quantum, signed);
    return undefined;
  }

  /** Reads exactly these bytes into `out`; the answer tells whether the values are relative to another column. */
  decode(
    bytes: Uint8Array,
    starts: Uint8Array,
    count: number,
    out: Float64Array,
  ): Result<{ readonly relative: boolean }, ReadingFault> {
    this.#reserve(count);
    const head = bytes[0];
    if (head === undefined) return fail({ kind: "truncated", what: "column" });
    const relative = (head & form.relative) !== 0;
    if ((head & form.none) !== 0) {
      if ((head & ~(form.none | form.relative)) !== 0) return unexpected("column form");
      if (bytes.length > 1) return fail({ kind: "trailingBytes", what: "column" });
      out.fill(NaN, 0, count);
      return ok({ relative });
    }
    const shape = shapes[(head >> form.shapeShift) & 3];
    if (shape === undefined || head >= 0x80) return unexpected("column form");
    const some = (head & form.some) !== 0;
    const bitmapBytes = some ? Math.ceil(count / 8) : 0;
    if (bytes.length < 1 + bitmapBytes) return fail({ kind: "truncated", what: "bitmap" });
    const bitmap = bytes.subarray(1, 1 + bitmapBytes);
    const present = some ? this.#packStarts(bitmap, starts, count) : count;
    if (present === 0) return unexpected("bitmap");
    const fault = this.#readResiduals(bytes, 1 + bitmapBytes, present, head);
    if (fault) return fail(fault);
    const packedStarts = some ? this.#starts : starts;
    if (!restore(shape, this.#residuals, packedStarts, present, some ? this.#values : out)) {
      return fail({ kind: "outOfRange", what: "column value" });
    }
    if (some) spread(bitmap, this.#values, count, out);
    return ok({ relative });
  }

  #reserve(rows: number): void {
    if (rows <= this.#values.length) return;
    const room = Math.min(chunkRowsMax, Math.max(rows, this.#values.length * 2, 256));
    this.#values = new Float64Array(room);
    this.#starts = new Uint8Array(room);
    this.#residuals = new Float64Array(room);
  }

  /** Base and residuals, the base first, in `#residuals`. */
  #readResiduals(
    bytes: Uint8Array,
    start: number,
    present: number,
    head: number,
  ): ReadingFault | undefined {
    const residuals = this.#residuals;
    let at = readIntegers(bytes, start, residuals, 1, true);
    if (at < 0) return { kind: "truncated", what: "base" };
    if ((head & form.flat) !== 0) {
      residuals.fill(0, 1, present);
    } else {
      const quantumOut = this.#values;
      at = readIntegers(bytes, at, quantumOut, 1, true);
      const quantum = at < 0 ? 0 : (quantumOut[0] ?? 0);
      if (quantum < 1) return { kind: "unexpectedValue", what: "quantum" };
      const signed = (head & form.signed) !== 0;
      at = readIntegers(bytes, at, residuals.subarray(1), present - 1, signed);
      if (at < 0) return { kind: "truncated", what: "residuals" };
      if (quantum !== 1) {
        for (let place = 1; place < present; place += 1) {
          residuals[place] = (residuals[place] ?? 0) * quantum;
        }
      }
    }
    return at === bytes.length ? undefined : { kind: "trailingBytes", what: "column" };
  }

  /** The values that there are, without gaps; a meter's first value there is starts the meter. */
  #pack(values: Float64Array, starts: Uint8Array, count: number): number {
    let present = 0;
    let starting = 0;
    for (let row = 0; row < count; row += 1) {
      const value = values[row] ?? NaN;
      starting |= starts[row] ?? 0;
      if (!Number.isNaN(value)) {
        this.#values[present] = value;
        this.#starts[present] = starting;
        present += 1;
        starting = 0;
      }
    }
    return present;
  }

  #packStarts(bitmap: Uint8Array, starts: Uint8Array, count: number): number {
    let present = 0;
    let starting = 0;
    for (let row = 0; row < count; row += 1) {
      starting |= starts[row] ?? 0;
      if ((((bitmap[row >> 3] ?? 0) >> (row & 7)) & 1) === 1) {
        this.#starts[present] = starting;
        present += 1;
        starting = 0;
      }
    }
    return present;
  }

  /** The wanted shape, or plain where a difference would not be exact. A column that never changes is a delta. */
  #shapeOf(values: Float64Array, starts: Uint8Array, present: number, wanted: Shape): Shape {
    if (wanted === "plain") {
      const first = values[0];
      let same = 1;
      while (same < present && values[same] === first) same += 1;
      if (same < present) {
        this.#residuals.set(values.subarray(1, present));
        return "plain";
      }
    }
    const shape = wanted === "plain" ? "delta" : wanted;
    if (differences(shape, values, starts, present, this.#residuals)) return shape;
    this.#residuals.set(values.subarray(1, present));
    return "plain";
  }
}

function unexpected(what: string): Result<never, ReadingFault> {
  return fail({ kind: "unexpectedValue", what });
}

/** False where a difference is no safe integer. */
function differences(
  shape: Shape,
  values: Float64Array,
  starts: Uint8Array,
  count: number,
  out: Float64Array,
): boolean {
  let before = values[0] ?? 0;
  let first = before;
  let step = 0;
  for (let place = 1; place < count; place += 1) {
    const value = values[place] ?? 0;
    let residual: number;
    if (starts[place] === 1) {
      residual = value - first;
      first = value;
    } else {
      const change = value - before;
      if (!Number.isSafeInteger(change)) return false;
      residual = shape === "delta" ? change : change - step;
      step = change;
    }
    if (!Number.isSafeInteger(residual)) return false;
    out[place - 1] = residual;
    before = value;
  }
  return true;
}

/** The inverse of `differences`; false where a value is no safe integer. */
function restore(
  shape: Shape,
  residuals: Float64Array,
  starts: Uint8Array,
  count: number,
  out: Float64Array,
): boolean {
  let before = residuals[0] ?? 0;
  let first = before;
  let step = 0;
  let exact = true;
  out[0] = before;
  for (let place = 1; place < count; place += 1) {
    let value = residuals[place] ?? 0;
    if (shape !== "plain") {
      if (starts[place] === 1) {
        value += first;
        first = value;
      } else {
        if (shape === "deltaOfDelta") {
          step += value;
          value = step;
        }
        value += before;
      }
    }
    if (value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER) exact = false;
    out[place] = value;
    before = value;
  }
  return exact;
}

/** The greatest common divisor (0: all are zero), and whether any is negative. */
function quantumOf(
  values: Float64Array,
  count: number,
): { readonly quantum: number; readonly signed: boolean } {
  let quantum = 0;
  let signed = false;
  for (let place = 0; place < count; place += 1) {
    const value = values[place] ?? 0;
    if (value < 0) signed = true;
    if (quantum === 1 || value === 0 || isMultiple(value, quantum)) continue;
    let one = Math.abs(value);
    let other = quantum;
    while (other !== 0) [one, other] = [other, one % other];
    quantum = one;
  }
  return { quantum, signed };
}

/** The remainder of small integers is ten times as quick as that of large ones. */
function isMultiple(value: number, quantum: number): boolean {
  const small = value | 0;
  if (small === value && (quantum | 0) === quantum && quantum !== 0) {
    return small % (quantum | 0) === 0;
  }
  return value % quantum === 0;
}

function hasEveryValue(values: Float64Array, count: number): boolean {
  for (let row = 0; row < count; row += 1) {
    if (Number.isNaN(values[row])) return false;
  }
  return true;
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
    const has = (((bitmap[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
    out[row] = has ? (packed[present] ?? NaN) : NaN;
    if (has) present += 1;
  }
}

/**
 * A few rows of a column, all of one meter, without the others: a meter's first value is a sum over the meters before,
 * and its residuals stand at places that can be counted. What `ColumnCodec` reads for all rows is read here for some.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { readDoubles, readIntegers, readPlanes } from "./byteWriter.ts";
import { readForm, type ColumnForm, type Reference } from "./columnForm.ts";
import { doubleWidth, readCountedIn, type CountedIn } from "./residuals.ts";
import { Runs } from "./runs.ts";

/** Rows of a chunk: from inclusive, to exclusive. */
export interface RowSpan {
  readonly from: number;
  readonly to: number;
}

/** Where values go: the first row's to this place, the others behind it. */
interface Target {
  readonly out: Float64Array;
  readonly at: number;
}

const truncated: ReadingFault = { kind: "truncated", what: "column" };
const outOfRange: ReadingFault = { kind: "outOfRange", what: "column value" };

/** Room for the work on one column; used by one thread, for one column after the other. */
export class ColumnRows {
  #values = new Float64Array(256);
  #residuals = new Float64Array(256);
  /** How far the first value of each run lies above that of the run before. */
  #rises = new Float64Array(256);
  readonly #packed = new Runs();
  readonly #pair = new Float64Array(2);

  /**
   * The rows' values into `out` from the place on. `runs` are those of the chunk's meters, and no two meters are asked
   * for at once; the answer tells what another column has to do with the values.
   */
  read(
    bytes: Uint8Array,
    runs: Runs,
    count: number,
    { from, to }: RowSpan,
    { out, at }: Target,
  ): Result<Reference, ReadingFault> {
    const form = readForm(bytes, count);
    if (!form.ok) return form;
    const { reference, bitmap, isNone } = form.value;
    if (isNone) {
      out.fill(NaN, at, at + to - from);
      return ok(reference);
    }
    if (bitmap === null) {
      const fault = this.#readValues(bytes, form.value, runs, count, { from, to }, { out, at });
      return fault ? fail(fault) : ok(reference);
    }
    const present = this.#packed.pack(bitmap, runs, count);
    const before = bitsIn(bitmap, 0, from);
    const kept = { from: before, to: before + bitsIn(bitmap, from, to) };
    this.#values = withRoom(this.#values, to - from);
    const packed = { out: this.#values, at: 0 };
    if (kept.to > kept.from) {
      const fault = this.#readValues(bytes, form.value, this.#packed, present, kept, packed);
      if (fault) return fail(fault);
    }
    let place = 0;
    for (let row = from; row < to; row += 1) {
      const has = bitOf(bitmap, row);
      out[at + row - from] = has === 1 ? (this.#values[place] ?? NaN) : NaN;
      place += has;
    }
    return ok(reference);
  }

  #readValues(
    bytes: Uint8Array,
    { shape, baseAt, isFlat }: ColumnForm,
    runs: Runs,
    present: number,
    span: RowSpan,
    into: Target,
  ): ReadingFault | undefined {
    const next = readIntegers(bytes, baseAt, this.#pair, 0, 1);
    if (next < 0) return truncated;
    const base = this.#pair[0] ?? 0;
    if (isFlat) {
      into.out.fill(base, into.at, into.at + span.to - span.from);
      return undefined;
    }
    if (shape === "runs") return this.#readStays(bytes, next, base, span, into);
    // A plain column does not mind where meters begin.
    const runCount = shape === "plain" ? 1 : runs.count;
    this.#rises = withRoom(this.#rises, runCount);
    const risesEnd = readIntegers(bytes, next, this.#rises, 1, runCount);
    if (risesEnd < 0) return truncated;
    const counted = readCountedIn(bytes, risesEnd, present - runCount);
    if (!counted.ok) return counted.fault;
    const residuals = { bytes, counted: counted.value, count: present - runCount };
    const fault =
      shape === "plain"
        ? this.#readPlain(residuals, base, span, into)
        : this.#readSums(residuals, shape === "deltaOfDelta", base, runs, span, into);
    return fault ?? (areSafe(into, span) ? undefined : outOfRange);
  }

  /** Behind the chunk's first value each residual is a value. */
  #readPlain(
    residuals: Residuals,
    base: number,
    { from, to }: RowSpan,
    { out, at }: Target,
  ): ReadingFault | undefined {
    const first = Math.max(from, 1);
    if (!this.#readResiduals(residuals, first - 1, to - 1)) return outOfRange;
    if (from === 0) out[at] = base;
    for (let row = first; row < to; row += 1) {
      out[at + row - from] = this.#residuals[row - first] ?? 0;
    }
    return undefined;
  }

  /** Behind a meter's first value each residual is a difference, or the change of one. */
  #readSums(
    residuals: Residuals,
    isChange: boolean,
    base: number,
    runs: Runs,
    { from, to }: RowSpan,
    { out, at }: Target,
  ): ReadingFault | undefined {
    const run = runs.runOf(from);
    const start = runs.starts[run] ?? 0;
    let value = base;
    for (let before = 1; before <= run; before += 1) {
      value += (this.#rises[before] ?? 0) * residuals.counted.quantum;
    }
    // Each run before has one value less among the residuals. Changes are counted on from the chunk's first row.
    const own = start - run;
    const begin = isChange ? 0 : own;
    if (!this.#readResiduals(residuals, begin, to - run - 1)) return outOfRange;
    let step = 0;
    let place = 0;
    for (; begin + place < own; place += 1) step += this.#residuals[place] ?? 0;
    if (from === start) out[at] = value;
    for (let row = start + 1; row < to; row += 1) {
      const residual = this.#residuals[place] ?? 0;
      place += 1;
      step = isChange ? step + residual : residual;
      value += step;
      if (row >= from) out[at + row - from] = value;
    }
    return undefined;
  }

  /** Those from one place to another; false where one is no safe integer. */
  #readResiduals({ bytes, counted, count }: Residuals, from: number, to: number): boolean {
    const { width, quantum, valuesAt } = counted;
    this.#residuals = withRoom(this.#residuals, to - from);
    const out = this.#residuals;
    if (width === doubleWidth) {
      return readDoubles(bytes, valuesAt + from * doubleWidth, out, to - from, quantum);
    }
    readPlanes(bytes, valuesAt + from, out, to - from, counted, count);
    return true;
  }

  /** From a column of values that stay: how long each does, and by how much the next is another. */
  #readStays(
    bytes: Uint8Array,
    start: number,
    base: number,
    span: RowSpan,
    into: Target,
  ): ReadingFault | undefined {
    if (start + 4 > bytes.length) return truncated;
    const changes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(start, true);
    let value = base;
    let row = 0;
    let next = start + 4;
    for (let change = 0; change < changes && row < span.to; change += 1) {
      next = readIntegers(bytes, next, this.#pair, 0, 2);
      if (next < 0) return truncated;
      const end = row + (this.#pair[0] ?? 0);
      if (end <= row) return { kind: "unexpectedValue", what: "run length" };
      fillWithin(into, span, value, row, end);
      row = end;
      value += this.#pair[1] ?? 0;
    }
    fillWithin(into, span, value, row, span.to);
    return areSafe(into, span) ? undefined : outOfRange;
  }
}

/** A column's residuals, so many, and where they stand. */
interface Residuals {
  readonly bytes: Uint8Array;
  readonly counted: CountedIn;
  readonly count: number;
}

function withRoom(values: Float64Array<ArrayBuffer>, count: number): Float64Array<ArrayBuffer> {
  return count <= values.length ? values : new Float64Array(Math.max(count, values.length * 2));
}

function areSafe({ out, at }: Target, { from, to }: RowSpan): boolean {
  for (let place = at; place < at + to - from; place += 1) {
    if (!Number.isSafeInteger(out[place])) return false;
  }
  return true;
}

function bitOf(bitmap: Uint8Array, row: number): number {
  return ((bitmap[row >> 3] ?? 0) >> (row & 7)) & 1;
}

function bitsIn(bitmap: Uint8Array, from: number, to: number): number {
  let bits = 0;
  for (let row = from; row < to; row += 1) bits += bitOf(bitmap, row);
  return bits;
}

/** What of the rows `from` to `to` lies in the span; for a few rows a loop is quicker than a fill. */
function fillWithin(
  { out, at }: Target,
  span: RowSpan,
  value: number,
  from: number,
  to: number,
): void {
  const end = Math.min(to, span.to);
  for (let row = Math.max(from, span.from); row < end; row += 1) out[at + row - span.from] = value;
}

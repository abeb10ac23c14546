/**
 * A few rows of a column, all of one meter, without the others: a meter's first value is a sum over the meters before,
 * and its residuals stand at places that can be counted. What `ColumnCodec` reads for all rows is read here for some.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { readDoubles, readIntegers, readPlanes } from "./byteWriter.ts";
import { readForm, type ColumnForm } from "./columnForm.ts";
import { doubleWidth, readCountedIn, type CountedIn } from "./residuals.ts";
import { bitOf, Runs } from "./runs.ts";

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

/** A column whose rows can be read: its form, and what is known of each run before any row of it is. */
export interface OpenColumn extends ColumnForm {
  readonly bytes: Uint8Array;
  /** The runs of rows that have a value. */
  readonly runs: Runs;
  readonly base: number;
  /** Where the bytes behind the base begin. */
  readonly next: number;
  /** How the residuals are counted; null: there are none. */
  readonly counted: CountedIn | null;
  readonly residuals: number;
  /** The first value of each run. */
  readonly firsts: Float64Array;
  /** Where residuals are changes: the difference that each run begins with. */
  readonly steps: Float64Array;
}

const none = new Float64Array(0);

/** Room for the work on one column; used by one thread, for one column after the other. */
export class ColumnRows {
  #values = new Float64Array(256);
  #residuals = new Float64Array(256);
  #firsts = new Float64Array(256);
  #steps = new Float64Array(256);
  readonly #packed = new Runs();
  readonly #pair = new Float64Array(2);

  /** `runs` are those of the chunk's meters. Valid until the next one is opened, unless it is kept. */
  open(bytes: Uint8Array, runs: Runs, count: number): Result<OpenColumn, ReadingFault> {
    const read = readForm(bytes, count);
    if (!read.ok) return read;
    const form = read.value;
    const { bitmap, shape } = form;
    const known = { ...form, bytes, runs, residuals: 0, firsts: none, steps: none, counted: null };
    if (form.isNone) return ok({ ...known, base: NaN, next: 0 });
    const present = bitmap === null ? count : this.#packed.pack(bitmap, runs, count);
    const own = bitmap === null ? runs : this.#packed;
    const next = readIntegers(bytes, form.baseAt, this.#pair, 0, 1);
    if (next < 0) return fail(truncated);
    const base = this.#pair[0] ?? 0;
    const based = { ...known, runs: own, base, next };
    if (form.isFlat || shape === "runs") return ok(based);
    // A plain column does not mind where meters begin.
    const runCount = shape === "plain" ? 1 : own.count;
    const firsts = (this.#firsts = withRoom(this.#firsts, runCount));
    const firstsEnd = readIntegers(bytes, next, firsts, 1, runCount);
    if (firstsEnd < 0) return fail(truncated);
    const residuals = present - runCount;
    const counted = readCountedIn(bytes, firstsEnd, residuals);
    if (!counted.ok) return counted;
    firsts[0] = base;
    for (let run = 1; run < runCount; run += 1) {
      firsts[run] = (firsts[run - 1] ?? 0) + (firsts[run] ?? 0) * counted.value.quantum;
    }
    const column = { ...based, counted: counted.value, residuals, firsts };
    if (shape !== "deltaOfDelta") return ok(column);
    const steps = this.#stepsOf(column);
    return steps === null ? fail(outOfRange) : ok({ ...column, steps });
  }

  /** The same column, for as long as its chunk. */
  keep(column: OpenColumn): OpenColumn {
    const { runs, firsts, steps } = column;
    return {
      ...column,
      runs: runs === this.#packed ? runs.copy() : runs,
      firsts: firsts === none ? none : firsts.slice(0, runs.count),
      steps: steps === none ? none : steps.slice(0, runs.count),
    };
  }

  /** The rows' values, all of one meter, into `out` from the place on; a fault where one is no safe integer. */
  read(column: OpenColumn, { from, to }: RowSpan, { out, at }: Target): ReadingFault | undefined {
    const { bitmap, isNone } = column;
    if (isNone) {
      out.fill(NaN, at, at + to - from);
      return undefined;
    }
    if (bitmap === null) return this.#readValues(column, { from, to }, { out, at });
    const before = bitsIn(bitmap, 0, from);
    const kept = { from: before, to: before + bitsIn(bitmap, from, to) };
    this.#values = withRoom(this.#values, to - from);
    if (kept.to > kept.from) {
      const fault = this.#readValues(column, kept, { out: this.#values, at: 0 });
      if (fault) return fault;
    }
    let place = 0;
    for (let row = from; row < to; row += 1) {
      const has = bitOf(bitmap, row);
      out[at + row - from] = has === 1 ? (this.#values[place] ?? NaN) : NaN;
      place += has;
    }
    return undefined;
  }

  #readValues(column: OpenColumn, span: RowSpan, into: Target): ReadingFault | undefined {
    const { shape, base, counted } = column;
    const { out, at } = into;
    if (column.isFlat) {
      out.fill(base, at, at + span.to - span.from);
      return undefined;
    }
    if (counted === null) return this.#readStays(column, span, into);
    const isThere =
      shape === "plain"
        ? this.#readPlain(column, counted, span, into)
        : this.#readSums(column, counted, span, into);
    return isThere && areSafe(into, span) ? undefined : outOfRange;
  }

  /** Behind the chunk's first value each residual is a value. */
  #readPlain(
    column: OpenColumn,
    counted: CountedIn,
    { from, to }: RowSpan,
    { out, at }: Target,
  ): boolean {
    const first = Math.max(from, 1);
    if (!this.#readResiduals(column, counted, first - 1, to - 1)) return false;
    if (from === 0) out[at] = column.base;
    for (let row = first; row < to; row += 1) {
      out[at + row - from] = this.#residuals[row - first] ?? 0;
    }
    return true;
  }

  /** Behind a meter's first value each residual is a difference, or the change of one. */
  #readSums(
    column: OpenColumn,
    counted: CountedIn,
    { from, to }: RowSpan,
    { out, at }: Target,
  ): boolean {
    const { runs, firsts, steps } = column;
    const run = runs.runOf(from);
    const start = runs.starts[run] ?? 0;
    // Each run before has one value less among the residuals.
    if (!this.#readResiduals(column, counted, start - run, to - run - 1)) return false;
    const isChange = steps !== none;
    let step = isChange ? (steps[run] ?? 0) : 0;
    let value = firsts[run] ?? 0;
    if (from === start) out[at] = value;
    for (let row = start + 1; row < to; row += 1) {
      const residual = this.#residuals[row - start - 1] ?? 0;
      step = isChange ? step + residual : residual;
      value += step;
      if (row >= from) out[at + row - from] = value;
    }
    return true;
  }

  /** The difference before each run's first residual: changes are counted on over the bounds of meters. */
  #stepsOf(column: OpenColumn & { readonly counted: CountedIn }): Float64Array | null {
    const { runs, counted, residuals } = column;
    if (!this.#readResiduals(column, counted, 0, residuals)) return null;
    const steps = (this.#steps = withRoom(this.#steps, runs.count));
    let step = 0;
    let place = 0;
    for (let run = 0; run < runs.count; run += 1) {
      for (; place < (runs.starts[run] ?? 0) - run; place += 1) step += this.#residuals[place] ?? 0;
      steps[run] = step;
    }
    return steps;
  }

  /** Those from one place to another; false where one is no safe integer. */
  #readResiduals(
    { bytes, residuals }: OpenColumn,
    counted: CountedIn,
    from: number,
    to: number,
  ): boolean {
    const { width, quantum, valuesAt } = counted;
    const out = (this.#residuals = withRoom(this.#residuals, to - from));
    if (width === doubleWidth) {
      return readDoubles(bytes, valuesAt + from * doubleWidth, out, to - from, quantum);
    }
    readPlanes(bytes, valuesAt + from, out, to - from, counted, residuals);
    return true;
  }

  /** From a column of values that stay: how long each does, and by how much the next is another. */
  #readStays(
    { bytes, base, next: start }: OpenColumn,
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

function withRoom(values: Float64Array<ArrayBuffer>, count: number): Float64Array<ArrayBuffer> {
  return count <= values.length ? values : new Float64Array(Math.max(count, values.length * 2));
}

function areSafe({ out, at }: Target, { from, to }: RowSpan): boolean {
  for (let place = at; place < at + to - from; place += 1) {
    if (!Number.isSafeInteger(out[place])) return false;
  }
  return true;
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

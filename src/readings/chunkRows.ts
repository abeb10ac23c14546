/**
 * A chunk as it lies in its file, only uncompressed: a tenth of what it takes as numbers. A meter's rows become numbers
 * when they are asked for, and only they.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { ColumnCodec } from "./columnCodec.ts";
import { ColumnRows, type RowSpan } from "./columnRows.ts";
import { areByMeter, eachColumn } from "./frameCodec.ts";
import { addExpected } from "./reference.ts";
import { RowTable } from "./rowTable.ts";
import { Runs } from "./runs.ts";
import { withReferences, type Schema } from "./schema.ts";

const meterPlace = 0;
const timePlace = 1;
/** The objects around a chunk's bytes. */
const aroundBytes = 1_024;

/** Which of a meter's rows; with `isNewest` only those of the newest time among them. */
export interface WantedRows {
  readonly meterNo: number;
  /** Exclusive. */
  readonly fromMs: number;
  /** Inclusive. */
  readonly toMs: number;
  readonly isNewest?: boolean;
}

/** Room for the work, which all chunks of a thread share. */
export class ChunkRoom {
  readonly rows = new ColumnRows();
  readonly columns = new ColumnCodec();
  readonly runs = new Runs();
  /** Meter numbers of a chunk, or times of a meter. */
  #values = new Float64Array(1_024);

  values(count: number): Float64Array {
    if (this.#values.length < count) this.#values = new Float64Array(count);
    return this.#values;
  }
}

export class ChunkRows {
  readonly #schema: Schema;
  readonly #bytes: Uint8Array;
  readonly #count: number;
  /** By place: where its column begins, and where it ends; of one that has no value both are 0. */
  readonly #ends: Uint32Array;
  /** Of each meter, in their order. */
  readonly #meterNos: Float64Array;
  readonly #meters: Runs;
  /** As they are written: meters, unless nearly every row is another. */
  readonly #runs: Runs;
  readonly #room: ChunkRoom;

  private constructor(
    { bytes, ends, count }: { bytes: Uint8Array; ends: Uint32Array; count: number },
    schema: Schema,
    numbers: Float64Array,
    room: ChunkRoom,
  ) {
    this.#schema = schema;
    this.#bytes = bytes;
    this.#ends = ends;
    this.#count = count;
    this.#room = room;
    room.runs.find(numbers, count);
    this.#meters = room.runs.copy();
    const { starts, count: meters } = this.#meters;
    this.#meterNos = new Float64Array(meters);
    for (let run = 0; run < meters; run += 1) {
      this.#meterNos[run] = numbers[starts[run] ?? 0] ?? NaN;
    }
    room.runs.whole(count);
    this.#runs = areByMeter(this.#meters, count) ? this.#meters : room.runs.copy();
  }

  /** Of frames that are what was written: their checksums fitted. */
  static open(
    frames: readonly Uint8Array[],
    count: number,
    schema: Schema,
    room: ChunkRoom,
  ): Result<ChunkRows, ReadingFault> {
    const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
    const ends = new Uint32Array(schema.columns.length * 2);
    let start = 0;
    for (const [frame, part] of frames.entries()) {
      bytes.set(part, start);
      const before = start;
      const fault = eachColumn(part, frame, schema, (place, from, to) => {
        ends[place * 2] = before + from;
        ends[place * 2 + 1] = before + to;
        return undefined;
      });
      if (fault) return fail(fault);
      start += part.length;
    }
    const numbers = room.values(count);
    room.runs.whole(count);
    const column = bytes.subarray(ends[meterPlace * 2], ends[meterPlace * 2 + 1]);
    const decoded = room.columns.decode(column, room.runs, count, numbers);
    if (!decoded.ok) return decoded;
    return ok(new ChunkRows({ bytes, ends, count }, schema, numbers, room));
  }

  /** About what it keeps in memory. */
  get byteLength(): number {
    const own = this.#bytes.length + this.#ends.byteLength + aroundBytes;
    return own + this.#meterNos.byteLength + this.#meters.starts.byteLength;
  }

  /** Adds the rows that are wanted; after a fault none. */
  collect(wanted: WantedRows, into: RowTable): ReadingFault | undefined {
    const run = this.#runOf(wanted.meterNo);
    if (run < 0) return undefined;
    const from = this.#meters.starts[run] ?? 0;
    const to = this.#meters.starts[run + 1] ?? 0;
    const times = this.#room.values(to - from);
    const fault = this.#read(timePlace, { from, to }, times, 0);
    if (fault) return fault;
    let first = 0;
    let end = to - from;
    while (first < end && (times[first] ?? 0) <= wanted.fromMs) first += 1;
    while (end > first && (times[end - 1] ?? 0) > wanted.toMs) end -= 1;
    if (end === first) return undefined;
    if (wanted.isNewest) {
      first = end - 1;
      while (first > 0 && times[first - 1] === times[first]) first -= 1;
    }
    return this.#add({ from: from + first, to: from + end }, into, null);
  }

  /** The place of the meter among those of the chunk; -1: it is not one of them. */
  #runOf(meterNo: number): number {
    let low = 0;
    let high = this.#meters.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#meterNos[middle] ?? Infinity) < meterNo) low = middle + 1;
      else high = middle;
    }
    return this.#meterNos[low] === meterNo ? low : -1;
  }

  /** Adds rows of one meter, with the columns at these places (null: all). */
  #add(
    span: RowSpan,
    into: RowTable,
    places: ReadonlySet<number> | null,
  ): ReadingFault | undefined {
    const at = into.count;
    into.grow(span.to - span.from);
    into
      .column(meterPlace)
      .fill(this.#meterNos[this.#meters.runOf(span.from)] ?? NaN, at, into.count);
    for (let place = timePlace; place < this.#schema.columns.length; place += 1) {
      if (places !== null && !places.has(place)) continue;
      if ((this.#ends[place * 2] ?? 0) === 0) {
        into.columns[place]?.fill(NaN, at, into.count);
        continue;
      }
      const out = into.column(place);
      const fault = this.#read(place, span, out, at, into);
      if (fault === undefined) continue;
      into.count = at;
      return fault;
    }
    return undefined;
  }

  /** The column's values; `into` holds those of the columns in front of it. */
  #read(
    place: number,
    span: RowSpan,
    out: Float64Array,
    at: number,
    into?: RowTable,
  ): ReadingFault | undefined {
    const bytes = this.#bytes.subarray(this.#ends[place * 2], this.#ends[place * 2 + 1]);
    const read = this.#room.rows.read(bytes, this.#runs, this.#count, span, { out, at });
    if (!read.ok) return read.fault;
    const { relative, slope } = read.value;
    if (!relative) return undefined;
    const against = this.#schema.columns[place]?.against;
    const reference = against === undefined ? undefined : into?.columns[against];
    if (against === undefined || reference === undefined) {
      return { kind: "missing", what: "reference column" };
    }
    const first = slope === null ? 0 : this.#firstOf(against);
    return addExpected(out, reference, { from: at, to: at + span.to - span.from }, slope, first);
  }

  /** The first value that the column has in the chunk; NaN: it has none. */
  #firstOf(place: number): number {
    const table = new RowTable(this.#schema.columns.length, 1);
    const places = withReferences(this.#schema, new Set([place]));
    for (let row = 0; row < this.#count; row += 1) {
      table.clear();
      if (this.#add({ from: row, to: row + 1 }, table, places)) return NaN;
      const value = table.value(place, 0);
      if (!Number.isNaN(value)) return value;
    }
    return NaN;
  }
}

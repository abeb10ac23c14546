/**
 * A chunk as it lies in its file, only uncompressed: a tenth of what it takes as numbers. A meter's rows become numbers
 * when they are asked for, and only they.
 */
import { ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { ColumnCodec } from "./columnCodec.ts";
import { ColumnRows, type OpenColumn, type RowSpan } from "./columnRows.ts";
import { areByMeter, eachColumn } from "./frameCodec.ts";
import { placeOf } from "./placeOf.ts";
import { addExpected } from "./reference.ts";
import { RowTable } from "./rowTable.ts";
import { Runs } from "./runs.ts";
import { withReferences, type Schema } from "./schema.ts";

const meterPlace = 0;
const timePlace = 1;
/** The objects around a column's bytes. */
const aroundBytes = 256;
const startsMin = 2;

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
  /** Meter numbers of a chunk, or times of a meter. */
  #values = new Float64Array(1_024);

  values(count: number): Float64Array {
    if (this.#values.length < count) this.#values = new Float64Array(count);
    return this.#values;
  }
}

export class ChunkRows {
  readonly #schema: Schema;
  readonly #room: ChunkRoom;
  #count = 0;
  /** The frames, one behind the other, and behind them what was there before. */
  #bytes = new Uint8Array(0);
  #length = 0;
  /** By place: where its column begins, and where it ends; of one that has no value both are 0. */
  #ends: Uint32Array;
  /** Of each meter, in their order. */
  #meterNos = new Float64Array(0);
  #meters = new Runs(new Uint32Array(startsMin));
  readonly #allRows = new Runs(new Uint32Array(startsMin));
  /** By place: the first value that the column has in the chunk, where it was looked for. */
  #firstOf: (number | undefined)[] = [];
  /** By place, in a chunk that is kept: what was found out when its column was read. */
  #open: (OpenColumn | undefined)[] | undefined;

  constructor(schema: Schema, room: ChunkRoom) {
    this.#schema = schema;
    this.#room = room;
    this.#ends = new Uint32Array(schema.columns.length * 2);
  }

  /** Makes room for another chunk of so many rows in place of this one. */
  clear(count: number): void {
    this.#count = count;
    this.#length = 0;
    this.#ends.fill(0);
    this.#firstOf = [];
  }

  /** The next frame, uncompressed; its checksum fitted. */
  add(frame: number, plain: Uint8Array): ReadingFault | undefined {
    const start = this.#length;
    this.#length += plain.length;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(this.#length * 2);
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    this.#bytes.set(plain, start);
    return eachColumn(plain, frame, this.#schema, (place, from, to) => {
      this.#ends[place * 2] = start + from;
      this.#ends[place * 2 + 1] = start + to;
      return undefined;
    });
  }

  /** After the last frame: finds the meters. */
  finish(): ReadingFault | undefined {
    const numbers = this.#room.values(this.#count);
    this.#allRows.whole(this.#count);
    const column = this.#column(meterPlace);
    const decoded = this.#room.columns.decode(column, this.#allRows, this.#count, numbers);
    if (!decoded.ok) return decoded.fault;
    this.#meters.find(numbers, this.#count);
    const { starts, count } = this.#meters;
    if (this.#meterNos.length < count) this.#meterNos = new Float64Array(count);
    for (let run = 0; run < count; run += 1) {
      this.#meterNos[run] = numbers[starts[run] ?? 0] ?? NaN;
    }
    return undefined;
  }

  /** The same chunk, in no more room than it takes. */
  copy(): ChunkRows {
    const copied = new ChunkRows(this.#schema, this.#room);
    copied.#count = this.#count;
    copied.#bytes = this.#bytes.slice(0, this.#length);
    copied.#length = this.#length;
    copied.#ends = this.#ends.slice();
    copied.#meters = this.#meters.copy();
    copied.#meterNos = this.#meterNos.slice(0, this.#meters.count);
    copied.#allRows.whole(this.#count);
    copied.#open = [];
    return copied;
  }

  /** About what it keeps in memory. */
  get byteLength(): number {
    const columns = this.#ends.length / 2;
    return this.#bytes.length + columns * aroundBytes + this.#meters.count * columns * 8;
  }

  /** Adds the rows that are wanted; after a fault none. */
  collect(wanted: WantedRows, into: RowTable): ReadingFault | undefined {
    // Behind the last meter are those of the chunk before.
    const run = placeOf(this.#meterNos, wanted.meterNo, this.#meters.count);
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
    return this.#add(
      { from: from + first, to: from + end },
      into,
      null,
      times.subarray(first, end),
    );
  }

  /** Adds rows of one meter, with the columns at these places (null: all); their times may be known. */
  #add(
    span: RowSpan,
    into: RowTable,
    places: ReadonlySet<number> | null,
    times?: Float64Array,
  ): ReadingFault | undefined {
    const at = into.count;
    into.grow(span.to - span.from);
    into
      .column(meterPlace)
      .fill(this.#meterNos[this.#meters.runOf(span.from)] ?? NaN, at, into.count);
    if (times) into.column(timePlace).set(times, at);
    for (
      let place = times ? timePlace + 1 : timePlace;
      place < this.#schema.columns.length;
      place += 1
    ) {
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
    const opened = this.#opened(place);
    if (!opened.ok) return opened.fault;
    const fault = this.#room.rows.read(opened.value, span, { out, at });
    if (fault) return fault;
    const { relative, slope } = opened.value.reference;
    if (!relative) return undefined;
    const against = this.#schema.columns[place]?.against;
    const reference = against === undefined ? undefined : into?.columns[against];
    if (against === undefined || reference === undefined) {
      return { kind: "missing", what: "reference column" };
    }
    const first = slope === null ? 0 : (this.#firstOf[against] ??= this.#findFirst(against));
    return addExpected(out, reference, { from: at, to: at + span.to - span.from }, slope, first);
  }

  #opened(place: number): Result<OpenColumn, ReadingFault> {
    const known = this.#open?.[place];
    if (known !== undefined) return ok(known);
    const runs = areByMeter(this.#meters, this.#count) ? this.#meters : this.#allRows;
    const opened = this.#room.rows.open(this.#column(place), runs, this.#count);
    if (!opened.ok || this.#open === undefined) return opened;
    const kept = this.#room.rows.keep(opened.value);
    this.#open[place] = kept;
    return ok(kept);
  }

  #column(place: number): Uint8Array {
    return this.#bytes.subarray(this.#ends[place * 2], this.#ends[place * 2 + 1]);
  }

  /** The first value that the column has in the chunk; NaN: it has none. */
  #findFirst(place: number): number {
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

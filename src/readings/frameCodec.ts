/**
 * One frame of a chunk: the columns that are read together, compressed as one.
 *
 *     columns: u8 | per column: place u8, length u32, bytes (see columnCodec.ts)   -- all of it one zstd frame
 *
 * A column without any value is left out; a frame without any column has no bytes at all. The length lets a reader
 * pass by columns that it does not want.
 */
import { invariant } from "#domain/invariant.ts";
import { ok, fail, type Result } from "#domain/result.ts";
import { ByteWriter } from "./byteWriter.ts";
import { chunkRowsMax, ColumnCodec } from "./columnCodec.ts";
import { noReference } from "./columnForm.ts";
import { compress, uncompressed } from "./keptZstd.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { addExpected, bestReference, firstOf, takeExpected, type Way } from "./reference.ts";
import type { RowTable } from "./rowTable.ts";
import { Runs } from "./runs.ts";
import type { ColumnSpec, Schema } from "./schema.ts";

/** Of a column's length. */
const lengthBytes = 4;
const noColumns = Uint8Array.of(0);

export class FrameCodec {
  readonly #schema: Schema;
  readonly #columns = new ColumnCodec();
  /** By place: 1 where the frame that is read has the column. */
  readonly #isThere: Uint8Array;
  readonly #frame = new ByteWriter();
  readonly #meters = new Runs();
  readonly #allRows = new Runs();
  #differences = new Float64Array(0);

  constructor(schema: Schema) {
    this.#schema = schema;
    this.#isThere = new Uint8Array(schema.columns.length);
  }

  /** The table's frames, compressed. */
  encode(table: RowTable, level: number): readonly Uint8Array<ArrayBuffer>[] {
    this.#reserve(table.count);
    this.#meters.find(table.column(0), table.count);
    this.#allRows.whole(table.count);
    const frames: Uint8Array<ArrayBuffer>[] = [];
    for (let frame = 0; frame < this.#schema.frames; frame += 1) {
      frames.push(this.#encodeFrame(table, frame, level));
    }
    return frames;
  }

  /**
   * Reads a frame into a table of the given count; frame 0 must be read first, for it says where a meter begins.
   * `wanted` are places, with the columns that they are written against; a column that is not wanted stays as it was.
   */
  decode(
    compressed: Uint8Array,
    frame: number,
    table: RowTable,
    wanted: ReadonlySet<number> | null,
  ): ReadingFault | undefined {
    const plain = uncompress(compressed);
    if (!plain.ok) return plain.fault;
    const bytes = plain.value;
    const { columns } = this.#schema;
    const isWanted = (place: number): boolean => wanted === null || wanted.has(place);
    this.#isThere.fill(0);
    const fault = eachColumn(bytes, frame, this.#schema, (place, from, to) => {
      this.#isThere[place] = 1;
      if (!isWanted(place)) return undefined;
      return this.#decodeColumn(bytes.subarray(from, to), place, table, wanted);
    });
    // A column that is not in the frame has no value.
    for (let place = 0; place < columns.length; place += 1) {
      if (columns[place]?.frame !== frame || this.#isThere[place] === 1) continue;
      if (isWanted(place)) table.columns[place]?.fill(NaN, 0, table.count);
    }
    return fault;
  }

  #decodeColumn(
    bytes: Uint8Array,
    place: number,
    table: RowTable,
    wanted: ReadonlySet<number> | null,
  ): ReadingFault | undefined {
    this.#reserve(table.count);
    const out = table.column(place);
    if (place === 0) this.#allRows.whole(table.count);
    const decoded = this.#columns.decode(bytes, this.#runsOf(place, table.count), table.count, out);
    if (!decoded.ok) return decoded.fault;
    if (place === 0) this.#meters.find(out, table.count);
    const { relative, slope } = decoded.value;
    if (!relative) return undefined;
    const against = this.#schema.columns[place]?.against;
    const isRead = against !== undefined && (wanted === null || wanted.has(against));
    const reference = isRead ? table.columns[against] : undefined;
    if (reference === undefined) return { kind: "missing", what: "reference column" };
    const first = firstOf(reference, table.count);
    return addExpected(out, reference, { from: 0, to: table.count }, slope, first);
  }

  #encodeFrame(table: RowTable, frame: number, level: number): Uint8Array<ArrayBuffer> {
    const writer = this.#frame;
    const { columns } = this.#schema;
    writer.clear();
    writer.u8(0);
    let present = 0;
    for (let place = 0; place < columns.length; place += 1) {
      const spec = columns[place];
      const values = table.columns[place];
      if (spec?.frame !== frame || values === undefined || !table.hasValue(place)) continue;
      present += 1;
      writer.u8(place);
      const lengthAt = writer.length;
      writer.u32(0);
      this.#encodeColumn(place, values, spec, table);
      writer.u32At(lengthAt, writer.length - lengthAt - lengthBytes);
    }
    if (present === 0) return new Uint8Array();
    writer.u8At(0, present);
    return compress(writer.written, level);
  }

  /** The column that says where meters begin does not know it yet. */
  #runsOf(place: number, rows: number): Runs {
    return place > 0 && areByMeter(this.#meters, rows) ? this.#meters : this.#allRows;
  }

  /** Of the column's own values, or of what is left of them beside the column that they follow. */
  #encodeColumn(
    place: number,
    values: Float64Array,
    { shape, against }: ColumnSpec,
    table: RowTable,
  ): void {
    const { count } = table;
    const runs = this.#runsOf(place, count);
    const reference = against === undefined ? undefined : table.columns[against];
    let way: Way = { ...noReference, shape };
    let written = values;
    if (reference !== undefined) {
      way = bestReference({ values, reference, meters: table.column(0), count, shape });
      written = this.#differences;
      if (!way.relative || !takeExpected(values, reference, written, count, way.slope)) {
        way = { ...noReference, shape: "delta" };
        written = values;
      }
    }
    this.#columns.encode(this.#frame, written, runs, count, way);
  }

  #reserve(rows: number): void {
    invariant(rows <= chunkRowsMax, "a chunk has its limit");
    if (rows <= this.#differences.length) return;
    const room = Math.min(chunkRowsMax, Math.max(rows, this.#differences.length * 2, 256));
    this.#differences = new Float64Array(room);
  }
}

/** Whether meters' bounds are minded in columns: not where a row for each meter is no run. */
export function areByMeter(meters: Runs, rows: number): boolean {
  return meters.count * 2 <= rows;
}

/** The columns of an uncompressed frame, each with where its bytes lie; what `take` finds ends the walk. */
export function eachColumn(
  bytes: Uint8Array,
  frame: number,
  { columns }: Schema,
  take: (place: number, from: number, to: number) => ReadingFault | undefined,
): ReadingFault | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 1;
  for (let left = bytes[0] ?? 0; left > 0; left -= 1) {
    if (at + 5 > bytes.length) return { kind: "truncated", what: "frame" };
    const place = view.getUint8(at);
    const from = at + 5;
    const to = from + view.getUint32(at + 1, true);
    if (to > bytes.length) return { kind: "truncated", what: "frame" };
    if (columns[place]?.frame !== frame) return { kind: "unexpectedValue", what: "column place" };
    const fault = take(place, from, to);
    if (fault) return fault;
    at = to;
  }
  return at === bytes.length ? undefined : { kind: "trailingBytes", what: "frame" };
}

/** What was written of a frame, until the next one. */
export function uncompress(bytes: Uint8Array): Result<Uint8Array<ArrayBuffer>, ReadingFault> {
  if (bytes.length === 0) return ok(noColumns);
  try {
    return ok(uncompressed(bytes));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "";
    const tooLarge = code === "ERR_BUFFER_TOO_LARGE";
    return fail({ kind: tooLarge ? "overLimit" : "unexpectedValue", what: "compressed frame" });
  }
}

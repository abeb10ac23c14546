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

const noColumns = Uint8Array.of(0);

export class FrameCodec {
  readonly #schema: Schema;
  readonly #columns = new ColumnCodec();
  readonly #frame = new ByteWriter();
  readonly #column = new ByteWriter();
  readonly #meters = new Runs();
  readonly #allRows = new Runs();
  #differences = new Float64Array(0);

  constructor(schema: Schema) {
    this.#schema = schema;
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
    /** A column that is not in the frame has no value. */
    const absent = new Set(columns.keys().filter((place) => columns[place]?.frame === frame));
    const fault = eachColumn(bytes, frame, this.#schema, (place, from, to) => {
      absent.delete(place);
      const isWanted = wanted === null || wanted.has(place);
      return isWanted
        ? this.#decodeColumn(bytes.subarray(from, to), place, table, wanted)
        : undefined;
    });
    for (const place of absent) {
      if (wanted === null || wanted.has(place)) table.columns[place]?.fill(NaN, 0, table.count);
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
    writer.clear();
    const present = this.#schema.columns
      .map((spec, place) => ({ spec, place, values: table.columns[place] }))
      .filter(({ spec, values }) => spec.frame === frame && hasValue(values, table.count));
    if (present.length === 0) return new Uint8Array();
    writer.u8(present.length);
    for (const { spec, place, values } of present) {
      if (values === undefined) continue;
      const { values: written, ...coded } = this.#coded(values, spec, table);
      this.#column.clear();
      const runs = this.#runsOf(place, table.count);
      this.#columns.encode(this.#column, written, runs, table.count, coded);
      writer.u8(place);
      writer.u32(this.#column.length);
      writer.bytes(this.#column.written);
    }
    return compress(writer.written, level);
  }

  /** The column that says where meters begin does not know it yet. */
  #runsOf(place: number, rows: number): Runs {
    return place > 0 && areByMeter(this.#meters, rows) ? this.#meters : this.#allRows;
  }

  /** The values to be written: the column's own, or what is left of them beside the column that they follow. */
  #coded(
    values: Float64Array,
    { shape, against }: ColumnSpec,
    table: RowTable,
  ): Way & { readonly values: Float64Array } {
    const { count } = table;
    const reference = against === undefined ? undefined : table.columns[against];
    if (reference === undefined) return { ...noReference, shape, values };
    const meters = table.column(0);
    const way = bestReference({ values, reference, meters, count, shape });
    const left = this.#differences;
    const isTaken = way.relative && takeExpected(values, reference, left, count, way.slope);
    return isTaken ? { ...way, values: left } : { ...noReference, shape: "delta", values };
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

function hasValue(values: Float64Array | undefined, count: number): boolean {
  if (values === undefined) return false;
  for (let row = 0; row < count; row += 1) {
    if (!Number.isNaN(values[row])) return true;
  }
  return false;
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

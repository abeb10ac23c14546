/**
 * One batch of readings in the order of their arrival, as one value of one row. It is read again within hours, so it
 * is made quickly rather than small: each column in as many bytes as its largest value needs above its least.
 *
 *     HOTB | number u32 | rows u32 | columns u32 | per column: place u32, form u32, least f64, values | crc u32
 *
 * All of it little-endian, values filled up to a multiple of eight bytes, so that they are read as they lie.
 */
import { crc32 } from "node:zlib";
import { invariant, unreachable } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import { readingSchema } from "./schema.ts";

/** More readings in one batch are our own mistake. */
export const batchRowsMax = 32_768;

const magic = 0x4254_4f48;
const headBytes = 16;
const columnHeadBytes = 16;
const crcBytes = 4;
const numberRange = 2 ** 32;
const places = readingSchema.columns.length;

/** Bytes of a value; 0: all are the least; 8: doubles, of which NaN is a missing one. */
const widths = [0, 1, 2, 4, 8] as const;
const doubleWidth = 8;
type Width = (typeof widths)[number];
/** Bit of the form byte: some values are missing, which is the largest number that the width holds. */
const someMissing = 0x80;

/** By the places of readings; a column that is not there has no value. */
export interface PlacedColumns {
  readonly count: number;
  readonly columns: readonly (Float64Array | undefined)[];
}

interface Layout {
  readonly place: number;
  readonly values: Float64Array;
  readonly least: number;
  readonly width: Width;
  readonly isSome: boolean;
}

invariant(new Uint8Array(Uint32Array.of(1).buffer)[0] === 1, "a little-endian machine");

/** One thread's coder of batches. */
export class HotBatchCodec {
  /**
   * The batch's number goes into its head, so that a batch in another's place is noticed. It is written into the room
   * where that is large enough.
   */
  encode(
    no: number,
    { count, columns }: PlacedColumns,
    room = new ArrayBuffer(0),
  ): Uint8Array<ArrayBuffer> {
    const layouts = columns.flatMap((values, place) =>
      values === undefined ? [] : layoutOf(place, values, count),
    );
    const crcAt = layouts.reduce((sum, { width }) => sum + columnBytes(count, width), headBytes);
    const length = crcAt + crcBytes;
    const isInRoom = room.byteLength >= length;
    const bytes = isInRoom ? new Uint8Array(room, 0, length) : new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, magic, true);
    view.setUint32(4, no % numberRange, true);
    view.setUint32(8, count, true);
    view.setUint32(12, layouts.length, true);
    let at = headBytes;
    for (const { place, values, least, width, isSome } of layouts) {
      view.setUint32(at, place, true);
      view.setUint32(at + 4, width | (isSome ? someMissing : 0), true);
      view.setFloat64(at + 8, least, true);
      const end = at + columnBytes(count, width);
      if (width > 0) bytes.fill(0, end - 8, end);
      const codes = codesAt(bytes.buffer, at + columnHeadBytes, width, count);
      write(codes, values, least);
      if (isSome && width < doubleWidth) writeMissing(codes, values, missingCode(width));
      at = end;
    }
    view.setUint32(at, crc32(bytes.subarray(0, at)), true);
    return bytes;
  }

  /** Appends the batch's rows to the table, which after a fault is as it was. */
  append(no: number, stored: Uint8Array, table: RowTable): ReadingFault | undefined {
    const opened = openBatch(no, stored);
    if (!opened.ok) return opened.fault;
    const { rows, columns } = opened.value;
    const from = table.count;
    table.grow(rows);
    for (const column of columns) readColumn(column, rows, table.column(column.place), from);
    for (const [place, column] of table.columns.entries()) {
      const isThere = columns.some((known) => known.place === place);
      if (!isThere) column?.fill(NaN, from, table.count);
    }
    return undefined;
  }

  /** The batch's rows, in a table of their own. */
  decode(no: number, bytes: Uint8Array): Result<RowTable, ReadingFault> {
    const table = new RowTable(places, 1);
    const fault = this.append(no, bytes, table);
    return fault === undefined ? ok(table) : fail(fault);
  }
}

/** How a column is written; nothing for one without a value. */
function layoutOf(place: number, values: Float64Array, count: number): readonly Layout[] {
  let least = Infinity;
  let most = -Infinity;
  let missing = 0;
  let isWhole = true;
  for (let row = 0; row < count; row += 1) {
    const value = values[row] ?? NaN;
    if (value < least) least = value;
    if (value > most) most = value;
    if (value === Math.floor(value)) continue;
    if (Number.isNaN(value)) missing += 1;
    else isWhole = false;
  }
  if (missing === count) return [];
  const isSafe = least >= -Number.MAX_SAFE_INTEGER && most <= Number.MAX_SAFE_INTEGER;
  const name = readingSchema.columns[place]?.name;
  invariant(isWhole && isSafe, `${name} is a safe integer or missing`);
  const isSome = missing > 0;
  const codes = most - least + (isSome ? 1 : 0);
  const width = widths.find((bytes) => codes < 2 ** (8 * bytes)) ?? doubleWidth;
  // Doubles are the values themselves, for which a difference might not be exact.
  return [{ place, values, least: width === doubleWidth ? 0 : least, width, isSome }];
}

function columnBytes(count: number, width: Width): number {
  return columnHeadBytes + Math.ceil((count * width) / 8) * 8;
}

function missingCode(width: Width): number {
  return width === doubleWidth ? NaN : 2 ** (8 * width) - 1;
}

type Codes = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The values of a column as they lie. */
function codesAt(buffer: ArrayBufferLike, at: number, width: Width, count: number): Codes {
  switch (width) {
    case 0:
      return new Uint8Array(0);
    case 1:
      return new Uint8Array(buffer, at, count);
    case 2:
      return new Uint16Array(buffer, at, count);
    case 4:
      return new Uint32Array(buffer, at, count);
    case 8:
      return new Float64Array(buffer, at, count);
    default:
      return unreachable(width);
  }
}

/** A loop for each width: one for all of them takes several times as long. */
function write(codes: Codes, values: Float64Array, least: number): void {
  if (codes instanceof Uint8Array) {
    for (let row = 0; row < codes.length; row += 1) codes[row] = (values[row] ?? 0) - least;
  } else if (codes instanceof Uint16Array) {
    for (let row = 0; row < codes.length; row += 1) codes[row] = (values[row] ?? 0) - least;
  } else if (codes instanceof Uint32Array) {
    for (let row = 0; row < codes.length; row += 1) codes[row] = (values[row] ?? 0) - least;
  } else {
    codes.set(values.subarray(0, codes.length));
  }
}

function writeMissing(codes: Codes, values: Float64Array, missing: number): void {
  for (let row = 0; row < codes.length; row += 1) {
    if (Number.isNaN(values[row])) codes[row] = missing;
  }
}

/** A column of a batch as it lies there. */
export interface BatchColumn {
  readonly place: number;
  /** Nothing where all values are the least. */
  readonly codes: Codes;
  readonly least: number;
  /** The code of a missing value; undefined: none is missing. */
  readonly missing: number | undefined;
}

export interface OpenBatch {
  readonly rows: number;
  readonly columns: readonly BatchColumn[];
}

/** Looks at all of a batch but its values. */
export function openBatch(no: number, stored: Uint8Array): Result<OpenBatch, ReadingFault> {
  const bytes = stored.byteOffset % 8 === 0 ? stored : stored.slice();
  const crcAt = bytes.length - crcBytes;
  if (crcAt < headBytes) return fail({ kind: "truncated", what: "batch" });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(crcAt, true) !== crc32(bytes.subarray(0, crcAt))) {
    return fail({ kind: "checksumMismatch", what: "batch" });
  }
  if (view.getUint32(0, true) !== magic) return fail({ kind: "unexpectedValue", what: "batch" });
  if (view.getUint32(4, true) !== no % numberRange) {
    return fail({ kind: "unexpectedValue", what: "batch number" });
  }
  const rows = view.getUint32(8, true);
  if (rows < 1 || rows > batchRowsMax) return fail({ kind: "overLimit", what: "batch rows" });
  return openColumns(view, rows, crcAt);
}

function openColumns(view: DataView, rows: number, end: number): Result<OpenBatch, ReadingFault> {
  const columns: BatchColumn[] = [];
  const seen = new Set<number>();
  let at = headBytes;
  for (let left = view.getUint32(12, true); left > 0; left -= 1) {
    if (at + columnHeadBytes > end) return fail({ kind: "truncated", what: "batch" });
    const place = view.getUint32(at, true);
    const form = view.getUint32(at + 4, true);
    const least = view.getFloat64(at + 8, true);
    const width = widths.find((known) => known === (form & ~someMissing));
    if (place >= places || seen.has(place) || width === undefined) {
      return fail({ kind: "unexpectedValue", what: "column" });
    }
    const start = at + columnHeadBytes;
    at += columnBytes(rows, width);
    if (at > end) return fail({ kind: "truncated", what: "batch" });
    seen.add(place);
    const codes = codesAt(view.buffer, view.byteOffset + start, width, rows);
    const missing = (form & someMissing) === 0 ? undefined : missingCode(width);
    columns.push({ place, codes, least, missing });
  }
  if (at !== end) return fail({ kind: "trailingBytes", what: "batch" });
  return ok({ rows, columns });
}

/** A column's values into `out`, from one on. */
export function readColumn(
  { codes, least, missing }: BatchColumn,
  rows: number,
  out: Float64Array,
  from: number,
): void {
  if (codes.length === 0) out.fill(least, from, from + rows);
  else read(codes, out, from, least);
  if (missing !== undefined) readMissing(codes, out, from, missing);
}

/** A loop for each width, as in writing. */
function read(codes: Codes, out: Float64Array, from: number, least: number): void {
  if (codes instanceof Uint8Array) {
    for (let row = 0; row < codes.length; row += 1) out[from + row] = (codes[row] ?? 0) + least;
  } else if (codes instanceof Uint16Array) {
    for (let row = 0; row < codes.length; row += 1) out[from + row] = (codes[row] ?? 0) + least;
  } else if (codes instanceof Uint32Array) {
    for (let row = 0; row < codes.length; row += 1) out[from + row] = (codes[row] ?? 0) + least;
  } else {
    out.set(codes, from);
  }
}

function readMissing(codes: Codes, out: Float64Array, from: number, missing: number): void {
  for (let row = 0; row < codes.length; row += 1) {
    if (codes[row] === missing) out[from + row] = NaN;
  }
}

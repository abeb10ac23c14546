/**
 * One batch of readings in the order of their arrival, as one value of one row. It is read again within hours, so it
 * is made quickly rather than small: each column in as many bytes as its largest value needs above its least.
 *
 *     HOTB | number u32 | rows u32 | columns u8 | per column: place u8, form u8, least f64, values | crc u32
 */
import { crc32 } from "node:zlib";
import { invariant } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import { readingSchema } from "./schema.ts";

/** More readings in one batch are our own mistake. */
export const batchRowsMax = 32_768;

const magic = 0x4254_4f48;
const headBytes = 13;
const columnHeadBytes = 10;
const crcBytes = 4;
const numberRange = 2 ** 32;
const places = readingSchema.columns.length;

/** Bytes of a value; 0: all are the least; 8: doubles, of which NaN is a missing one. */
const widths = [0, 1, 2, 4, 8] as const;
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

/** One thread's coder of batches. */
export class HotBatchCodec {
  /** The batch's number goes into its head, so that a batch in another's place is noticed. */
  encode(no: number, { count, columns }: PlacedColumns): Uint8Array<ArrayBuffer> {
    const layouts = columns.flatMap((values, place) => layoutOf(place, values, count));
    const bytes = new Uint8Array(
      layouts.reduce((sum, { width }) => sum + columnHeadBytes + width * count, headBytes) +
        crcBytes,
    );
    const view = new DataView(bytes.buffer);
    view.setUint32(0, magic, true);
    view.setUint32(4, no % numberRange, true);
    view.setUint32(8, count, true);
    view.setUint8(12, layouts.length);
    let at = headBytes;
    for (const layout of layouts) {
      view.setUint8(at, layout.place);
      view.setUint8(at + 1, layout.width | (layout.isSome ? someMissing : 0));
      view.setFloat64(at + 2, layout.least, true);
      at += columnHeadBytes;
      write(view, at, count, layout);
      at += layout.width * count;
    }
    view.setUint32(at, crc32(bytes.subarray(0, at)), true);
    return bytes;
  }

  /** Appends the batch's rows to the table, which after a fault is as it was. */
  append(no: number, bytes: Uint8Array, table: RowTable): ReadingFault | undefined {
    const crcAt = bytes.length - crcBytes;
    if (crcAt < headBytes) return { kind: "truncated", what: "batch" };
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint32(crcAt, true) !== crc32(bytes.subarray(0, crcAt))) {
      return { kind: "checksumMismatch", what: "batch" };
    }
    if (view.getUint32(0, true) !== magic) return { kind: "unexpectedValue", what: "batch" };
    if (view.getUint32(4, true) !== no % numberRange) {
      return { kind: "unexpectedValue", what: "batch number" };
    }
    const rows = view.getUint32(8, true);
    if (rows < 1 || rows > batchRowsMax) return { kind: "overLimit", what: "batch rows" };
    return appendColumns(view, rows, crcAt, table);
  }

  /** The batch's rows, in a table of their own. */
  decode(no: number, bytes: Uint8Array): Result<RowTable, ReadingFault> {
    const table = new RowTable(places, 1);
    const fault = this.append(no, bytes, table);
    return fault === undefined ? ok(table) : fail(fault);
  }
}

/** How a column is written; nothing for one without a value. */
function layoutOf(
  place: number,
  values: Float64Array | undefined,
  count: number,
): readonly Layout[] {
  let least = Infinity;
  let most = -Infinity;
  let missing = 0;
  let isWhole = true;
  for (let row = 0; row < count; row += 1) {
    const value = values?.[row] ?? NaN;
    if (value < least) least = value;
    if (value > most) most = value;
    if (Number.isNaN(value)) missing += 1;
    else if (Math.floor(value) !== value) isWhole = false;
  }
  if (values === undefined || missing === count) return [];
  const isSafe = least >= -Number.MAX_SAFE_INTEGER && most <= Number.MAX_SAFE_INTEGER;
  const name = readingSchema.columns[place]?.name;
  invariant(isWhole && isSafe, `${name} is a safe integer or missing`);
  const isSome = missing > 0;
  const codes = most - least + (isSome ? 1 : 0);
  const width = widths.find((bytes) => codes < 2 ** (8 * bytes)) ?? 8;
  // Doubles are the values themselves, for which a difference might not be exact.
  return [{ place, values, least: width === 8 ? 0 : least, width, isSome }];
}

function write(
  view: DataView,
  at: number,
  count: number,
  { values, least, width, isSome }: Layout,
): void {
  const missing = 2 ** (8 * width) - 1;
  for (let row = 0; row < count; row += 1) {
    const value = values[row] ?? NaN;
    const code = isSome && width < 8 && Number.isNaN(value) ? missing : value - least;
    if (width === 1) view.setUint8(at + row, code);
    else if (width === 2) view.setUint16(at + row * 2, code, true);
    else if (width === 4) view.setUint32(at + row * 4, code, true);
    else if (width === 8) view.setFloat64(at + row * 8, code, true);
  }
}

function appendColumns(
  view: DataView,
  rows: number,
  end: number,
  table: RowTable,
): ReadingFault | undefined {
  const from = table.count;
  table.grow(rows);
  const seen = new Set<number>();
  let at = headBytes;
  let fault: ReadingFault | undefined;
  for (let left = view.getUint8(12); left > 0 && fault === undefined; left -= 1) {
    const isThere = at + columnHeadBytes <= end;
    const place = isThere ? view.getUint8(at) : places;
    const form = isThere ? view.getUint8(at + 1) : 0;
    const width = form & ~someMissing;
    const start = at + columnHeadBytes;
    at = start + width * rows;
    if (place >= places || seen.has(place))
      fault = { kind: "unexpectedValue", what: "column place" };
    else if (!isWidth(width)) fault = { kind: "unexpectedValue", what: "column width" };
    else if (at > end) fault = { kind: "truncated", what: "batch" };
    else {
      seen.add(place);
      const least = view.getFloat64(start - 8, true);
      const isSome = (form & someMissing) !== 0;
      read(view, start, { least, width, isSome }, table.column(place), from, from + rows);
    }
  }
  if (at !== end) fault ??= { kind: "trailingBytes", what: "batch" };
  if (fault !== undefined) {
    table.count = from;
    return fault;
  }
  for (const [place, column] of table.columns.entries()) {
    if (!seen.has(place)) column?.fill(NaN, from, from + rows);
  }
  return undefined;
}

function isWidth(width: number): width is Width {
  return widths.some((known) => known === width);
}

function read(
  view: DataView,
  start: number,
  { least, width, isSome }: Omit<Layout, "place" | "values">,
  out: Float64Array,
  from: number,
  to: number,
): void {
  if (width === 0) {
    out.fill(least, from, to);
    return;
  }
  const missing = isSome ? 2 ** (8 * width) - 1 : Infinity;
  let at = start;
  for (let row = from; row < to; row += 1) {
    let code = 0;
    if (width === 1) code = view.getUint8(at);
    else if (width === 2) code = view.getUint16(at, true);
    else if (width === 4) code = view.getUint32(at, true);
    else code = view.getFloat64(at, true);
    out[row] = code === missing ? NaN : least + code;
    at += width;
  }
}

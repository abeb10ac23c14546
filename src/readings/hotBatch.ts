/**
 * One batch of readings in the order of their arrival, as one value of one row. It is read again within hours, so it
 * is made quickly rather than small: each column in as many bytes as its largest value needs above its least.
 *
 *     HOT2 | number u32 | rows u32 | columns u32 | column | … | crc u32
 *     column: place u8, form u8, quantum u16, highest code u32, least f64, values
 *
 * A meter's own count has the codes of its register, and its clock's time mostly those of the reading's time: such a
 * column has no values, and instead of the highest code the place of the other.
 * All of it little-endian, values filled up to a multiple of eight bytes, so that they are read as they lie. A batch
 * of the former format is read as it is: HOTB, with a column's place u32, form u32, least f64.
 */
import { crc32 } from "node:zlib";
import { invariant } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import {
  codesAt,
  doubleWidth,
  highestCode,
  missingCode,
  readColumn,
  spanOf,
  valueBytes,
  valueBytesMax,
  widths,
  writeValues,
  type BatchColumn,
  type ColumnForm,
  type ColumnSpan,
  type Width,
} from "./hotColumn.ts";
import { RowTable } from "./rowTable.ts";
import { readingSchema } from "./schema.ts";

/** More readings in one batch are our own mistake. */
export const batchRowsMax = 32_768;

const magic = 0x3254_4f48;
/** Without quanta and highest codes. */
const formerMagic = 0x4254_4f48;
const headBytes = 16;
const columnHeadBytes = 16;
const crcBytes = 4;
const numberRange = 2 ** 32;
const places = readingSchema.columns.length;
/** Bits of the form byte. */
const someMissing = 0x80;
const asAnother = 0x40;

/** By the places of readings; a column that is not there has no value. */
export interface PlacedColumns {
  readonly count: number;
  readonly columns: readonly (Float64Array | undefined)[];
}

/** What the columns hold, by the places of readings; undefined where no row has a value. */
export type ColumnSpans = readonly (ColumnSpan | undefined)[];

invariant(new Uint8Array(Uint32Array.of(1).buffer)[0] === 1, "a little-endian machine");

export function spansOf({ count, columns }: PlacedColumns): ColumnSpans {
  return columns.map((values) => {
    const span = values === undefined ? undefined : spanOf(values, count);
    return span?.missing === count ? undefined : span;
  });
}

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
    spans = spansOf({ count, columns }),
  ): Uint8Array<ArrayBuffer> {
    let bytesMax = headBytes + crcBytes;
    let columnCount = 0;
    for (const span of spans) {
      if (span === undefined) continue;
      bytesMax += columnHeadBytes + valueBytesMax(count, span);
      columnCount += 1;
    }
    const buffer = room.byteLength >= bytesMax ? room : new ArrayBuffer(bytesMax);
    const view = new DataView(buffer);
    view.setUint32(0, magic, true);
    view.setUint32(4, no % numberRange, true);
    view.setUint32(8, count, true);
    view.setUint32(12, columnCount, true);
    const written: ColumnBytes[] = [];
    let at = headBytes;
    for (const [place, span] of spans.entries()) {
      const values = columns[place];
      if (span === undefined || values === undefined) continue;
      const start = at + columnHeadBytes;
      const form = writeValues(place, values, span, { buffer, at: start, count });
      writeHead(view, at, place, form, span);
      const own = { start, width: form.width, bytes: valueBytes(count, form.width) };
      const against = readingSchema.columns[place]?.against ?? place;
      const other = written[against];
      if (other !== undefined && areSame(buffer, own, other)) {
        view.setUint8(at + 1, view.getUint8(at + 1) | asAnother);
        view.setUint32(at + 4, against, true);
        written[place] = other;
        at = start;
      } else {
        written[place] = own;
        at = start + own.bytes;
      }
    }
    view.setUint32(at, crc32(new Uint8Array(buffer, 0, at)), true);
    return new Uint8Array(buffer, 0, at + crcBytes);
  }

  /** Appends the batch's rows to the table, which after a fault is as it was. */
  append(no: number, stored: Uint8Array, table: RowTable): ReadingFault | undefined {
    const opened = openBatch(no, stored);
    if (!opened.ok) return opened.fault;
    appendRows(opened.value, table);
    return undefined;
  }

  /** The batch's rows, in a table of their own. */
  decode(no: number, bytes: Uint8Array): Result<RowTable, ReadingFault> {
    const table = new RowTable(places, 1);
    const fault = this.append(no, bytes, table);
    return fault === undefined ? ok(table) : fail(fault);
  }
}

/** Where a column's values lie. */
interface ColumnBytes {
  readonly start: number;
  readonly width: Width;
  readonly bytes: number;
}

function areSame(buffer: ArrayBuffer, one: ColumnBytes, other: ColumnBytes): boolean {
  if (one.width === 0 || one.width !== other.width) return false;
  const bytes = Buffer.from(buffer, one.start, one.bytes);
  return bytes.equals(new Uint8Array(buffer, other.start, one.bytes));
}

function writeHead(
  view: DataView,
  at: number,
  place: number,
  { width, quantum, least, isSome }: ColumnForm,
  { most }: ColumnSpan,
): void {
  view.setUint8(at, place);
  view.setUint8(at + 1, width | (isSome ? someMissing : 0));
  view.setUint16(at + 2, quantum, true);
  view.setUint32(at + 4, width === doubleWidth ? 0 : (most - least) / quantum, true);
  view.setFloat64(at + 8, least, true);
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
  const format = view.getUint32(0, true);
  if (format !== magic && format !== formerMagic) {
    return fail({ kind: "unexpectedValue", what: "batch" });
  }
  if (view.getUint32(4, true) !== no % numberRange) {
    return fail({ kind: "unexpectedValue", what: "batch number" });
  }
  const rows = view.getUint32(8, true);
  if (rows < 1 || rows > batchRowsMax) return fail({ kind: "overLimit", what: "batch rows" });
  return openColumns(view, rows, crcAt, format === magic ? headAt : formerHeadAt);
}

/** A column's head as it lies there. */
interface ColumnHead {
  readonly place: number;
  readonly width: number;
  readonly isSome: boolean;
  readonly quantum: number;
  readonly least: number;
  /** undefined: the head does not say it. */
  readonly highest: number | undefined;
  /** Its codes are those of this place. */
  readonly as: number | undefined;
}

function headAt(view: DataView, at: number): ColumnHead {
  const form = view.getUint8(at + 1);
  const number = view.getUint32(at + 4, true);
  const isAnother = (form & asAnother) !== 0;
  return {
    place: view.getUint8(at),
    width: form & ~(someMissing | asAnother),
    isSome: (form & someMissing) !== 0,
    quantum: view.getUint16(at + 2, true),
    least: view.getFloat64(at + 8, true),
    highest: isAnother ? undefined : number,
    as: isAnother ? number : undefined,
  };
}

function formerHeadAt(view: DataView, at: number): ColumnHead {
  const form = view.getUint32(at + 4, true);
  return {
    place: view.getUint32(at, true),
    width: form & ~someMissing,
    isSome: (form & someMissing) !== 0,
    quantum: 1,
    least: view.getFloat64(at + 8, true),
    highest: undefined,
    as: undefined,
  };
}

/** Appends an open batch's rows to the table. */
export function appendRows({ rows, columns }: OpenBatch, table: RowTable): void {
  const from = table.count;
  table.grow(rows);
  for (const column of columns) readColumn(column, rows, table.column(column.place), from);
  for (const [place, column] of table.columns.entries()) {
    const isThere = columns.some((known) => known.place === place);
    if (!isThere) column?.fill(NaN, from, table.count);
  }
}

function openColumns(
  view: DataView,
  rows: number,
  end: number,
  readHead: (view: DataView, at: number) => ColumnHead,
): Result<OpenBatch, ReadingFault> {
  const columns: BatchColumn[] = [];
  const seen = new Set<number>();
  let at = headBytes;
  for (let left = view.getUint32(12, true); left > 0; left -= 1) {
    if (at + columnHeadBytes > end) return fail({ kind: "truncated", what: "batch" });
    const head = readHead(view, at);
    const { place, quantum, least, isSome } = head;
    const width = widths.find((known) => known === head.width);
    if (place >= places || seen.has(place) || width === undefined || quantum === 0) {
      return fail({ kind: "unexpectedValue", what: "column" });
    }
    seen.add(place);
    at += columnHeadBytes;
    const own = { place, width, quantum, least, isSome };
    if (head.as !== undefined) {
      const other = columns.find((known) => known.place === head.as && known.width === width);
      if (other === undefined) return fail({ kind: "unexpectedValue", what: "column" });
      const { codes, high } = other;
      const highest = (other.most - other.least) / other.quantum;
      columns.push({ ...own, codes, high, most: least + highest * quantum });
      continue;
    }
    const lies = { buffer: view.buffer, at: view.byteOffset + at, count: rows };
    at += valueBytes(rows, width);
    if (at > end) return fail({ kind: "truncated", what: "batch" });
    const { codes, high } = codesAt(lies, width);
    const highest = head.highest ?? highestCode(codes, isSome ? missingCode(width) : NaN);
    columns.push({ ...own, codes, high, most: least + highest * quantum });
  }
  if (at !== end) return fail({ kind: "trailingBytes", what: "batch" });
  return ok({ rows, columns });
}

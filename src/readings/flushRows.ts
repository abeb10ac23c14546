/**
 * The rows that a flush takes, column by column, dealt out to groups of neighbouring meters. Fresh memory costs more
 * than what is done with it, so all rows together lie in four bytes a value where that is enough.
 */
import { CodeRoom } from "./codeRoom.ts";
import { deal, eachPart, partsOf, type DealtDay } from "./dealRows.ts";
import type { GasCalendar } from "./gasDay.ts";
import { openBatch, type OpenBatch } from "./hotBatch.ts";
import { doubleWidth, type BatchColumn } from "./hotColumn.ts";
import type { Manifest } from "./manifest.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";
import type { OrderedRows } from "./segmentWriter.ts";
import { sortRows, type SortKeys } from "./sortRows.ts";
import type { DamagedBatch } from "./work.ts";

/** Above the least value of a column of four bytes; the largest of them is a missing value. */
const missingCode = 2 ** 32 - 1;

/** One column of all rows: all the same, in four bytes above the least, or doubles of which NaN is missing. */
interface DealtColumn {
  readonly least: number;
  readonly codes: Uint32Array | Float64Array | undefined;
  /** No row is without a value. */
  readonly isWhole: boolean;
}

/** In order of days and groups, within each as they came. */
export class DealtRows {
  readonly count: number;
  /** The oldest first. */
  readonly days: readonly DealtDay[];
  readonly #columns: readonly (DealtColumn | undefined)[];
  /** Rows of a group of which a meter has several at one time. */
  readonly #versions = new RowTable(readingSchema.columns.length, 64);

  constructor(batches: readonly OpenBatch[], calendar: GasCalendar, room = new CodeRoom()) {
    this.count = batches.reduce((sum, { rows }) => sum + rows, 0);
    const { days, places } = deal(batches, this.count, calendar, room);
    this.days = days;
    this.#columns = readingSchema.columns.map((_spec, place) =>
      dealtColumn(batches, place, places, room),
    );
  }

  /** The groups of a day, each in order of meter and time and without repetitions. */
  *sorted({ starts }: DealtDay): Generator<SortedGroup> {
    for (let group = 1; group < starts.length; group += 1) {
      const from = starts[group - 1] ?? 0;
      const to = starts[group] ?? 0;
      if (to > from) yield this.#sort(from, to);
    }
  }

  #sort(from: number, to: number): SortedGroup {
    const columns = this.#columns;
    const meters = keysOf(columns[readingPlaces.meterNo], from, to);
    const times = keysOf(columns[readingPlaces.measuredAtMs], from, to);
    const order = sortRows(meters, times, (rows) => {
      this.#versions.clear();
      gatherRows(columns, from, rows, this.#versions);
      return this.#versions;
    });
    return new SortedGroup(columns, from, order);
  }
}

/** Some rows in an order of their own. */
export class SortedGroup implements OrderedRows {
  readonly count: number;
  readonly #columns: readonly (DealtColumn | undefined)[];
  readonly #from: number;
  readonly #order: Uint32Array;

  /** The order counts rows from one on. */
  constructor(columns: readonly (DealtColumn | undefined)[], from: number, order: Uint32Array) {
    this.count = order.length;
    this.#columns = columns;
    this.#from = from;
    this.#order = order;
  }

  meterAt(place: number): number {
    const { least = NaN, codes } = this.#columns[readingPlaces.meterNo] ?? {};
    return least + (codes?.[this.#from + (this.#order[place] ?? 0)] ?? 0);
  }

  appendTo(table: RowTable, from: number, to: number): void {
    gatherRows(this.#columns, this.#from, this.#order.subarray(from, to), table);
  }

  /** The values of one column, if there are any. */
  values(place: number): Float64Array | undefined {
    const column = this.#columns[place];
    if (column === undefined) return undefined;
    const values = new Float64Array(this.count);
    gather(column, this.#from, this.#order, values, 0);
    return values;
  }
}

/** What the hot batches up to a number hold. */
export function dealtRows(
  manifest: Manifest,
  toNo: number,
  calendar: GasCalendar,
  room: CodeRoom,
): { readonly hot: DealtRows; readonly damagedBatches: readonly DamagedBatch[] } {
  const batches: OpenBatch[] = [];
  const damagedBatches: DamagedBatch[] = [];
  for (const { no, bytes } of manifest.batches(toNo)) {
    const batch = openBatch(no, bytes);
    if (batch.ok) batches.push(batch.value);
    else damagedBatches.push({ no, fault: `${batch.fault.kind}: ${batch.fault.what}` });
  }
  return { hot: new DealtRows(batches, calendar, room), damagedBatches };
}

/** The column of all batches, each value at the row's place. */
function dealtColumn(
  batches: readonly OpenBatch[],
  place: number,
  places: Uint32Array,
  room: CodeRoom,
): DealtColumn | undefined {
  const parts = partsOf(batches, place);
  const known = parts.filter((part) => part !== undefined);
  if (known.length === 0) return undefined;
  const isWhole = known.length === parts.length && known.every(({ isSome }) => !isSome);
  const isDoubles = known.some(({ width }) => width === doubleWidth);
  const least = known.reduce((low, part) => Math.min(low, part.least), Infinity);
  const most = known.reduce((high, part) => Math.max(high, part.most), -Infinity);
  if (isWhole && !isDoubles && most === least) return { least, codes: undefined, isWhole };
  return isDoubles || most - least >= missingCode
    ? { least: 0, codes: dealtDoubles(batches, parts, places), isWhole }
    : { least, codes: dealtCodes(batches, parts, places, least, isWhole, room), isWhole };
}

function dealtDoubles(
  batches: readonly OpenBatch[],
  parts: readonly (BatchColumn | undefined)[],
  places: Uint32Array,
): Float64Array {
  const codes = new Float64Array(places.length).fill(NaN);
  eachPart(batches, parts, (values, rows, from) => {
    for (let row = 0; row < rows; row += 1) codes[places[from + row] ?? 0] = values[row] ?? NaN;
  });
  return codes;
}

function dealtCodes(
  batches: readonly OpenBatch[],
  parts: readonly (BatchColumn | undefined)[],
  places: Uint32Array,
  least: number,
  isWhole: boolean,
  room: CodeRoom,
): Uint32Array {
  const codes = room.codes(places.length);
  // What is one value in most batches is not written row by row.
  const usual = isWhole ? parts.find((part) => part?.width === 0)?.least : undefined;
  if (usual !== undefined) codes.fill(usual - least);
  if (!isWhole) codes.fill(missingCode);
  const others = parts.map((part) => {
    return part?.width === 0 && part.least === usual ? undefined : part;
  });
  eachPart(batches, others, (values, rows, from) => {
    scatter(values, least, places.subarray(from, from + rows), codes);
  });
  return codes;
}

/** Of a missing value nothing is written. */
function scatter(
  values: Float64Array,
  least: number,
  places: Uint32Array,
  codes: Uint32Array,
): void {
  for (let row = 0; row < places.length; row += 1) {
    const code = (values[row] ?? NaN) - least;
    if (code >= 0) codes[places[row] ?? 0] = code;
  }
}

/** Appends the rows that are named, counted from one on, to a table. */
function gatherRows(
  columns: readonly (DealtColumn | undefined)[],
  from: number,
  rows: Uint32Array,
  table: RowTable,
): void {
  const start = table.count;
  table.grow(rows.length);
  for (let place = 0; place < columns.length; place += 1) {
    const column = columns[place];
    if (column === undefined) table.columns[place]?.fill(NaN, start, table.count);
    else gather(column, from, rows, table.column(place), start);
  }
}

function gather(
  { least, codes, isWhole }: DealtColumn,
  from: number,
  rows: Uint32Array,
  out: Float64Array,
  start: number,
): void {
  const { length } = rows;
  if (codes === undefined) out.fill(least, start, start + length);
  else if (codes instanceof Float64Array) gatherDoubles(codes, from, rows, out, start);
  else if (isWhole) gatherCodes(codes, from, rows, least, out, start);
  else gatherSome(codes, from, rows, least, out, start);
}

function gatherDoubles(
  values: Float64Array,
  from: number,
  rows: Uint32Array,
  out: Float64Array,
  start: number,
): void {
  for (let at = 0; at < rows.length; at += 1)
    out[start + at] = values[from + (rows[at] ?? 0)] ?? NaN;
}

function gatherCodes(
  codes: Uint32Array,
  from: number,
  rows: Uint32Array,
  least: number,
  out: Float64Array,
  start: number,
): void {
  for (let at = 0; at < rows.length; at += 1) {
    out[start + at] = least + (codes[from + (rows[at] ?? 0)] ?? 0);
  }
}

function gatherSome(
  codes: Uint32Array,
  from: number,
  rows: Uint32Array,
  least: number,
  out: Float64Array,
  start: number,
): void {
  for (let at = 0; at < rows.length; at += 1) {
    const code = codes[from + (rows[at] ?? 0)] ?? 0;
    out[start + at] = code === missingCode ? NaN : least + code;
  }
}

/** What rows are sorted by, of a column without missing values. */
function keysOf(column: DealtColumn | undefined, from: number, to: number): SortKeys {
  return column?.codes?.subarray(from, to) ?? new Uint32Array(to - from);
}

/** Lowest and highest number of the readings that were taken; 0 where they have none. */
export class SeqRange {
  #firstSeq = Infinity;
  #lastSeq = 0;

  take(group: SortedGroup): void {
    for (const seq of group.values(readingPlaces.seq) ?? []) {
      if (seq < this.#firstSeq) this.#firstSeq = seq;
      if (seq > this.#lastSeq) this.#lastSeq = seq;
    }
  }

  get range(): { readonly firstSeq: number; readonly lastSeq: number } {
    return { firstSeq: this.#lastSeq === 0 ? 0 : this.#firstSeq, lastSeq: this.#lastSeq };
  }
}

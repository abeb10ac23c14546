/**
 * The rows that a flush takes, brought into groups of neighbouring meters. A group fits into the processor's cache,
 * where it is sorted and gathered; over all rows at once each step would wait for the memory. For the same reason, and
 * because fresh memory costs more than what is done with it, all rows together lie as small as their batches held them.
 */
import type { GasCalendar } from "./gasDay.ts";
import { batchRowsMax, openBatch, type OpenBatch } from "./hotBatch.ts";
import { readColumn, type BatchColumn } from "./hotColumn.ts";
import type { Manifest } from "./manifest.ts";
import type { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";
import type { DamagedBatch } from "./work.ts";

/** Rows of a group where meters say about as much as one another; up to twice as many. */
const groupRows = 2_048;

/** Above the least value of a column of four bytes; the largest of them is a missing value. */
const missingCode = 2 ** 32 - 1;

/** One column of all rows: all the same, in four bytes above the least, or doubles of which NaN is missing. */
interface DealtColumn {
  readonly least: number;
  readonly codes: Uint32Array | Float64Array | undefined;
  /** No row is without a value. */
  readonly isWhole: boolean;
}

/** In order of groups, within each as they came. */
export class DealtRows {
  readonly count: number;
  /** Where each group begins; behind the last the number of rows. */
  readonly starts: Uint32Array;
  readonly #columns: readonly (DealtColumn | undefined)[];

  constructor(batches: readonly OpenBatch[]) {
    this.count = batches.reduce((sum, { rows }) => sum + rows, 0);
    const { starts, places } = deal(metersOf(batches, this.count));
    this.starts = starts;
    this.#columns = readingSchema.columns.map((_spec, place) =>
      dealtColumn(batches, place, places),
    );
  }

  /** The rows that are named, as all that the table holds. */
  load(rows: Uint32Array, table: RowTable): void {
    table.resize(rows.length);
    for (const [place, column] of this.#columns.entries()) {
      if (column === undefined) table.columns[place]?.fill(NaN, 0, rows.length);
      else loadColumn(column, rows, table.column(place));
    }
  }

  /** When the row was measured. */
  timeAt(row: number): number {
    const column = this.#columns[readingPlaces.measuredAtMs];
    if (column === undefined) return NaN;
    return column.codes === undefined ? column.least : column.least + (column.codes[row] ?? 0);
  }
}

/** What the hot batches up to a number hold. */
export function dealtRows(
  manifest: Manifest,
  toNo: number,
): { readonly hot: DealtRows; readonly damagedBatches: readonly DamagedBatch[] } {
  const batches: OpenBatch[] = [];
  const damagedBatches: DamagedBatch[] = [];
  for (const { no, bytes } of manifest.batches(toNo)) {
    const batch = openBatch(no, bytes);
    if (batch.ok) batches.push(batch.value);
    else damagedBatches.push({ no, fault: `${batch.fault.kind}: ${batch.fault.what}` });
  }
  return { hot: new DealtRows(batches), damagedBatches };
}

/** Deals the rows out to groups by their meters' numbers: where the groups begin, and the place of each row. */
function deal(meters: Uint32Array): { readonly starts: Uint32Array; readonly places: Uint32Array } {
  const count = meters.length;
  let lowest = Infinity;
  let highest = 0;
  for (const meter of meters) {
    if (meter < lowest) lowest = meter;
    if (meter > highest) highest = meter;
  }
  let shift = 0;
  while (2 ** shift * Math.ceil(count / groupRows) <= highest - lowest) shift += 1;
  const groups = count === 0 ? 0 : ((highest - lowest) >>> shift) + 1;
  const starts = new Uint32Array(groups + 1);
  for (const meter of meters) {
    const after = ((meter - lowest) >>> shift) + 1;
    starts[after] = (starts[after] ?? 0) + 1;
  }
  for (let group = 1; group <= groups; group += 1) {
    starts[group] = (starts[group] ?? 0) + (starts[group - 1] ?? 0);
  }
  const next = starts.slice();
  const places = new Uint32Array(count);
  for (let row = 0; row < count; row += 1) {
    const group = ((meters[row] ?? 0) - lowest) >>> shift;
    const place = next[group] ?? 0;
    places[row] = place;
    next[group] = place + 1;
  }
  return { starts, places };
}

function metersOf(batches: readonly OpenBatch[], count: number): Uint32Array {
  const meters = new Uint32Array(count);
  eachPart(batches, partsOf(batches, readingPlaces.meterNo), (values, rows, from) =>
    meters.set(values.subarray(0, rows), from),
  );
  return meters;
}

/** The column's part in each batch. */
function partsOf(
  batches: readonly OpenBatch[],
  place: number,
): readonly (BatchColumn | undefined)[] {
  return batches.map(({ columns }) => columns.find((column) => column.place === place));
}

/** The column of all batches, each value at the row's place. */
function dealtColumn(
  batches: readonly OpenBatch[],
  place: number,
  places: Uint32Array,
): DealtColumn | undefined {
  const parts = partsOf(batches, place);
  const { least, most, isWhole, isDoubles } = boundsOf(parts);
  if (most < least) return undefined;
  if (isWhole && !isDoubles && most === least) return { least, codes: undefined, isWhole };
  if (isDoubles || most - least >= missingCode) {
    const codes = new Float64Array(places.length).fill(NaN);
    eachPart(batches, parts, (values, rows, from) => {
      for (let row = 0; row < rows; row += 1) codes[places[from + row] ?? 0] = values[row] ?? NaN;
    });
    return { least: 0, codes, isWhole };
  }
  const codes = new Uint32Array(places.length);
  if (!isWhole) codes.fill(missingCode);
  eachPart(batches, parts, (values, rows, from) => {
    for (let row = 0; row < rows; row += 1) {
      const value = values[row] ?? NaN;
      if (value >= least) codes[places[from + row] ?? 0] = value - least;
    }
  });
  return { least, codes, isWhole };
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  /** No row is without a value. */
  readonly isWhole: boolean;
  readonly isDoubles: boolean;
}

/** Of a column's parts; the most is below the least where there are none. */
function boundsOf(parts: readonly (BatchColumn | undefined)[]): Bounds {
  let least = Infinity;
  let most = -Infinity;
  let isWhole = true;
  let isDoubles = false;
  for (const part of parts) {
    if (part === undefined || part.isSome) isWhole = false;
    if (part === undefined) continue;
    if (part.codes instanceof Float64Array) isDoubles = true;
    least = Math.min(least, part.least);
    most = Math.max(most, part.most);
  }
  return { least, most, isWhole, isDoubles };
}

/** The values of one part after the other, and the number of its first row. */
function eachPart(
  batches: readonly OpenBatch[],
  parts: readonly (BatchColumn | undefined)[],
  take: (values: Float64Array, rows: number, from: number) => void,
): void {
  const values = new Float64Array(batchRowsMax);
  let from = 0;
  for (const [at, { rows }] of batches.entries()) {
    const part = parts[at];
    if (part !== undefined) {
      readColumn(part, rows, values, 0);
      take(values, rows, from);
    }
    from += rows;
  }
}

function loadColumn({ least, codes, isWhole }: DealtColumn, rows: Uint32Array, out: Float64Array) {
  const count = rows.length;
  if (codes === undefined) out.fill(least, 0, count);
  else if (codes instanceof Float64Array) gather(codes, rows, out);
  else loadCodes(codes, rows, least, out);
  if (isWhole || !(codes instanceof Uint32Array)) return;
  for (let at = 0; at < count; at += 1) if (codes[rows[at] ?? 0] === missingCode) out[at] = NaN;
}

function gather(values: Float64Array, rows: Uint32Array, out: Float64Array): void {
  for (let at = 0; at < rows.length; at += 1) out[at] = values[rows[at] ?? 0] ?? NaN;
}

function loadCodes(codes: Uint32Array, rows: Uint32Array, least: number, out: Float64Array): void {
  for (let at = 0; at < rows.length; at += 1) out[at] = least + (codes[rows[at] ?? 0] ?? 0);
}

/** The rows, which are in order, by their groups. */
export function* groupsOf({ starts }: DealtRows, rows: Uint32Array): Generator<Uint32Array> {
  let from = 0;
  for (const end of starts) {
    let to = from;
    while (to < rows.length && (rows[to] ?? 0) < end) to += 1;
    if (to > from) yield rows.subarray(from, to);
    from = to;
  }
}

/** The rows of each gas day, the oldest day first. */
export function byDay(rows: DealtRows, calendar: GasCalendar): readonly [number, Uint32Array][] {
  const days = new Int32Array(rows.count);
  const counts = new Map<number, number>();
  let day = NaN;
  let since = 0;
  const count = (row: number, next: number): void => {
    if (row > since) counts.set(day, (counts.get(day) ?? 0) + row - since);
    day = next;
    since = row;
  };
  for (let row = 0; row < rows.count; row += 1) {
    const of = calendar.dayOf(rows.timeAt(row));
    days[row] = of;
    if (of !== day) count(row, of);
  }
  count(rows.count, NaN);
  return [...counts]
    .sort(([one], [other]) => one - other)
    .map(([of, rowsOfDay]) => [of, placesOf(days, of, rowsOfDay)]);
}

function placesOf(values: Int32Array, wanted: number, count: number): Uint32Array {
  const places = new Uint32Array(count);
  let at = 0;
  for (let place = 0; place < values.length; place += 1) {
    if (values[place] !== wanted) continue;
    places[at] = place;
    at += 1;
  }
  return places;
}

/** Lowest and highest number of the readings that were taken; 0 where they have none. */
export class SeqRange {
  #firstSeq = Infinity;
  #lastSeq = 0;

  take(table: RowTable, rows: Uint32Array): void {
    const numbers = table.columns[readingPlaces.seq];
    if (numbers === undefined) return;
    for (const row of rows) {
      const seq = numbers[row] ?? NaN;
      if (seq < this.#firstSeq) this.#firstSeq = seq;
      if (seq > this.#lastSeq) this.#lastSeq = seq;
    }
  }

  get range(): { readonly firstSeq: number; readonly lastSeq: number } {
    return { firstSeq: this.#lastSeq === 0 ? 0 : this.#firstSeq, lastSeq: this.#lastSeq };
  }
}

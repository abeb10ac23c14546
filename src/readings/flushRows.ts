/**
 * The rows that a flush takes, brought into groups of neighbouring meters. A group fits into the processor's cache,
 * where it is sorted and gathered; over all rows at once each step would wait for the memory.
 */
import type { GasCalendar } from "./gasDay.ts";
import { HotBatchCodec } from "./hotBatch.ts";
import type { Manifest } from "./manifest.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";
import type { DamagedBatch } from "./work.ts";

/** Rows of a group where meters say about as much as one another; up to twice as many. */
const groupRows = 2_048;

/** In order of groups, within each as they came. */
export interface DealtRows {
  readonly rows: RowTable;
  /** Where each group begins; behind the last the number of rows. */
  readonly starts: Uint32Array;
}

/** What the hot batches up to a number hold. */
export function dealtRows(
  manifest: Manifest,
  toNo: number,
): { readonly hot: DealtRows; readonly damagedBatches: readonly DamagedBatch[] } {
  const codec = new HotBatchCodec();
  const rows = new RowTable(readingSchema.columns.length, manifest.batchRows(toNo));
  const damagedBatches: DamagedBatch[] = [];
  for (const { no, bytes } of manifest.batches(toNo)) {
    const fault = codec.append(no, bytes, rows);
    if (fault) damagedBatches.push({ no, fault: `${fault.kind}: ${fault.what}` });
  }
  return { hot: { rows, starts: deal(rows) }, damagedBatches };
}

/** Deals the rows out to groups by their meters' numbers; returns where the groups begin. */
function deal(rows: RowTable): Uint32Array {
  const { count, columns } = rows;
  const meters = rows.column(readingPlaces.meterNo);
  let lowest = Infinity;
  let highest = 0;
  for (let row = 0; row < count; row += 1) {
    const meter = meters[row] ?? 0;
    if (meter < lowest) lowest = meter;
    if (meter > highest) highest = meter;
  }
  let shift = 0;
  while (2 ** shift * Math.ceil(count / groupRows) <= highest - lowest) shift += 1;
  const groups = count === 0 ? 0 : ((highest - lowest) >>> shift) + 1;
  const starts = new Uint32Array(groups + 1);
  if (groups <= 1) {
    starts.fill(count, 1);
    return starts;
  }
  for (let row = 0; row < count; row += 1) {
    const after = (((meters[row] ?? 0) - lowest) >>> shift) + 1;
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
  let spare: Float64Array = new Float64Array(rows.capacity);
  for (const [place, column] of columns.entries()) {
    if (column === undefined || isFlat(column, count)) continue;
    for (let row = 0; row < count; row += 1) spare[places[row] ?? 0] = column[row] ?? NaN;
    columns[place] = spare;
    spare = column;
  }
  return starts;
}

/** All of its values are the same, and none is missing. */
function isFlat(column: Float64Array, count: number): boolean {
  const [first] = column;
  let row = 1;
  while (row < count && column[row] === first) row += 1;
  return row === count;
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
export function byDay(rows: RowTable, calendar: GasCalendar): readonly [number, Uint32Array][] {
  const times = rows.column(readingPlaces.measuredAtMs);
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
    const of = calendar.dayOf(times[row] ?? 0);
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
  readonly #numbers: Float64Array | undefined;
  #firstSeq = Infinity;
  #lastSeq = 0;

  constructor(rows: RowTable) {
    this.#numbers = rows.columns[readingPlaces.seq];
  }

  take(rows: Uint32Array): void {
    if (this.#numbers === undefined) return;
    for (const row of rows) {
      const seq = this.#numbers[row] ?? NaN;
      if (seq < this.#firstSeq) this.#firstSeq = seq;
      if (seq > this.#lastSeq) this.#lastSeq = seq;
    }
  }

  get range(): { readonly firstSeq: number; readonly lastSeq: number } {
    return { firstSeq: this.#lastSeq === 0 ? 0 : this.#firstSeq, lastSeq: this.#lastSeq };
  }
}

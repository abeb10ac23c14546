/**
 * What a gas day came to, one row a meter. A meter that said nothing keeps its last register, so that one file answers
 * for every meter that was ever heard.
 */
import { hourMs } from "#domain/units.ts";
import type { RowSink } from "./mergeRows.ts";
import { RowTable } from "./rowTable.ts";
import {
  readingPlaces as from,
  readingSchema,
  rollUpPlaces as to,
  rollUpSchema,
} from "./schema.ts";
import type { SegmentCursor, Span } from "./segmentCursor.ts";
import { isConflict } from "./versions.ts";

const flushRows = 4_096;
const openRows = 64;

/** What of a reading goes into a roll-up; where readings were revised it takes all of them to tell what counts. */
export const rolledUpPlaces: ReadonlySet<number> = new Set([
  from.meterNo,
  from.measuredAtMs,
  from.indexMl,
  from.quality,
  from.flowMlPerHour,
  from.batteryMv,
  from.temperatureCentiC,
  from.revision,
]);

/** What a day hands on to the next one. */
export const closingPlaces: ReadonlySet<number> = new Set([
  to.meterNo,
  to.closingAtMs,
  to.closingIndexMl,
  to.closingQuality,
  to.closingConflict,
  to.batteryMv,
  to.temperatureCentiC,
]);

export class RollUpBuilder implements RowSink {
  readonly #night: Span;
  readonly #previous: SegmentCursor | null;
  readonly #sink: RowSink;
  readonly #rows = new RowTable(rollUpSchema.columns.length, flushRows);
  readonly #out = columnsOf(this.#rows);
  /** Of the meter that came last: the next run may have more of it. */
  readonly #open = new RowTable(readingSchema.columns.length, openRows);

  /** `previous` walks the roll-up of the day before; the rows that are added are sorted, versions settled. */
  constructor(night: Span, previous: SegmentCursor | null, sink: RowSink) {
    this.#night = night;
    this.#previous = previous;
    this.#sink = sink;
  }

  addRun(table: RowTable, start: number, end: number): void {
    const meters = table.column(from.meterNo);
    const open = this.#open;
    let row = start;
    if (open.count > 0) {
      row = endOfMeter(meters, open.value(from.meterNo, 0), start, end);
      if (row > start) open.addRun(table, start, row);
      if (row === end) return;
      this.#take(open, 0, open.count);
      open.clear();
    }
    while (row < end) {
      const next = endOfMeter(meters, meters[row], row + 1, end);
      if (next < end) this.#take(table, row, next);
      else open.addRun(table, row, end);
      row = next;
    }
  }

  finish(): void {
    if (this.#open.count > 0) this.#take(this.#open, 0, this.#open.count);
    this.#carry(Infinity);
    this.#flush();
  }

  /** All of a meter's day, behind the silent ones before it. */
  #take(table: RowTable, start: number, end: number): void {
    const times = table.column(from.measuredAtMs);
    const registers = table.column(from.indexMl);
    const flows = table.column(from.flowMlPerHour);
    const { fromMs, toMs } = this.#night;
    let readings = 0;
    let peak = NaN;
    let night = NaN;
    let beforeMs = NaN;
    let closing = -1;
    let closingAtMs = NaN;
    let closingIndexMl = NaN;
    for (let row = start; row < end; row += 1) {
      const atMs = times[row] ?? NaN;
      // Another version of the same time; the one that counts came first.
      if (atMs === beforeMs) continue;
      beforeMs = atMs;
      readings += 1;
      const indexMl = registers[row] ?? NaN;
      let flow = flows[row] ?? NaN;
      if (Number.isNaN(flow)) flow = meanFlow(indexMl - closingIndexMl, atMs - closingAtMs);
      if (!Number.isNaN(flow)) {
        if (!(flow <= peak)) peak = flow;
        if (atMs > fromMs && atMs <= toMs && !(flow >= night)) night = flow;
      }
      if (Number.isNaN(indexMl)) continue;
      closing = row;
      closingAtMs = atMs;
      closingIndexMl = indexMl;
    }
    const meterNo = table.value(from.meterNo, start);
    this.#carry(meterNo);
    const out = this.#out;
    const at = this.#rows.count;
    out.meterNo[at] = meterNo;
    out.closingAtMs[at] = closingAtMs;
    out.closingIndexMl[at] = closingIndexMl;
    out.closingQuality[at] = closing < 0 ? NaN : table.value(from.quality, closing);
    out.closingConflict[at] = closing < 0 ? NaN : conflictAt(table, times, closing, end);
    out.peakFlowMlPerHour[at] = peak;
    out.nightFlowMlPerHour[at] = night;
    out.readings[at] = readings;
    out.batteryMv[at] = lastSaid(table.columns[from.batteryMv], times, start, end);
    out.temperatureCentiC[at] = lastSaid(table.columns[from.temperatureCentiC], times, start, end);
    this.#close();
  }

  /** Meters of the day before, up to this one, that said nothing. */
  #carry(meterNo: number): void {
    const previous = this.#previous;
    if (previous === null) return;
    while (!previous.isAtEnd && previous.meterNo < meterNo) {
      const at = this.#rows.count;
      for (const column of Object.values(this.#out)) column[at] = NaN;
      this.#out.meterNo[at] = previous.meterNo;
      this.#out.readings[at] = 0;
      this.#close();
    }
  }

  /** Ends the row: with what the day before handed on, and that again where the day said nothing. */
  #close(): void {
    const out = this.#out;
    const previous = this.#previous;
    const at = this.#rows.count;
    const isKnown = previous !== null && !previous.isAtEnd && previous.meterNo === out.meterNo[at];
    const last = (place: number) => (isKnown ? previous.table.value(place, previous.row) : NaN);
    const openingIndexMl = last(to.closingIndexMl);
    out.openingAtMs[at] = last(to.closingAtMs);
    out.openingIndexMl[at] = openingIndexMl;
    out.openingQuality[at] = last(to.closingQuality);
    // A register that went back has no volume here: its range and exchanges are not known to the store.
    const volumeMl = (out.closingIndexMl[at] ?? NaN) - openingIndexMl;
    out.volumeMl[at] = volumeMl >= 0 ? volumeMl : NaN;
    if (Number.isNaN(out.closingIndexMl[at])) {
      out.closingAtMs[at] = last(to.closingAtMs);
      out.closingIndexMl[at] = openingIndexMl;
      out.closingQuality[at] = last(to.closingQuality);
      out.closingConflict[at] = last(to.closingConflict);
    }
    if (Number.isNaN(out.batteryMv[at])) out.batteryMv[at] = last(to.batteryMv);
    if (Number.isNaN(out.temperatureCentiC[at])) {
      out.temperatureCentiC[at] = last(to.temperatureCentiC);
    }
    if (isKnown) previous.advance(previous.row + 1);
    this.#rows.count += 1;
    if (this.#rows.count >= flushRows) this.#flush();
  }

  #flush(): void {
    if (this.#rows.count > 0) this.#sink.addRun(this.#rows, 0, this.#rows.count);
    this.#rows.clear();
  }
}

type RollUpColumns = Readonly<Record<keyof typeof to, Float64Array>>;

function columnsOf(rows: RowTable): RollUpColumns {
  const named = Object.entries(to).map(([name, place]) => [name, rows.column(place)]);
  return Object.fromEntries(named) as RollUpColumns;
}

/** The first row from `row` on that is another meter's. */
function endOfMeter(
  meters: Float64Array,
  meterNo: number | undefined,
  row: number,
  end: number,
): number {
  let next = row;
  while (next < end && meters[next] === meterNo) next += 1;
  return next;
}

/** NaN where there is no register before in the same day, or it went back. */
function meanFlow(volumeMl: number, duringMs: number): number {
  const flow = Math.round((volumeMl * hourMs) / duringMs);
  return flow >= 0 ? flow : NaN;
}

/** Whether the row, which counts, has other versions behind it that wait for a person. */
function conflictAt(table: RowTable, times: Float64Array, row: number, end: number): number {
  let next = row + 1;
  while (next < end && times[next] === times[row]) next += 1;
  if (next === row + 1) return 0;
  const versions = Array.from({ length: next - row }, (_none, place) => row + place);
  return isConflict(table, versions) ? 1 : 0;
}

/** Of the versions that count, the last value that was said. */
function lastSaid(
  values: Float64Array | undefined,
  times: Float64Array,
  start: number,
  end: number,
): number {
  if (values === undefined) return NaN;
  for (let row = end - 1; row >= start; row -= 1) {
    const value = values[row] ?? NaN;
    const counts = row === start || times[row] !== times[row - 1];
    if (counts && !Number.isNaN(value)) return value;
  }
  return NaN;
}

/**
 * What a gas day came to, one row a meter. A meter that said nothing keeps its last register, so that one file answers
 * for every meter that was ever heard.
 */
import { hourMs } from "#domain/units.ts";
import type { RowSink } from "./mergeRows.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces as from, rollUpPlaces as to, rollUpSchema } from "./schema.ts";
import type { SegmentCursor, Span } from "./segmentCursor.ts";
import { storedQualities } from "./versions.ts";

const settledFrom = storedQualities.indexOf("edited");
const flushRows = 4_096;

/** One meter's day while its rows come in. */
interface MeterDay {
  meterNo: number;
  atMs: number;
  /** Numbers of the versions of that time, and whether one of them is a revision. */
  numbers: number[];
  isRevised: boolean;
  closingAtMs: number;
  closingIndexMl: number;
  closingQuality: number;
  closingConflict: number;
  peak: number;
  night: number;
  readings: number;
  batteryMv: number;
  temperatureCentiC: number;
}

type DayColumns = Readonly<
  Record<
    | "times"
    | "registers"
    | "qualities"
    | "flows"
    | "batteries"
    | "temperatures"
    | "numbers"
    | "revisions",
    Float64Array
  >
>;

/** What of a reading goes into a roll-up. */
export const rolledUpPlaces: ReadonlySet<number> = new Set([
  from.meterNo,
  from.measuredAtMs,
  from.indexMl,
  from.quality,
  from.flowMlPerHour,
  from.batteryMv,
  from.temperatureCentiC,
  from.seq,
  from.revision,
]);

export class RollUpBuilder implements RowSink {
  readonly #night: Span;
  readonly #previous: SegmentCursor | null;
  readonly #sink: RowSink;
  readonly #rows = new RowTable(rollUpSchema.columns.length, flushRows * 2);
  #day: MeterDay | undefined;

  /** `previous` walks the roll-up of the day before; the rows that are added are sorted, versions settled. */
  constructor(night: Span, previous: SegmentCursor | null, sink: RowSink) {
    this.#night = night;
    this.#previous = previous;
    this.#sink = sink;
  }

  addRun(table: RowTable, start: number, end: number): void {
    const meters = table.column(from.meterNo);
    const columns = {
      times: table.column(from.measuredAtMs),
      registers: table.column(from.indexMl),
      qualities: table.column(from.quality),
      flows: table.column(from.flowMlPerHour),
      batteries: table.column(from.batteryMv),
      temperatures: table.column(from.temperatureCentiC),
      numbers: table.column(from.seq),
      revisions: table.column(from.revision),
    };
    for (let row = start; row < end; row += 1) {
      const meterNo = meters[row] ?? NaN;
      if (this.#day?.meterNo !== meterNo) {
        this.#close();
        this.#day = emptyDay(meterNo);
      }
      this.#take(this.#day, columns, row);
    }
  }

  finish(): void {
    this.#close();
    this.#carry(Infinity);
    this.#flush();
  }

  #take(day: MeterDay, columns: DayColumns, row: number): void {
    const atMs = columns.times[row] ?? NaN;
    const index = columns.registers[row] ?? NaN;
    if (atMs === day.atMs) {
      // Another version of the same time; the one that counts came first.
      const isOpen = day.closingAtMs === atMs && day.closingQuality < settledFrom;
      const isOther = isOpen && !Number.isNaN(index) && index !== day.closingIndexMl;
      if (!isSuperseded(day, columns, row) && isOther) day.closingConflict = 1;
      return;
    }
    day.numbers = [columns.numbers[row] ?? NaN];
    day.isRevised = !Number.isNaN(columns.revisions[row] ?? NaN);
    day.readings += 1;
    const reported = columns.flows[row] ?? NaN;
    const flow = Number.isNaN(reported) ? flowSince(day, index, atMs) : reported;
    if (!Number.isNaN(flow)) {
      if (!(flow <= day.peak)) day.peak = flow;
      const isNight = atMs > this.#night.fromMs && atMs <= this.#night.toMs;
      if (isNight && !(flow >= day.night)) day.night = flow;
    }
    const battery = columns.batteries[row] ?? NaN;
    if (!Number.isNaN(battery)) day.batteryMv = battery;
    const temperature = columns.temperatures[row] ?? NaN;
    if (!Number.isNaN(temperature)) day.temperatureCentiC = temperature;
    if (!Number.isNaN(index)) {
      day.closingAtMs = atMs;
      day.closingIndexMl = index;
      day.closingQuality = columns.qualities[row] ?? NaN;
      day.closingConflict = 0;
    }
    day.atMs = atMs;
  }

  /** Ends the meter that is open, after the silent ones before it. */
  #close(): void {
    const day = this.#day;
    if (day === undefined) return;
    this.#carry(day.meterNo);
    const previous = this.#previous;
    const isKnown = previous !== null && !previous.isAtEnd && previous.meterNo === day.meterNo;
    const opening = (place: number) =>
      isKnown ? previous.table.value(place, previous.row) : Number.NaN;
    const openingIndexMl = opening(to.closingIndexMl);
    const isSilent = Number.isNaN(day.closingIndexMl);
    const volume = day.closingIndexMl - openingIndexMl;
    this.#put({
      meterNo: day.meterNo,
      closingAtMs: isSilent ? opening(to.closingAtMs) : day.closingAtMs,
      closingIndexMl: isSilent ? openingIndexMl : day.closingIndexMl,
      closingQuality: isSilent ? opening(to.closingQuality) : day.closingQuality,
      closingConflict: isSilent ? opening(to.closingConflict) : day.closingConflict,
      openingAtMs: opening(to.closingAtMs),
      openingIndexMl,
      openingQuality: opening(to.closingQuality),
      // A register that went back has no volume here: its range and exchanges are not known to the store.
      volumeMl: volume >= 0 ? volume : Number.NaN,
      peakFlowMlPerHour: day.peak,
      nightFlowMlPerHour: day.night,
      readings: day.readings,
      batteryMv: Number.isNaN(day.batteryMv) ? opening(to.batteryMv) : day.batteryMv,
      temperatureCentiC: Number.isNaN(day.temperatureCentiC)
        ? opening(to.temperatureCentiC)
        : day.temperatureCentiC,
    });
    if (isKnown) previous.advance(previous.row + 1);
    this.#day = undefined;
  }

  /** Meters of the day before, up to this one, that said nothing. */
  #carry(meterNo: number): void {
    const previous = this.#previous;
    if (previous === null) return;
    while (!previous.isAtEnd && previous.meterNo < meterNo) {
      const last = (place: number) => previous.table.value(place, previous.row);
      this.#put({
        meterNo: previous.meterNo,
        closingAtMs: last(to.closingAtMs),
        closingIndexMl: last(to.closingIndexMl),
        closingQuality: last(to.closingQuality),
        closingConflict: last(to.closingConflict),
        openingAtMs: last(to.closingAtMs),
        openingIndexMl: last(to.closingIndexMl),
        openingQuality: last(to.closingQuality),
        volumeMl: Number.NaN,
        peakFlowMlPerHour: Number.NaN,
        nightFlowMlPerHour: Number.NaN,
        readings: 0,
        batteryMv: last(to.batteryMv),
        temperatureCentiC: last(to.temperatureCentiC),
      });
      previous.advance(previous.row + 1);
    }
  }

  #put(values: Record<keyof typeof to, number>): void {
    const rows = this.#rows;
    const row = rows.count;
    for (const name of names) rows.column(to[name])[row] = values[name];
    rows.count += 1;
    if (rows.count >= flushRows) this.#flush();
  }

  #flush(): void {
    if (this.#rows.count > 0) this.#sink.addRun(this.#rows, 0, this.#rows.count);
    this.#rows.clear();
  }
}

const names = Object.keys(to) as (keyof typeof to)[];

function emptyDay(meterNo: number): MeterDay {
  return {
    meterNo,
    atMs: NaN,
    numbers: [],
    isRevised: false,
    closingAtMs: NaN,
    closingIndexMl: NaN,
    closingQuality: NaN,
    closingConflict: NaN,
    peak: NaN,
    night: NaN,
    readings: 0,
    batteryMv: NaN,
    temperatureCentiC: NaN,
  };
}

/**
 * A former version of a reading that was revised is no conflict with it. Former versions stand behind all in force, so
 * that the number of each was there before it. Notes the row's own for those behind it.
 */
function isSuperseded(day: MeterDay, { numbers, revisions }: DayColumns, row: number): boolean {
  const number = numbers[row] ?? NaN;
  if (!Number.isNaN(revisions[row] ?? NaN)) day.isRevised = true;
  if (day.isRevised && day.numbers.includes(number)) return !Number.isNaN(number);
  day.numbers.push(number);
  return false;
}

/** The mean flow since the register before in the same day; NaN where there is none or it went back. */
function flowSince(day: MeterDay, indexMl: number, atMs: number): number {
  const flow = Math.round(((indexMl - day.closingIndexMl) * hourMs) / (atMs - day.closingAtMs));
  return flow >= 0 ? flow : NaN;
}

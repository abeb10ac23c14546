/** What is hot and what is in segments, as one: every read of the store, for whoever keeps the two. */
import type { SeenReading, StoredReading } from "#domain/reading.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import type {
  DamagedPlace,
  DayUses,
  FlowPeaks,
  MeterReadings,
  Registers,
  RollUpPart,
  VersionedReading,
} from "#ports/readingStore.ts";
import { rollUpPart } from "./dayRollUps.ts";
import { dayUse } from "./dayUse.ts";
import type { HotRows } from "./hotRows.ts";
import { readingsInForce } from "./inForce.ts";
import { peakFlows, peakFlowsWithin } from "./peakFlow.ts";
import { versionedReadings } from "./readingWords.ts";
import { registersAt } from "./registersAt.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";
import { seenByMeter } from "./seenReadings.ts";
import type { SegmentFiles } from "./segmentFiles.ts";

/** A meter's readings are read on by stretches of so long, until there are enough. */
const stretchMs = 31 * dayMs;

const columnCount = readingSchema.columns.length;
/** A year of hours. */
const keptRowsMax = 8_784;

/** Most meters said something within so long; from there back the looks for their newest reading become wider. */
const firstLookMs = 3 * hourMs;

/** Where a list of readings goes on: at a time, behind a number. */
export interface ReadFrom {
  readonly atMs: number;
  readonly afterSeq: number;
}

export class JoinedReadings {
  readonly #files: SegmentFiles;
  readonly #hot: () => readonly HotRows[];
  /** What is found, until it is told in words: a table for each question would be most of what is thrown away. */
  #found = new RowTable(columnCount, 1_024);

  /** `hot` are all rows that are in no segment, in any number of parts. */
  constructor(files: SegmentFiles, hot: () => readonly HotRows[]) {
    this.#files = files;
    this.#hot = hot;
  }

  last(meterNo: number): MeterReadings {
    const found = this.#emptied();
    this.#addHot(meterNo, -Infinity, Infinity, found);
    let newestMs = newestOf(found);
    const damage: DamagedPlace[] = [];
    for (const open of this.#files.newestFirst) {
      if (open.file.lastMs < newestMs) break;
      const wanted = { meterNo, fromMs: newestMs - 1, toMs: Infinity, isNewest: true };
      damage.push(...this.#files.collectFrom(open, wanted, found));
      newestMs = newestOf(found);
    }
    damage.push(...this.#files.unreadable(newestMs - 1, Infinity));
    for (const place of damage) this.#files.note(place);
    return { readings: versionedReadings(found, newestMs), damage };
  }

  range(meterNo: number, fromMs: number, toMs: number): MeterReadings {
    const found = this.#emptied();
    const damage = this.#files.collect(meterNo, fromMs, toMs, found);
    this.#addHot(meterNo, fromMs, toMs, found);
    return { readings: versionedReadings(found), damage };
  }

  registersAt(atMs: number): Registers {
    const exactly = (meterNo: number, timeMs: number): VersionedReading | undefined =>
      this.range(meterNo, timeMs - 1, timeMs).readings[0];
    return registersAt({ files: this.#files, hot: this.#hot(), exactly }, atMs);
  }

  dayUse(meterNos: readonly number[], fromDay: number, toDay: number): DayUses {
    return dayUse(this.#files, meterNos, fromDay, toDay);
  }

  /** A part of the first roll-up that was made behind this number. */
  rollUpPart(afterFileNo: number, part: number): RollUpPart {
    return rollUpPart(this.#files, afterFileNo, part);
  }

  peakFlows(day: number, count: number): DayUses {
    return peakFlows(this.#files, day, count);
  }

  peakFlowsWithin(fromMs: number, toMs: number, count: number): FlowPeaks {
    const range = this.range.bind(this);
    const sources = { files: this.#files, hot: this.#hot(), range };
    return peakFlowsWithin(sources, { fromMs, toMs }, count);
  }

  /** Before this instant only each meter's last readings are left; -Infinity: nothing was retired. */
  get retiredToMs(): number {
    return this.#files.retiredToMs;
  }

  damage(): readonly DamagedPlace[] {
    return this.#files.damage;
  }

  /** What the rules look at of all readings in (from, to], of one meter after the other by their numbers. */
  seen(fromMs: number, toMs: number): (meterNo: number) => readonly SeenReading[] {
    return seenByMeter(this.#files, this.#hot(), { fromMs, toMs });
  }

  /** A meter's readings in (from, to] as they are in force, by time and number. */
  inForce(meterNo: number, fromMs: number, toMs: number): readonly StoredReading[] {
    const found = this.#emptied();
    this.collect(meterNo, fromMs, toMs, found);
    return readingsInForce(found);
  }

  /** Adds all versions of a meter's readings in (from, to] to the table. */
  collect(meterNo: number, fromMs: number, toMs: number, into: RowTable): void {
    this.#files.collect(meterNo, fromMs, toMs, into);
    this.#addHot(meterNo, fromMs, toMs, into);
  }

  /** The newest of them at or before the instant that are wanted, the newest first. */
  newest(
    meterNo: number,
    atMs: number,
    count: number,
    isWanted: (reading: StoredReading) => boolean,
  ): readonly StoredReading[] {
    const newest: StoredReading[] = [];
    const oldestMs = this.#nextAfter(-Infinity);
    let untilMs = Math.min(atMs, this.lastMs);
    for (let lookMs = firstLookMs; newest.length < count && untilMs >= oldestMs; lookMs *= 4) {
      const fromMs = untilMs - lookMs;
      newest.push(...this.inForce(meterNo, fromMs, untilMs).filter(isWanted).reverse());
      untilMs = fromMs;
    }
    return newest.slice(0, count);
  }

  /** So many readings from the place on and before `toMs`, by time and number. */
  onward(
    meterNo: number,
    { atMs, afterSeq }: ReadFrom,
    toMs: number,
    count: number,
  ): readonly StoredReading[] {
    const found: StoredReading[] = [];
    let fromMs = atMs;
    while (found.length < count && fromMs < toMs) {
      fromMs = Math.max(fromMs, this.#nextAfter(fromMs));
      const endMs = Math.min(toMs, fromMs + stretchMs) - 1;
      if (!Number.isFinite(fromMs) || endMs < fromMs) break;
      for (const reading of this.inForce(meterNo, fromMs - 1, endMs)) {
        if (reading.measuredAtMs > atMs || reading.seq > afterSeq) found.push(reading);
      }
      fromMs = endMs + 1;
    }
    return found.slice(0, count);
  }

  /** Newest measured time of all; -Infinity: there is none. */
  get lastMs(): number {
    let newestMs = -Infinity;
    for (const { file } of this.#files.segments) newestMs = Math.max(newestMs, file.lastMs);
    for (const { lastMs } of this.#hot()) newestMs = Math.max(newestMs, lastMs);
    return newestMs;
  }

  /** The earliest instant from this one on at which anything is stored; Infinity: nothing is. */
  #nextAfter(atMs: number): number {
    let nextMs = Infinity;
    for (const { file } of this.#files.segments) {
      if (file.lastMs >= atMs) nextMs = Math.min(nextMs, file.firstMs);
    }
    for (const rows of this.#hot()) {
      if (rows.lastMs >= atMs) nextMs = Math.min(nextMs, rows.firstMs);
    }
    return nextMs;
  }

  /** The table for what is found; one that a long span has made large is given up. */
  #emptied(): RowTable {
    if (this.#found.capacity > keptRowsMax) this.#found = new RowTable(columnCount, 1_024);
    this.#found.clear();
    return this.#found;
  }

  /** Adds the meter's hot rows in (from, to]. */
  #addHot(meterNo: number, fromMs: number, toMs: number, into: RowTable): void {
    for (const rows of this.#hot()) rows.collect(meterNo, fromMs, toMs, into);
  }
}

/** The newest of its times; -Infinity: there is no row. */
function newestOf(table: RowTable): number {
  const times = table.column(readingPlaces.measuredAtMs);
  let newestMs = -Infinity;
  for (let row = 0; row < table.count; row += 1) {
    const time = times[row] ?? NaN;
    if (time > newestMs) newestMs = time;
  }
  return newestMs;
}

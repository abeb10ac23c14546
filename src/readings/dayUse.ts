/** What gas days came to, from the roll-ups alone. */
import type { DamagedPlace, DayUse, DayUses } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import { rollUpPlaces as r, rollUpSchema } from "./schema.ts";
import type { OpenFile, SegmentFiles } from "./segmentFiles.ts";

const usePlaces = new Set<number>([r.meterNo, r.volumeMl, r.peakFlowMlPerHour, r.readings]);

/** In the order of days, then meters. */
export function dayUse(
  files: SegmentFiles,
  meterNos: readonly number[],
  fromDay: number,
  toDay: number,
): DayUses {
  const wanted = [...new Set(meterNos)].sort((one, other) => one - other);
  const table = newTable();
  const found: Found = { uses: [], damage: [] };
  for (const open of files.rollUps) {
    const day = open.file.fromDay;
    if (day < fromDay || day > toDay) continue;
    let place = 0;
    while (place < wanted.length) place = addChunk(open, wanted, place, table, found);
  }
  for (const damage of found.damage) files.note(damage);
  return found;
}

interface Found {
  readonly uses: DayUse[];
  readonly damage: DamagedPlace[];
}

/** Adds the wanted meters of one chunk; returns the place of the first one behind it. */
function addChunk(
  { file, reader }: OpenFile,
  wanted: readonly number[],
  start: number,
  table: RowTable,
  found: Found,
): number {
  const entry = reader.chunks[reader.firstChunkOf(wanted[start] ?? 0)];
  if (entry === undefined) return wanted.length;
  const damage = reader.readChunk(entry, table, usePlaces);
  if (damage) found.damage.push(damage);
  const meters = table.column(r.meterNo);
  let place = start;
  let row = 0;
  for (; (wanted[place] ?? Infinity) <= entry.lastMeter; place += 1) {
    const meterNo = wanted[place] ?? 0;
    while (row < table.count && (meters[row] ?? 0) < meterNo) row += 1;
    if (row < table.count && meters[row] === meterNo) {
      found.uses.push(useOf(file.fromDay, table, row));
    }
  }
  return place;
}

/** The meters with the highest flow of a day. */
export function peakFlows(files: SegmentFiles, day: number, count: number): DayUses {
  const table = newTable();
  const damage: DamagedPlace[] = [];
  let highest: DayUse[] = [];
  for (const { file, reader } of files.rollUps) {
    if (file.fromDay !== day) continue;
    for (const entry of reader.chunks) {
      const place = reader.readChunk(entry, table, usePlaces);
      if (place) damage.push(place);
      const peaks = table.column(r.peakFlowMlPerHour);
      for (let row = 0; row < table.count; row += 1) {
        const least = highest.length < count ? -1 : (highest.at(-1)?.peakFlowMlPerHour ?? -1);
        if (!((peaks[row] ?? NaN) > least)) continue;
        highest.push(useOf(day, table, row));
        highest.sort(byPeak);
        highest = highest.slice(0, count);
      }
    }
  }
  for (const place of damage) files.note(place);
  return { uses: highest, damage };
}

/** The highest first; equal ones by meter. */
function byPeak(one: DayUse, other: DayUse): number {
  const peaks = (other.peakFlowMlPerHour ?? -1) - (one.peakFlowMlPerHour ?? -1);
  return peaks || one.meterNo - other.meterNo;
}

function newTable(): RowTable {
  return new RowTable(rollUpSchema.columns.length, 8_192);
}

function useOf(day: number, table: RowTable, row: number): DayUse {
  const orNull = (place: number): number | null => {
    const value = table.value(place, row);
    return Number.isNaN(value) ? null : value;
  };
  return {
    day,
    meterNo: table.value(r.meterNo, row),
    volumeMl: orNull(r.volumeMl),
    peakFlowMlPerHour: orNull(r.peakFlowMlPerHour),
    readings: table.value(r.readings, row),
  };
}

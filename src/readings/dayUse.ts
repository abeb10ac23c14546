/** What gas days came to, from the roll-ups alone. */
import type { DamagedPlace, DayUse, DayUses } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import { rollUpPlaces as r, rollUpSchema } from "./schema.ts";
import type { OpenFile, SegmentFiles } from "./segmentFiles.ts";

/** What of a roll-up goes into it. */
export const usePlaces: ReadonlySet<number> = new Set<number>([
  r.meterNo,
  r.volumeMl,
  r.peakFlowMlPerHour,
  r.readings,
]);

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
  for (const open of files.dayRollUps) {
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

function newTable(): RowTable {
  return new RowTable(rollUpSchema.columns.length, 8_192);
}

/** One row of a roll-up. */
export function useOf(day: number, table: RowTable, row: number): DayUse {
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

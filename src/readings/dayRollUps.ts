/** Whole roll-ups, in the order in which they were made: for whoever keeps a copy of them elsewhere. */
import type { DayRollUp, RollUpPart } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import { rollUpPlaces as r, rollUpSchema } from "./schema.ts";
import type { SegmentFiles } from "./segmentFiles.ts";
import { storedQualities } from "./versions.ts";

/**
 * A part of the first roll-up with a higher number. A stale one is given as well: it is made again under a higher
 * number, or found right.
 */
export function rollUpPart(files: SegmentFiles, afterFileNo: number, part: number): RollUpPart {
  const behind = files.dayRollUps
    .filter(({ file }) => file.no > afterFileNo)
    .sort((one, other) => one.file.no - other.file.no);
  const [open] = behind;
  if (open === undefined) return { fileNo: null, waiting: 0 };
  const { file, reader } = open;
  const entry = reader.chunks[part];
  const rows: DayRollUp[] = [];
  if (entry !== undefined) {
    const table = new RowTable(rollUpSchema.columns.length, 4_096);
    files.note(reader.readChunk(entry, table, null));
    for (let row = 0; row < table.count; row += 1) rows.push(rowOf(table, row));
  }
  const isLast = part >= reader.chunks.length - 1;
  const { no: fileNo, fromDay: day, fromMs } = file;
  return { fileNo, waiting: behind.length, day, fromMs, rows, isLast };
}

function rowOf(table: RowTable, row: number): DayRollUp {
  const orNull = (place: number): number | null => {
    const value = table.value(place, row);
    return Number.isNaN(value) ? null : value;
  };
  return {
    meterNo: table.value(r.meterNo, row),
    openingIndexMl: orNull(r.openingIndexMl),
    closingIndexMl: orNull(r.closingIndexMl),
    closingQuality: storedQualities[table.value(r.closingQuality, row)] ?? null,
    hasConflict: table.value(r.closingConflict, row) === 1,
    volumeMl: orNull(r.volumeMl),
    peakFlowMlPerHour: orNull(r.peakFlowMlPerHour),
    nightFlowMlPerHour: orNull(r.nightFlowMlPerHour),
    readings: table.value(r.readings, row),
    batteryMv: orNull(r.batteryMv),
    temperatureCentiC: orNull(r.temperatureCentiC),
  };
}

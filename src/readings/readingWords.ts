/** Readings as their users see them, from and to columns of numbers. */
import { valvePositions } from "#domain/telegram.ts";
import { timestampMs } from "#domain/units.ts";
import type {
  ReadingColumn,
  ReadingColumns,
  ReadingVersion,
  VersionedReading,
} from "#ports/readingStore.ts";
import { storedQuality, toldBy } from "./inForce.ts";
import type { RowTable } from "./rowTable.ts";
import { readingPlaces as p } from "./schema.ts";
import { isConflict, settleVersions, storedQualities } from "./versions.ts";

const columnNames = Object.keys(p) as readonly ReadingColumn[];

type OfVersion = "reasonNo" | "revision" | "revisedAtMs";

/** A version to be stored; one as the meter said it need not say that it is no other. */
export type VersionRow = Omit<ReadingVersion, OfVersion> & Partial<Pick<ReadingVersion, OfVersion>>;

/** Readings as the columns that the store takes. */
export function columnsOf(readings: readonly VersionRow[]): ReadingColumns {
  const columns: Partial<Record<ReadingColumn, Float64Array>> = {};
  for (const name of columnNames) {
    const codeOf = codes[name];
    for (let row = 0; row < readings.length; row += 1) {
      const reading = readings[row];
      const code = reading === undefined ? NaN : codeOf(reading);
      if (Number.isNaN(code)) continue;
      // A column that no reading fills is never made: most are such.
      const values = (columns[name] ??= new Float64Array(readings.length).fill(NaN));
      values[row] = code;
    }
  }
  return { count: readings.length, columns };
}

/** A function for each column: one that takes the column's name looks its value up several times as long. */
const codes: Readonly<Record<ReadingColumn, (reading: VersionRow) => number>> = {
  meterNo: (reading) => reading.meterNo,
  measuredAtMs: (reading) => reading.measuredAtMs,
  receivedAtMs: (reading) => reading.receivedAtMs,
  deviceAtMs: (reading) => reading.deviceAtMs ?? NaN,
  indexMl: (reading) => reading.indexMl ?? NaN,
  rawCount: (reading) => reading.rawCount ?? NaN,
  rawExponent: (reading) => reading.rawExponent ?? NaN,
  flowMlPerHour: (reading) => reading.flowMlPerHour ?? NaN,
  temperatureCentiC: (reading) => reading.temperatureCentiC ?? NaN,
  pressurePa: (reading) => reading.pressurePa ?? NaN,
  batteryMv: (reading) => reading.batteryMv ?? NaN,
  batteryPct: (reading) => reading.batteryPct ?? NaN,
  signalDbm: (reading) => reading.signalDbm ?? NaN,
  valve: ({ valve }) => (valve === null ? NaN : valvePositions.indexOf(valve)),
  status: (reading) => reading.status ?? NaN,
  quality: (reading) => storedQualities.indexOf(reading.quality),
  flags: (reading) => reading.flags,
  reasonNo: (reading) => reading.reasonNo ?? NaN,
  seq: (reading) => reading.seq ?? NaN,
  uplinkSeq: (reading) => reading.uplinkSeq ?? NaN,
  revision: (reading) => reading.revision ?? NaN,
  revisedAtMs: (reading) => reading.revisedAtMs ?? NaN,
};

/** All rows of one meter as readings in time order, each with its versions. */
export function versionedReadings(table: RowTable): readonly VersionedReading[] {
  const times = table.column(p.measuredAtMs);
  const rows = Array.from({ length: table.count }, (_none, row) => row).sort(
    (one, other) => (times[one] ?? 0) - (times[other] ?? 0) || one - other,
  );
  const readings: VersionedReading[] = [];
  let from = 0;
  for (let place = 1; place <= rows.length; place += 1) {
    const isSame = place < rows.length && times[rows[place] ?? 0] === times[rows[from] ?? 0];
    if (isSame) continue;
    const versions = settleVersions(table, rows.slice(from, place));
    const [counts, ...others] = versions.map((row) => readingOf(table, row));
    if (counts) readings.push({ counts, others, conflict: isConflict(table, versions) });
    from = place;
  }
  return readings;
}

/** One row in words. */
function readingOf(table: RowTable, row: number): ReadingVersion {
  const revisedAtMs = table.said(p.revisedAtMs, row);
  return {
    ...toldBy(table, row),
    quality: storedQuality(table, row),
    reasonNo: table.said(p.reasonNo, row),
    seq: table.said(p.seq, row),
    uplinkSeq: table.said(p.uplinkSeq, row),
    revision: table.said(p.revision, row),
    revisedAtMs: revisedAtMs === null ? null : timestampMs(revisedAtMs),
  };
}

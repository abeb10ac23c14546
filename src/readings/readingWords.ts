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

/** Rows of one meter from an instant on as readings in time order, each with its versions. */
export function versionedReadings(
  table: RowTable,
  sinceMs = -Infinity,
): readonly VersionedReading[] {
  const times = table.column(p.measuredAtMs);
  const timeOf = (row: number): number => times[row] ?? NaN;
  const rows = Array.from({ length: table.count }, (_none, row) => row)
    .filter((row) => timeOf(row) >= sinceMs)
    .sort((one, other) => timeOf(one) - timeOf(other) || one - other);
  const readings: VersionedReading[] = [];
  for (let from = 0; from < rows.length;) {
    const first = rows[from] ?? 0;
    let to = from + 1;
    while (to < rows.length && timeOf(rows[to] ?? 0) === timeOf(first)) to += 1;
    readings.push(to - from === 1 ? sole(table, first) : versioned(table, rows.slice(from, to)));
    from = to;
  }
  return readings;
}

/** Most readings have but one version. */
function sole(table: RowTable, row: number): VersionedReading {
  return { counts: readingOf(table, row), others: [], conflict: false };
}

function versioned(table: RowTable, rows: readonly number[]): VersionedReading {
  const versions = settleVersions(table, rows);
  const [first = 0, ...others] = versions;
  return {
    counts: readingOf(table, first),
    others: others.map((row) => readingOf(table, row)),
    conflict: isConflict(table, versions),
  };
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

/** Readings as their users see them, from and to columns of numbers. */
import { valvePositions } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import type {
  ReadingColumn,
  ReadingColumns,
  ReadingVersion,
  VersionedReading,
} from "#ports/readingStore.ts";
import type { RowTable } from "./rowTable.ts";
import { readingPlaces as p } from "./schema.ts";
import { isConflict, settleVersions, storedQualities } from "./versions.ts";

const columnNames = Object.keys(p) as readonly ReadingColumn[];

/** Readings as the columns that the store takes. */
export function columnsOf(readings: readonly ReadingVersion[]): ReadingColumns {
  const columns: Partial<Record<ReadingColumn, Float64Array>> = {};
  for (const name of columnNames) {
    for (const [row, reading] of readings.entries()) {
      const code = codeOf(name, reading);
      if (Number.isNaN(code)) continue;
      // A column that no reading fills is never made: most are such.
      const values = (columns[name] ??= new Float64Array(readings.length).fill(NaN));
      values[row] = code;
    }
  }
  return { count: readings.length, columns };
}

function codeOf(name: ReadingColumn, reading: ReadingVersion): number {
  if (name === "quality") return storedQualities.indexOf(reading.quality);
  if (name !== "valve") return reading[name] ?? NaN;
  return reading.valve === null ? NaN : valvePositions.indexOf(reading.valve);
}

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
export function readingOf(table: RowTable, row: number): ReadingVersion {
  const orNull = (place: number): number | null => {
    const value = table.value(place, row);
    return Number.isNaN(value) ? null : value;
  };
  const timeOrNull = (place: number) => {
    const value = orNull(place);
    return value === null ? null : timestampMs(value);
  };
  const index = orNull(p.indexMl);
  return {
    meterNo: table.value(p.meterNo, row),
    measuredAtMs: timestampMs(table.value(p.measuredAtMs, row)),
    receivedAtMs: timestampMs(orNull(p.receivedAtMs) ?? table.value(p.measuredAtMs, row)),
    deviceAtMs: timeOrNull(p.deviceAtMs),
    indexMl: index === null ? null : volumeMl(index),
    rawCount: orNull(p.rawCount),
    rawExponent: orNull(p.rawExponent),
    flowMlPerHour: orNull(p.flowMlPerHour),
    temperatureCentiC: orNull(p.temperatureCentiC),
    pressurePa: orNull(p.pressurePa),
    batteryMv: orNull(p.batteryMv),
    batteryPct: orNull(p.batteryPct),
    signalDbm: orNull(p.signalDbm),
    valve: valvePositions[orNull(p.valve) ?? -1] ?? null,
    status: orNull(p.status),
    quality: storedQualities[orNull(p.quality) ?? 0] ?? "suspect",
    flags: orNull(p.flags) ?? 0,
    reasonNo: orNull(p.reasonNo),
    seq: orNull(p.seq),
    uplinkSeq: orNull(p.uplinkSeq),
    revision: orNull(p.revision),
    revisedAtMs: timeOrNull(p.revisedAtMs),
  };
}

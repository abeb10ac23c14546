/** Readings as the rest of the program knows them: each as it is in force, without what it was before. */
import type { StoredReading } from "#domain/reading.ts";
import { valvePositions } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import type { StoredQuality } from "#ports/readingStore.ts";
import type { RowTable } from "./rowTable.ts";
import { readingPlaces as p } from "./schema.ts";
import { storedQualities } from "./versions.ts";

/** The readings of a table, by time and number; of one that was revised only the last version. */
export function readingsInForce(table: RowTable): readonly StoredReading[] {
  return rowsInForce(table, p.measuredAtMs).map((row) => storedReading(table, row));
}

/** Rows in force, by this column and the reading's number. */
export function rowsInForce(table: RowTable, by: number): readonly number[] {
  const keys = table.column(by);
  if (isRising(keys, table.count)) return Array.from({ length: table.count }, (_none, row) => row);
  const numbers = table.column(p.seq);
  const revisions = table.columns[p.revision];
  const revisionOf = (row: number): number => {
    const revision = revisions?.[row] ?? NaN;
    return Number.isNaN(revision) ? -1 : revision;
  };
  const rows = Array.from({ length: table.count }, (_none, row) => row).sort(
    (one, other) =>
      (keys[one] ?? 0) - (keys[other] ?? 0) ||
      (numbers[one] ?? 0) - (numbers[other] ?? 0) ||
      revisionOf(one) - revisionOf(other),
  );
  return rows.filter((row, place) => {
    const next = rows[place + 1];
    return next === undefined || numbers[next] !== numbers[row] || keys[next] !== keys[row];
  });
}

/** Each row later than the one before: what was never late, and never revised. */
function isRising(keys: Float64Array, count: number): boolean {
  for (let row = 1; row < count; row += 1) {
    if (!((keys[row] ?? NaN) > (keys[row - 1] ?? NaN))) return false;
  }
  return true;
}

/** A row that the engine stored, so it has its numbers. `billed` is a mark of the store's own. */
export function storedReading(table: RowTable, row: number): StoredReading {
  const quality = storedQuality(table, row);
  return {
    ...toldBy(table, row),
    quality: quality === "billed" ? "validated" : quality,
    uplinkSeq: table.said(p.uplinkSeq, row) ?? 0,
    seq: table.said(p.seq, row) ?? 0,
  };
}

export function storedQuality(table: RowTable, row: number): StoredQuality {
  return storedQualities[table.said(p.quality, row) ?? 0] ?? "suspect";
}

/** What a row says of its meter, whatever it is worth and where it came from. */
export function toldBy(
  table: RowTable,
  row: number,
): Omit<StoredReading, "quality" | "uplinkSeq" | "seq"> {
  const measuredAtMs = timestampMs(table.value(p.measuredAtMs, row));
  const deviceAtMs = table.said(p.deviceAtMs, row);
  const indexMl = table.said(p.indexMl, row);
  return {
    measuredAtMs,
    receivedAtMs: timestampMs(table.said(p.receivedAtMs, row) ?? measuredAtMs),
    deviceAtMs: deviceAtMs === null ? null : timestampMs(deviceAtMs),
    indexMl: indexMl === null ? null : volumeMl(indexMl),
    rawCount: table.said(p.rawCount, row),
    rawExponent: table.said(p.rawExponent, row),
    flowMlPerHour: table.said(p.flowMlPerHour, row),
    temperatureCentiC: table.said(p.temperatureCentiC, row),
    pressurePa: table.said(p.pressurePa, row),
    batteryMv: table.said(p.batteryMv, row),
    batteryPct: table.said(p.batteryPct, row),
    signalDbm: table.said(p.signalDbm, row),
    valve: valvePositions[table.said(p.valve, row) ?? -1] ?? null,
    status: table.said(p.status, row),
    flags: table.said(p.flags, row) ?? 0,
    meterNo: table.value(p.meterNo, row),
  };
}

/** Readings as the rest of the program knows them: each as it is in force, without what it was before. */
import type { StoredReading } from "#domain/reading.ts";
import { readingOf } from "./readingWords.ts";
import type { RowTable } from "./rowTable.ts";
import { readingPlaces as p } from "./schema.ts";

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
  const version = readingOf(table, row);
  const { reasonNo: _reason, revision: _revision, revisedAtMs: _revisedAt, ...reading } = version;
  const { quality, seq, uplinkSeq } = reading;
  return {
    ...reading,
    quality: quality === "billed" ? "validated" : quality,
    seq: seq ?? 0,
    uplinkSeq: uplinkSeq ?? 0,
  };
}

/**
 * Versions of one meter's reading at one time. What counts depends on what they say, never on the order in which they
 * came: the highest rank, then the latest received.
 */
import type { StoredQuality } from "#ports/readingStore.ts";
import type { RowTable } from "./rowTable.ts";
import { readingPlaces, readingSchema } from "./schema.ts";

/** By rank, the lowest first; the place is the code in files. A suspect value never beats an estimated one. */
export const storedQualities = [
  "suspect",
  "estimated",
  "raw",
  "validated",
  "edited",
  "billed",
] as const satisfies readonly StoredQuality[];

/** From here on a person has decided, so a conflict is settled. */
const settledFrom = storedQualities.indexOf("edited");

const { meterNo, measuredAtMs, indexMl, quality, receivedAtMs, seq, uplinkSeq } = readingPlaces;
/** Where a reading came from does not make another version of it. */
const origins = new Set<number>([receivedAtMs, seq, uplinkSeq]);
const said = readingSchema.columns.map((_column, place) => place).filter((p) => !origins.has(p));

/** Missing before everything; otherwise by number. */
function compare(one: number, other: number): number {
  if (Number.isNaN(one)) return Number.isNaN(other) ? 0 : -1;
  if (Number.isNaN(other)) return 1;
  return one - other;
}

/** By meter, then time. */
export function compareKeys(
  table: RowTable,
  row: number,
  otherTable: RowTable,
  other: number,
): number {
  const meters = table.value(meterNo, row) - otherTable.value(meterNo, other);
  if (meters !== 0) return meters;
  return table.value(measuredAtMs, row) - otherTable.value(measuredAtMs, other);
}

/** Zero where both say the same of the meter. */
function compareSaid(table: RowTable, row: number, other: number): number {
  for (const place of said) {
    const order = compare(table.value(place, row), table.value(place, other));
    if (order !== 0) return order;
  }
  return 0;
}

/** Which version counts before which: a register before none, rank, the latest received, then by content. */
function compareWorth(table: RowTable, row: number, other: number): number {
  const has = (at: number): number => (Number.isNaN(table.value(indexMl, at)) ? 0 : 1);
  return (
    has(other) - has(row) ||
    compare(table.value(quality, other), table.value(quality, row)) ||
    compare(table.value(receivedAtMs, other), table.value(receivedAtMs, row)) ||
    compareSaid(table, other, row)
  );
}

/**
 * Rows of one meter and time, without repetitions, the one that counts first. Of equal ones the earliest received
 * stays.
 */
export function settleVersions(table: RowTable, rows: readonly number[]): readonly number[] {
  if (rows.length <= 1) return rows;
  const sorted = [...rows].sort(
    (one, other) =>
      compareSaid(table, one, other) ||
      compare(table.value(receivedAtMs, one), table.value(receivedAtMs, other)) ||
      compare(table.value(uplinkSeq, one), table.value(uplinkSeq, other)) ||
      compare(table.value(seq, one), table.value(seq, other)),
  );
  const different = sorted.filter((row, place) => {
    const before = sorted[place - 1];
    return before === undefined || compareSaid(table, before, row) !== 0;
  });
  return different.sort((one, other) => compareWorth(table, one, other));
}

/** True while versions with different registers wait for a person; the first row is the one that counts. */
export function isConflict(table: RowTable, rows: readonly number[]): boolean {
  const [first] = rows;
  if (first === undefined || table.value(quality, first) >= settledFrom) return false;
  const register = table.value(indexMl, first);
  return rows.some((row) => {
    const other = table.value(indexMl, row);
    return !Number.isNaN(other) && other !== register;
  });
}

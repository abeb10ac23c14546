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

const { indexMl, quality, receivedAtMs, seq, uplinkSeq, revision } = readingPlaces;
/** Where a reading came from does not make another version of it. */
const origins = new Set<number>([receivedAtMs, seq, uplinkSeq, readingPlaces.revisedAtMs]);
const said = readingSchema.columns.map((_column, place) => place).filter((p) => !origins.has(p));

/** Missing before everything; otherwise by number. */
function compare(one: number, other: number): number {
  if (Number.isNaN(one)) return Number.isNaN(other) ? 0 : -1;
  if (Number.isNaN(other)) return 1;
  return one - other;
}

/** Zero where both say the same of the meter. */
function compareSaid(table: RowTable, row: number, other: number): number {
  for (const place of said) {
    const column = table.columns[place];
    if (column === undefined) continue;
    const order = compare(column[row] ?? NaN, column[other] ?? NaN);
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
  const [one, other] = rows;
  if (one === undefined || other === undefined) return rows;
  // Most are one reading that came twice.
  if (rows.length === 2 && compareSaid(table, one, other) === 0) {
    return compareReceipt(table, one, other) <= 0 ? [one] : [other];
  }
  const sorted = [...rows].sort(
    (one, other) => compareSaid(table, one, other) || compareReceipt(table, one, other),
  );
  const different = sorted.filter((row, place) => {
    const before = sorted[place - 1];
    return before === undefined || compareSaid(table, before, row) !== 0;
  });
  const former = supersededOf(table, different);
  const age = (row: number): number => (former.has(row) ? 1 : 0);
  return different.sort((one, other) => age(one) - age(other) || compareWorth(table, one, other));
}

function compareReceipt(table: RowTable, row: number, other: number): number {
  return (
    compare(table.value(receivedAtMs, row), table.value(receivedAtMs, other)) ||
    compare(table.value(uplinkSeq, row), table.value(uplinkSeq, other)) ||
    compare(table.value(seq, row), table.value(seq, other))
  );
}

/** Rows of one meter and time whose own reading was revised later: kept, and never what counts. */
function supersededOf(table: RowTable, rows: readonly number[]): ReadonlySet<number> {
  const none = new Set<number>();
  if (rows.every((row) => Number.isNaN(table.value(revision, row)))) return none;
  const newest = new Map<number, number>();
  for (const row of rows) {
    const reading = table.value(seq, row);
    if (Number.isNaN(reading)) continue;
    const known = newest.get(reading);
    const isNewer =
      known === undefined || compare(table.value(revision, row), table.value(revision, known)) > 0;
    if (isNewer) newest.set(reading, row);
  }
  const inForce = new Set(newest.values());
  return new Set(rows.filter((row) => !Number.isNaN(table.value(seq, row)) && !inForce.has(row)));
}

/** True while versions with different registers wait for a person; the first row is the one that counts. */
export function isConflict(table: RowTable, rows: readonly number[]): boolean {
  const [first] = rows;
  if (first === undefined || table.value(quality, first) >= settledFrom) return false;
  const register = table.value(indexMl, first);
  const former = supersededOf(table, rows);
  return rows.some((row) => {
    const other = table.value(indexMl, row);
    return !Number.isNaN(other) && other !== register && !former.has(row);
  });
}

/**
 * Where each row of a flush goes: by gas day, and within a day to groups of neighbouring meters. A group fits into the
 * processor's cache, where it is sorted and gathered; over all rows at once each step would wait for the memory.
 */
import { invariant } from "#domain/invariant.ts";
import type { CodeRoom } from "./codeRoom.ts";
import type { GasCalendar } from "./gasDay.ts";
import { batchRowsMax, type OpenBatch } from "./hotBatch.ts";
import { readColumn, type BatchColumn } from "./hotColumn.ts";
import { readingPlaces } from "./schema.ts";

/** Rows of a group where meters say about as much as one another; up to twice as many. */
const groupRows = 2_048;

/** The rows of one gas day. */
export interface DealtDay {
  readonly day: number;
  /** Where each group begins among the rows of all days; behind the last where the day ends. */
  readonly starts: Uint32Array;
}

export interface Deal {
  /** The oldest first. */
  readonly days: readonly DealtDay[];
  /** By row as it came: rows of one group stay in their order. */
  readonly places: Uint32Array;
}

/** Deals the rows of all batches out. */
export function deal(
  batches: readonly OpenBatch[],
  count: number,
  calendar: GasCalendar,
  room: CodeRoom,
): Deal {
  // A row's place is at first its meter, then its group.
  const places = room.codes(count);
  const { lowest, highest } = readMeters(batches, places);
  const stretches = stretchesOf(batches, calendar);
  let groups = 0;
  const days = countDays(stretches).map(([day, rows]) => {
    const shift = shiftOf(rows, highest - lowest);
    const first = groups;
    groups += ((highest - lowest) >>> shift) + 1;
    return { day, shift, first, end: groups };
  });
  const byDay = new Map(days.map((day) => [day.day, day]));
  const starts = new Uint32Array(groups + 1);
  for (const { day, from, to } of stretches) {
    const { first = 0, shift = 0 } = byDay.get(day) ?? {};
    nameGroups(places.subarray(from, to), lowest, shift, first, starts);
  }
  for (let group = 1; group <= groups; group += 1) {
    starts[group] = (starts[group] ?? 0) + (starts[group - 1] ?? 0);
  }
  const next = starts.slice();
  for (let row = 0; row < count; row += 1) {
    const group = places[row] ?? 0;
    const place = next[group] ?? 0;
    places[row] = place;
    next[group] = place + 1;
  }
  return {
    days: days.map(({ day, first, end }) => ({ day, starts: starts.subarray(first, end + 1) })),
    places,
  };
}

/** Puts a meter's group where the meter stands, and counts it one behind its own place. */
function nameGroups(
  meters: Uint32Array,
  lowest: number,
  shift: number,
  first: number,
  counts: Uint32Array,
): void {
  for (let row = 0; row < meters.length; row += 1) {
    const group = first + (((meters[row] ?? 0) - lowest) >>> shift);
    meters[row] = group;
    counts[group + 1] = (counts[group + 1] ?? 0) + 1;
  }
}

/** How many of the lowest bits do not tell groups apart. */
function shiftOf(rows: number, span: number): number {
  let shift = 0;
  while (2 ** shift * Math.ceil(rows / groupRows) <= span) shift += 1;
  return shift;
}

function readMeters(
  batches: readonly OpenBatch[],
  into: Uint32Array,
): { readonly lowest: number; readonly highest: number } {
  let lowest = Infinity;
  let highest = 0;
  eachPart(batches, wholePartsOf(batches, readingPlaces.meterNo), (values, rows, from) => {
    for (let row = 0; row < rows; row += 1) {
      const meter = values[row] ?? 0;
      into[from + row] = meter;
      if (meter < lowest) lowest = meter;
      if (meter > highest) highest = meter;
    }
  });
  return { lowest, highest };
}

/** Rows that came one after the other and belong to one gas day. */
interface Stretch {
  readonly day: number;
  readonly from: number;
  readonly to: number;
}

function stretchesOf(batches: readonly OpenBatch[], calendar: GasCalendar): readonly Stretch[] {
  const stretches: Stretch[] = [];
  eachPart(batches, wholePartsOf(batches, readingPlaces.measuredAtMs), (values, rows, from) => {
    let row = 0;
    while (row < rows) {
      const since = row;
      const day = calendar.dayOf(values[row] ?? 0);
      const fromMs = calendar.startOf(day);
      const toMs = calendar.startOf(day + 1);
      row += 1;
      while (row < rows && (values[row] ?? 0) > fromMs && (values[row] ?? 0) <= toMs) row += 1;
      stretches.push({ day, from: from + since, to: from + row });
    }
  });
  return stretches;
}

/** How many rows each day has, the oldest first. */
function countDays(stretches: readonly Stretch[]): readonly [number, number][] {
  const counts = new Map<number, number>();
  for (const { day, from, to } of stretches) counts.set(day, (counts.get(day) ?? 0) + to - from);
  return [...counts].sort(([one], [other]) => one - other);
}

/** The part of a column that every reading has a value in. */
function wholePartsOf(batches: readonly OpenBatch[], place: number): readonly BatchColumn[] {
  const parts = partsOf(batches, place).filter((part) => part !== undefined);
  invariant(parts.length === batches.length, "a batch says of what meter and when");
  return parts;
}

/** The column's part in each batch. */
export function partsOf(
  batches: readonly OpenBatch[],
  place: number,
): readonly (BatchColumn | undefined)[] {
  return batches.map(({ columns }) => columns.find((column) => column.place === place));
}

/** The values of one part after the other, and the number of its first row. */
export function eachPart(
  batches: readonly OpenBatch[],
  parts: readonly (BatchColumn | undefined)[],
  take: (values: Float64Array, rows: number, from: number) => void,
): void {
  const values = new Float64Array(batchRowsMax);
  let from = 0;
  for (const [at, { rows }] of batches.entries()) {
    const part = parts[at];
    if (part !== undefined) {
      readColumn(part, rows, values, 0);
      take(values, rows, from);
    }
    from += rows;
  }
}

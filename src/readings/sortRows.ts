/** The order of rows by (meter, time), with repetitions dropped and versions side by side. */
import type { RowTable } from "./rowTable.ts";
import { settleVersions } from "./versions.ts";

/** Meters or times, by row: themselves, or how far they lie above the least. */
export type SortKeys = Uint32Array | Float64Array;

/**
 * The rows in order; rows that repeat another are left out. `load` gives all that is known of the rows that it names,
 * until the next call.
 */
export function sortRows(
  meters: SortKeys,
  times: SortKeys,
  load: (rows: Uint32Array) => RowTable,
): Uint32Array {
  const sorted = byMeter(meters);
  /** Places where a time begins and ends that a meter has more than once. */
  const unsettled: number[] = [];
  let from = 0;
  let meter = meters[sorted[0] ?? 0];
  for (let place = 1; place <= sorted.length; place += 1) {
    const next = place < sorted.length ? meters[sorted[place] ?? 0] : undefined;
    if (next === meter) continue;
    if (sortByTime(times, sorted, from, place)) addEqual(times, sorted, from, place, unsettled);
    from = place;
    meter = next;
  }
  return unsettled.length === 0 ? sorted : settled(sorted, unsettled, load);
}

/** The same without repetitions; only the places that are named are looked at. */
function settled(
  sorted: Uint32Array,
  unsettled: readonly number[],
  load: (rows: Uint32Array) => RowTable,
): Uint32Array {
  const named: number[] = [];
  for (let at = 0; at < unsettled.length; at += 2) {
    const to = unsettled[at + 1] ?? 0;
    for (let place = unsettled[at] ?? 0; place < to; place += 1) named.push(sorted[place] ?? 0);
  }
  const versions = load(Uint32Array.from(named));
  let kept = 0;
  let done = 0;
  let row = 0;
  for (let at = 0; at < unsettled.length; at += 2) {
    const from = unsettled[at] ?? 0;
    const to = unsettled[at + 1] ?? 0;
    sorted.copyWithin(kept, done, from);
    kept += from - done;
    const rows: number[] = [];
    for (let place = from; place < to; place += 1) rows.push(row + place - from);
    for (const version of settleVersions(versions, rows)) {
      sorted[kept] = named[version] ?? 0;
      kept += 1;
    }
    row += to - from;
    done = to;
  }
  sorted.copyWithin(kept, done, sorted.length);
  return sorted.subarray(0, kept + sorted.length - done);
}

/** By meter, the rows of one meter in the order in which they were. */
function byMeter(meters: SortKeys): Uint32Array {
  const count = meters.length;
  let lowest = Infinity;
  let highest = 0;
  for (let row = 0; row < count; row += 1) {
    const meter = meters[row] ?? 0;
    if (meter < lowest) lowest = meter;
    if (meter > highest) highest = meter;
  }
  let sorted = new Uint32Array(count);
  for (let row = 0; row < count; row += 1) sorted[row] = row;
  const most = highest - lowest;
  if (most === 0) return sorted;
  let next = new Uint32Array(count);
  for (let shift = 0; 2 ** shift <= most; shift += digitBits) {
    const places = new Uint32Array(Math.min(most >>> shift, digitMask) + 2);
    for (let row = 0; row < count; row += 1) {
      const after = ((((meters[row] ?? 0) - lowest) >>> shift) & digitMask) + 1;
      places[after] = (places[after] ?? 0) + 1;
    }
    for (let digit = 1; digit < places.length; digit += 1) {
      places[digit] = (places[digit] ?? 0) + (places[digit - 1] ?? 0);
    }
    for (let place = 0; place < count; place += 1) {
      const row = sorted[place] ?? 0;
      const digit = (((meters[row] ?? 0) - lowest) >>> shift) & digitMask;
      const to = places[digit] ?? 0;
      places[digit] = to + 1;
      next[to] = row;
    }
    [sorted, next] = [next, sorted];
  }
  return sorted;
}

const digitBits = 11;
const digitMask = 2 ** digitBits - 1;

/** Longer stretches of one meter are not sorted by insertion. */
const insertionMax = 64;

/** Sorts the rows of one meter by time; true when two have the same time. */
function sortByTime(times: SortKeys, rows: Uint32Array, from: number, to: number): boolean {
  let hasEqual = false;
  if (to - from > insertionMax) {
    const part = rows.subarray(from, to);
    part.sort((one, other) => (times[one] ?? 0) - (times[other] ?? 0) || one - other);
    for (let place = 1; place < part.length; place += 1) {
      if (times[part[place] ?? 0] === times[part[place - 1] ?? 0]) hasEqual = true;
    }
    return hasEqual;
  }
  for (let place = from + 1; place < to; place += 1) {
    const row = rows[place] ?? 0;
    const time = times[row] ?? 0;
    let hole = place;
    while (hole > from && (times[rows[hole - 1] ?? 0] ?? 0) > time) {
      rows[hole] = rows[hole - 1] ?? 0;
      hole -= 1;
    }
    if (hole > from && times[rows[hole - 1] ?? 0] === time) hasEqual = true;
    rows[hole] = row;
  }
  return hasEqual;
}

/** Where stretches of one time begin and end among the rows of one meter, which are in order of time. */
function addEqual(
  times: SortKeys,
  sorted: Uint32Array,
  from: number,
  to: number,
  stretches: number[],
): void {
  let start = from;
  for (let place = from + 1; place <= to; place += 1) {
    if (place < to && times[sorted[place] ?? 0] === times[sorted[start] ?? 0]) continue;
    if (place - start > 1) stretches.push(start, place);
    start = place;
  }
}

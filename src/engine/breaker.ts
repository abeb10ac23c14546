/** The alarm about what the breaker holds: which closes, where they are, and what they have in common. */
import type { Proof } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import { isActive } from "./alarmDesk.ts";
import type { Book } from "./book.ts";
import type { Room } from "./room.ts";
import { liftSystem, raiseSystem } from "./systemAlarms.ts";

/** Named in the alarm; all of them, with their places, are at `/v1/commands?state=held`. */
const heldNamedMax = 20;
const areasNamedMax = 10;
/** What most of them share points to the cause too, when one or two others happened meanwhile. */
const commonShareMin = 0.8;

/** With the first close that is held, in its transaction: nobody may be told later than it is decided. */
export function raiseAtFirstHold(room: Room, book: Book): void {
  if (room.memory.held.size > 0 && !isActive(room.memory.system.BREAKER)) raise(room, book);
}

/** Once a second: the list as it is now; the alarm stands until all of it is decided. */
export function watchBreaker(room: Room, book: Book): void {
  const { held, system } = room.memory;
  if (held.size === 0) liftSystem(book, "BREAKER");
  else if (!isActive(system.BREAKER) || system.BREAKER.proof["held"] !== held.size) {
    raise(room, book);
  }
}

function raise(room: Room, book: Book): void {
  const held = [...room.memory.held];
  const meters = held.flatMap(([, { meterNo }]) => room.memory.meters.get(meterNo) ?? []);
  const rules = held.map(([, { reason }]) => reason);
  const requestedMs = held.map(([, { requestedAtMs }]) => requestedAtMs);
  raiseSystem(book, room.rng, "BREAKER", {
    held: held.length,
    ...inCommon(meters, rules),
    ...places(meters),
    sinceMs: requestedMs.reduce((one, other) => Math.min(one, other), Infinity),
    commands: ids(held.map(([id]) => id)),
  });
}

function ids(all: readonly string[]): string {
  return all.slice(0, heldNamedMax).join(" ");
}

/** One street, one rule, one model point to what happened or to what is broken. */
function inCommon(meters: readonly Meter[], rules: readonly string[]): Proof {
  const shared: readonly (readonly [string, readonly string[]])[] = [
    ["area", meters.map(({ area }) => area)],
    ["protocol", meters.map(({ protocol }) => protocol)],
    ["size", meters.map(({ size }) => size)],
    ["siteClass", meters.map(({ siteClass }) => siteClass)],
    ["profile", meters.flatMap(({ profile }) => profile ?? [])],
    ["rule", rules],
  ];
  return Object.fromEntries(
    shared.flatMap(([name, values]) => {
      const [most] = byCount(values);
      if (most === undefined || most.count < commonShareMin * rules.length) return [];
      const isAll = most.count === rules.length;
      return [[name, isAll ? most.value : `${most.value} (${most.count} of ${rules.length})`]];
    }),
  );
}

/** How many in which area, and the box around those whose place is known. */
function places(meters: readonly Meter[]): Proof {
  const areas = byCount(meters.map(({ area }) => area))
    .slice(0, areasNamedMax)
    .map(({ value, count }) => `${value}: ${count}`)
    .join(", ");
  const known = meters.flatMap(({ position }) => position ?? []);
  const [system] = byCount(known.map(({ crs }) => crs));
  if (system === undefined) return { areas };
  const box = known.filter(({ crs }) => crs === system.value);
  const longitudes = box.map(({ longitude }) => longitude);
  const latitudes = box.map(({ latitude }) => latitude);
  return {
    areas,
    placed: box.length,
    crs: system.value,
    west: lowest(longitudes),
    south: lowest(latitudes),
    east: highest(longitudes),
    north: highest(latitudes),
  };
}

function lowest(values: readonly number[]): number {
  return values.reduce((one, other) => Math.min(one, other), Infinity);
}

function highest(values: readonly number[]): number {
  return values.reduce((one, other) => Math.max(one, other), -Infinity);
}

/** The most frequent first; the same for the same list in any order. */
function byCount(
  values: readonly string[],
): readonly { readonly value: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((one, other) => other.count - one.count || (one.value < other.value ? -1 : 1));
}

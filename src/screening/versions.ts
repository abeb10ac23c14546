/**
 * What to do with a reading for an instant that already has one. Nothing depends on which came first:
 * equal registers are one reading with everything both said, different registers are a conflict.
 */
import { readingFlags, type Reading, type SeenReading } from "#domain/reading.ts";
import type { ValvePosition } from "#domain/telegram.ts";

export type Settlement<Stored extends Reading> =
  | { readonly kind: "new" }
  /** It says nothing that is not on record. */
  | { readonly kind: "duplicate" }
  /** The same register, and something the record did not have. */
  | { readonly kind: "completes"; readonly stored: Stored; readonly merged: Stored }
  /** Another register for the same instant: both are kept, neither is trusted. */
  | { readonly kind: "conflicts" };

/**
 * So many registers for one instant show a conflict well enough. A meter that goes on contradicting itself adds
 * no more rows, or each look-up of that instant would cost everybody more; its bytes stay in the uplinks.
 */
const versionsMax = 16;

/** Settles a reading against every version on record for the same instant. */
export function settleVersion<Stored extends Reading>(
  onRecord: readonly Stored[],
  reading: Reading,
): Settlement<Stored> {
  if (onRecord.length === 0) return { kind: "new" };
  const isFull = onRecord.length >= versionsMax;
  const same =
    onRecord.find((stored) => isSameRegister(stored, reading)) ??
    (isFull ? onRecord[0] : undefined);
  if (same === undefined) return { kind: "conflicts" };
  const merged = complete(same, reading);
  return merged === same ? { kind: "duplicate" } : { kind: "completes", stored: same, merged };
}

function isSameRegister(one: Reading, other: Reading): boolean {
  return one.indexMl === other.indexMl || one.indexMl === null || other.indexMl === null;
}

/** The stored reading itself when the other adds nothing. Where both say something, the graver word stays. */
function complete<Stored extends Reading>(stored: Stored, other: Reading): Stored {
  const next = {
    indexMl: stored.indexMl ?? other.indexMl,
    rawCount: stored.rawCount ?? other.rawCount,
    rawExponent: stored.rawExponent ?? other.rawExponent,
    temperatureCentiC: both(stored.temperatureCentiC, other.temperatureCentiC, Math.min),
    signalDbm: both(stored.signalDbm, other.signalDbm, Math.min),
    ...saidByBoth(stored, other),
  };
  const keys = Object.keys(next) as (keyof typeof next)[];
  return keys.every((key) => next[key] === stored[key]) ? stored : { ...stored, ...next };
}

/** What the rules look at, besides the register. */
function saidByBoth(one: SeenReading, other: SeenReading) {
  return {
    flowMlPerHour: both(one.flowMlPerHour, other.flowMlPerHour, Math.max),
    pressurePa: both(one.pressurePa, other.pressurePa, Math.min),
    batteryMv: both(one.batteryMv, other.batteryMv, Math.min),
    batteryPct: both(one.batteryPct, other.batteryPct, Math.min),
    valve: both(one.valve, other.valve, graverPosition),
    status: both(one.status, other.status, (mine, its) => mine | its),
  };
}

function both<Value>(
  one: Value | null,
  other: Value | null,
  choose: (one: Value, other: Value) => Value,
): Value | null {
  if (one === null) return other;
  return other === null ? one : choose(one, other);
}

function graverPosition(one: ValvePosition, other: ValvePosition): ValvePosition {
  return one === other ? one : "unknown";
}

/** All versions of one instant as the rules may see them: a register only where there is no conflict. */
export function oneOf(versions: readonly SeenReading[]): SeenReading | undefined {
  const [first] = versions;
  if (first === undefined || versions.length === 1) return first;
  const merged = versions.reduce((all, version) => ({ ...all, ...saidByBoth(all, version) }));
  return { ...merged, indexMl: null, flags: merged.flags | readingFlags.CONFLICT };
}

/** Gives each decoded reading of an uplink its instant in event time, and says what was wrong with its clock. */
import { readingFlags } from "#domain/reading.ts";
import type { DecodedReading } from "#domain/telegram.ts";
import { dayMs, hourMs, minuteMs, timestampMs, type TimestampMs } from "#domain/units.ts";

/** Gas-domain 4.1, check "Time". */
export const timeLimits = Object.freeze({
  /** A meter's clock may be this far ahead of ours and still be believed. */
  aheadMsMax: 10 * minuteMs,
  /** Meters remember 12 months; what is older than this was never a date of ours. */
  ageMsMax: 400 * dayMs,
  /** Older than this on arrival: makes history, never an alarm that rings. */
  lateAfterMs: hourMs,
  /** Closer than this to its receipt: fresh enough to close a valve by itself. */
  freshWithinMs: 10 * minuteMs,
});

export interface PlacedReading {
  readonly decoded: DecodedReading;
  readonly measuredAtMs: TimestampMs;
  /** TIME_INVALID, TIME_FUTURE, LATE. */
  readonly flags: number;
}

/** The readings of one uplink in time; those that have no place there are counted. */
export interface Placing {
  readonly placed: readonly PlacedReading[];
  readonly unplaced: number;
}

/**
 * The first reading is the present one. When its clock is wrong the receipt time stands in for it, and the
 * older readings of the same uplink keep their distance to it: the clock is off, but it runs.
 * Older readings that cannot be placed at all are counted in `unplaced`; their bytes stay in the uplink.
 * `knownAtMs` is when they could first be read: later than the receipt where a key was missing.
 */
export function placeInTime(
  readings: readonly DecodedReading[],
  receivedAtMs: TimestampMs,
  knownAtMs: TimestampMs = receivedAtMs,
): Placing {
  const placed: PlacedReading[] = [];
  let unplaced = 0;
  let shiftMs = 0;
  let shiftFlag = 0;
  for (const [order, decoded] of readings.entries()) {
    const deviceAtMs = decoded.measuredAtMs;
    if (order === 0) {
      shiftFlag = clockFlaw(deviceAtMs, receivedAtMs);
      if (shiftFlag !== 0 && deviceAtMs !== null) shiftMs = receivedAtMs - deviceAtMs;
      const atMs = shiftFlag === 0 && deviceAtMs !== null ? deviceAtMs : receivedAtMs;
      placed.push(place(decoded, atMs, shiftFlag, knownAtMs));
      continue;
    }
    const atMs = deviceAtMs === null ? null : timestampMs(deviceAtMs + shiftMs);
    if (atMs === null || clockFlaw(atMs, receivedAtMs) !== 0) unplaced += 1;
    else placed.push(place(decoded, atMs, shiftMs === 0 ? 0 : shiftFlag, knownAtMs));
  }
  return { placed, unplaced };
}

function clockFlaw(deviceAtMs: TimestampMs | null, receivedAtMs: TimestampMs): number {
  if (deviceAtMs === null || !Number.isFinite(deviceAtMs)) return readingFlags.TIME_INVALID;
  if (deviceAtMs > receivedAtMs + timeLimits.aheadMsMax) return readingFlags.TIME_FUTURE;
  return deviceAtMs < receivedAtMs - timeLimits.ageMsMax ? readingFlags.TIME_INVALID : 0;
}

function place(
  decoded: DecodedReading,
  measuredAtMs: TimestampMs,
  clockFlags: number,
  knownAtMs: TimestampMs,
): PlacedReading {
  const isLate = knownAtMs - measuredAtMs > timeLimits.lateAfterMs;
  return { decoded, measuredAtMs, flags: clockFlags | (isLate ? readingFlags.LATE : 0) };
}

/** Measured and received within minutes of each other, by a clock that could be believed. */
export function isFresh(measuredAtMs: number, receivedAtMs: number, flags: number): boolean {
  if ((flags & (readingFlags.TIME_INVALID | readingFlags.TIME_FUTURE)) !== 0) return false;
  return Math.abs(receivedAtMs - measuredAtMs) <= timeLimits.freshWithinMs;
}

/** A decoded reading after screening: with both times, a quality and the reasons for it. */
import type { StatusFlags } from "./status.ts";
import type { ValvePosition } from "./telegram.ts";
import type { TimestampMs, VolumeMl } from "./units.ts";

export const qualities = ["raw", "validated", "estimated", "edited", "suspect"] as const;
export type Quality = (typeof qualities)[number];

/** Findings of screening, as bits; the names are public (API field `flags`). */
export const readingFlags = {
  /** The meter's time was missing or no date; the receipt time stands in. */
  TIME_INVALID: 1 << 0,
  /** The meter's time lies ahead of ours; the receipt time stands in. */
  TIME_FUTURE: 1 << 1,
  /** Arrived long after it was measured: may make history, never an alarm that rings. */
  LATE: 1 << 2,
  /** The register went round at the end of its range; the difference is right. */
  ROLLOVER: 1 << 3,
  /** The register went back without an explanation. */
  REGISTER_BACK: 1 << 4,
  /** The register says (nearly) zero once after a used register. */
  REGISTER_ZERO: 1 << 5,
  /** One or two quanta back: the index resynchronised with the electronics. */
  RESYNC: 1 << 6,
  /** More volume than the meter can pass in the time. */
  RANGE: 1 << 7,
  /** Two different values for the same instant. */
  CONFLICT: 1 << 8,
  /** A negative register or flow. */
  NEGATIVE: 1 << 9,
  /** A battery value that no battery has (0 V, 255). */
  BATTERY_VALUE: 1 << 10,
  /** Older than the meter's checkpoint: stored, not judged again by the rules. */
  BEYOND_WINDOW: 1 << 11,
  /** The register counts on from its lower value: followed by the rules, not billed until a person has looked. */
  RESUMED: 1 << 12,
} as const;
export type ReadingFlagName = keyof typeof readingFlags;

export function flagNames(flags: number): readonly ReadingFlagName[] {
  const names = Object.keys(readingFlags) as ReadingFlagName[];
  return names.filter((name) => (flags & readingFlags[name]) !== 0);
}

export interface Reading {
  /** The meter's time where it can be trusted, else the receipt time (flags say which). */
  readonly measuredAtMs: TimestampMs;
  readonly receivedAtMs: TimestampMs;
  /** What the meter's clock said, even when it was not believed. */
  readonly deviceAtMs: TimestampMs | null;
  readonly indexMl: VolumeMl | null;
  readonly rawCount: number | null;
  readonly rawExponent: number | null;
  readonly flowMlPerHour: number | null;
  readonly temperatureCentiC: number | null;
  readonly pressurePa: number | null;
  readonly batteryMv: number | null;
  readonly batteryPct: number | null;
  readonly signalDbm: number | null;
  readonly valve: ValvePosition | null;
  readonly status: StatusFlags | null;
  readonly quality: Quality;
  /** OR of `readingFlags`. */
  readonly flags: number;
  readonly uplinkSeq: number;
}

/** As much of a reading as the rules look at. */
export type SeenReading = Pick<
  Reading,
  | "measuredAtMs"
  | "receivedAtMs"
  | "deviceAtMs"
  | "indexMl"
  | "flowMlPerHour"
  | "pressurePa"
  | "batteryMv"
  | "batteryPct"
  | "valve"
  | "status"
  | "flags"
>;

/** A reading in the ledger. */
export interface StoredReading extends Reading {
  readonly seq: number;
  readonly meterNo: number;
}

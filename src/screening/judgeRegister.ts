/** The register decision table (gas-domain 4.3): what a register value is worth beside the last trusted one. */
import { readingFlags } from "#domain/reading.ts";
import { hourMs, type TimestampMs, type VolumeMl } from "#domain/units.ts";

export interface RegisterSettings {
  readonly qmaxMlPerHour: number;
  readonly quantumMl: number;
  /** The register shows values below this and then starts again at zero. */
  readonly registerRangeMl: number;
}

/** The last trusted register; null before the first. */
export type RegisterState = { readonly atMs: TimestampMs; readonly indexMl: VolumeMl } | null;

export interface RegisterVerdict {
  readonly state: RegisterState;
  /** 0 when the value is trusted and plain. */
  readonly flags: number;
  readonly isTrusted: boolean;
  /** Consumption since the last trusted register, roll-over included; null without both sides. */
  readonly consumedMl: number | null;
  /** The increase that was not believed. */
  readonly doubtedMl: number | null;
}

const thresholds = Object.freeze({
  /** Capacity check: 1.2·Qmax is the overload flow of EN 1359. */
  capacityFactor: 1.2,
  /** Two registers may each be off by one quantum. */
  slackQuanta: 2,
  rolloverFromShare: 0.9,
  rolloverToShare: 0.1,
  resyncQuanta: 2,
  /** "Zero": below this share of the last value. */
  zeroShare: 0.001,
});

/** Judges one register value; readings of a meter are handed over in event-time order. */
export function judgeRegister(
  settings: RegisterSettings,
  state: RegisterState,
  atMs: TimestampMs,
  indexMl: VolumeMl,
): RegisterVerdict {
  if (indexMl < 0) return doubted(state, readingFlags.NEGATIVE);
  if (state === null) return trusted(atMs, indexMl, 0, null);

  const differenceMl = indexMl - state.indexMl;
  const capacityMl = passableMl(settings, atMs - state.atMs);
  if (differenceMl >= 0) {
    if (differenceMl <= capacityMl) return trusted(atMs, indexMl, 0, differenceMl);
    return { ...doubted(state, readingFlags.RANGE), doubtedMl: differenceMl };
  }
  const roundMl = differenceMl + settings.registerRangeMl;
  const isRollover =
    state.indexMl > settings.registerRangeMl * thresholds.rolloverFromShare &&
    indexMl < settings.registerRangeMl * thresholds.rolloverToShare &&
    roundMl <= capacityMl;
  if (isRollover) return trusted(atMs, indexMl, readingFlags.ROLLOVER, roundMl);
  if (-differenceMl <= thresholds.resyncQuanta * settings.quantumMl) {
    return doubted(state, readingFlags.RESYNC);
  }
  const isZero = indexMl <= state.indexMl * thresholds.zeroShare;
  return doubted(state, isZero ? readingFlags.REGISTER_ZERO : readingFlags.REGISTER_BACK);
}

/** The most that a meter can have passed in the time, with the rounding of its register. */
function passableMl(settings: RegisterSettings, durationMs: number): number {
  const flowMl = (settings.qmaxMlPerHour * thresholds.capacityFactor * durationMs) / hourMs;
  return flowMl + thresholds.slackQuanta * settings.quantumMl;
}

function trusted(
  atMs: TimestampMs,
  indexMl: VolumeMl,
  flags: number,
  consumedMl: number | null,
): RegisterVerdict {
  return { state: { atMs, indexMl }, flags, isTrusted: true, consumedMl, doubtedMl: null };
}

/** The last trusted value stays, so that one bad value cannot spoil the next good one. */
function doubted(state: RegisterState, flags: number): RegisterVerdict {
  return { state, flags, isTrusted: false, consumedMl: null, doubtedMl: null };
}

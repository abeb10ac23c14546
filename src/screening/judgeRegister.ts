/** The register decision table (gas-domain 4.3): what a register value is worth beside the last trusted one. */
import type { RegisterKind } from "#domain/billing.ts";
import { sizeLimits } from "#domain/meter.ts";
import { readingFlags } from "#domain/reading.ts";
import { hourMs, type TimestampMs, type VolumeMl } from "#domain/units.ts";

export interface RegisterSettings {
  readonly qmaxMlPerHour: number;
  readonly quantumMl: number;
  /** The register shows values below this and then starts again at zero. */
  readonly registerRangeMl: number;
}

/** What a register is judged by, of the meter that it is of. */
export function registerSettings({
  size,
  quantumMl,
  registerRangeMl,
}: RegisterKind): RegisterSettings {
  return { qmaxMlPerHour: sizeLimits(size).qmaxMlPerHour, quantumMl, registerRangeMl };
}

interface Anchor {
  readonly atMs: TimestampMs;
  readonly indexMl: VolumeMl;
}

/**
 * The last trusted register; null before the first. `lower`: the register has gone back and is not trusted, but
 * it goes on from there.
 */
export type RegisterState = (Anchor & { readonly lower?: LowerRegister }) | null;

/** A register after an unexplained decrease: an exchanged meter, or a first value that was too high. */
interface LowerRegister extends Anchor {
  readonly firstMl: VolumeMl;
  /** Values in a row that fit one another. */
  readonly count: number;
  /** The first since the trusted one could have been a round of the register; absent: it was not looked at. */
  readonly isRound?: boolean;
}

export interface RegisterVerdict {
  readonly state: RegisterState;
  /** 0 when the value is trusted and plain. */
  readonly flags: number;
  readonly isTrusted: boolean;
  /** Consumption since the last trusted register, roll-over included; null without both sides. */
  readonly consumedMl: number | null;
  /** The increase that was not believed. */
  readonly doubtedMl: number | null;
  /** Consumption by a lower register that has resumed counting: for the rules, never for a bill. */
  readonly resumed: { readonly fromMs: TimestampMs; readonly consumedMl: number } | null;
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
  /** Values of a lower register that must fit one another, and have moved, before the rules follow it. */
  resumedValues: 3,
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
  const isRound =
    state.indexMl > settings.registerRangeMl * thresholds.rolloverFromShare &&
    indexMl < settings.registerRangeMl * thresholds.rolloverToShare &&
    roundMl <= capacityMl;
  // A telegram of nothing but zeros looks like a round that ends exactly at zero: the next value tells. And what was
  // no round when it came does not become one because time has passed.
  if (isRound && indexMl > 0 && state.lower?.isRound !== false)
    return trusted(atMs, indexMl, readingFlags.ROLLOVER, roundMl);
  if (-differenceMl <= thresholds.resyncQuanta * settings.quantumMl) {
    return doubted(state, readingFlags.RESYNC);
  }
  const isZero = indexMl <= state.indexMl * thresholds.zeroShare;
  const flag = isZero ? readingFlags.REGISTER_ZERO : readingFlags.REGISTER_BACK;
  return followLower(settings, { ...state, flag, isRound }, atMs, indexMl);
}

/**
 * A decrease without an explanation stops the billing until a person has looked (gas-domain 4.3): the anchor
 * stays. But gas flows on, and a meter whose every value is doubted for ever would be one without leak rules. So
 * the rules follow the lower register once it counts plausibly. A register that stands at zero proves nothing.
 */
function followLower(
  settings: RegisterSettings,
  found: NonNullable<RegisterState> & { readonly flag: number; readonly isRound: boolean },
  atMs: TimestampMs,
  indexMl: VolumeMl,
): RegisterVerdict {
  const { lower: before, flag, ...anchor } = found;
  const isRound = found.isRound && before?.isRound !== false;
  const fresh = { atMs, indexMl, firstMl: indexMl, count: 1, isRound };
  const differenceMl = before === undefined ? -1 : indexMl - before.indexMl;
  const fits =
    before !== undefined &&
    differenceMl >= 0 &&
    differenceMl <= passableMl(settings, atMs - before.atMs);
  if (!fits) return doubted({ ...anchor, lower: fresh }, flag);
  const lower = { ...before, atMs, indexMl, count: before.count + 1 };
  const verdict = doubted({ ...anchor, lower }, flag);
  const hasResumed = lower.count >= thresholds.resumedValues && indexMl > lower.firstMl;
  if (!hasResumed) return verdict;
  const resumed = { fromMs: before.atMs, consumedMl: differenceMl };
  return { ...verdict, flags: flag | readingFlags.RESUMED, resumed };
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
  const state = { atMs, indexMl };
  return { state, flags, isTrusted: true, consumedMl, doubtedMl: null, resumed: null };
}

/** The last trusted value stays, so that one bad value cannot spoil the next good one. */
function doubted(state: RegisterState, flags: number): RegisterVerdict {
  return { state, flags, isTrusted: false, consumedMl: null, doubtedMl: null, resumed: null };
}

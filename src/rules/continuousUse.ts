/**
 * R5: one and the same flow for longer than anything in a house burns: a tap that was forgotten, a hose that came
 * off. Times by band of flow, as in the Japanese meter and the Chinese cut-off block (gas-domain 2.2, 2.3, 2.5).
 *
 * Steady means: every interval passes the same flow, give or take one step of the register and 5 %. A boiler that
 * cycles is not steady hour by hour; an open tap is, for days. So intervals of at most 75 minutes are needed, and a
 * meter with daily values only is not judged.
 */
import { statusBits } from "#domain/status.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { learnMaximum, nothingLearned, type LearnedMaximum } from "./learnedMaximum.ts";
import type { Interval, Rule, RuleSettings } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.continuous_flow;

/** A steady use that goes on. */
interface Steady {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly consumedMl: number;
}

export interface ContinuousUseState {
  readonly bit: BitLevel;
  readonly measured: 0 | 1;
  readonly steady: Steady | null;
  /** Longest steady use that has ended. */
  readonly learned: LearnedMaximum;
}

function flowMlPerHourOf({ fromMs, untilMs, consumedMl }: Steady): number {
  return (consumedMl * hourMs) / (untilMs - fromMs);
}

/** What this band may last by itself; Infinity: for ever. One step of the register may be rounding. */
function factoryMs({ qminMlPerHour, quantumMl, tuning }: RuleSettings, steady: Steady): number {
  const band = tuning.R5;
  const flowMlPerHour = flowMlPerHourOf({ ...steady, consumedMl: steady.consumedMl - quantumMl });
  if (flowMlPerHour < band.pilotQminFactor * qminMlPerHour) return Infinity;
  if (flowMlPerHour <= band.smallM3hMax * 1e6) return band.smallHoursMax * hourMs;
  if (flowMlPerHour <= band.middleM3hMax * 1e6) return band.middleHoursMax * hourMs;
  return band.largeHoursMax * hourMs;
}

/** With what is usual at this site; never below the factory's. */
function limitMs(settings: RuleSettings, learned: LearnedMaximum, steady: Steady): number {
  const { learnedFactor, learnedHoursMax } = settings.tuning.R5;
  const usualMs = learnedFactor * Math.max(learned.younger, learned.older ?? 0);
  const factory = factoryMs(settings, steady);
  return Math.max(factory, Math.min(usualMs, learnedHoursMax * hourMs));
}

/** The steady use with this interval at its end; null: the interval does not fit. */
function extended(
  settings: RuleSettings,
  steady: Steady,
  { fromMs, consumedMl }: Interval,
  untilMs: number,
): Steady | null {
  if (fromMs !== steady.untilMs) return null;
  const expectedMl = (flowMlPerHourOf(steady) * (untilMs - fromMs)) / hourMs;
  const slackMl = settings.quantumMl + settings.tuning.R5.steadyShare * expectedMl;
  if (Math.abs(consumedMl - expectedMl) > slackMl) return null;
  return { fromMs: steady.fromMs, untilMs, consumedMl: steady.consumedMl + consumedMl };
}

function follow(
  settings: RuleSettings,
  state: ContinuousUseState,
  interval: Interval,
  untilMs: number,
): ContinuousUseState {
  const { intervalMinutesMax, bucketDays } = settings.tuning.R5;
  const isFine = untilMs - interval.fromMs <= intervalMinutesMax * minuteMs;
  const isFlowing = interval.consumedMl >= settings.quantumMl && isFine;
  const { steady: before } = state;
  const longer =
    before === null || !isFlowing ? null : extended(settings, before, interval, untilMs);
  if (longer !== null) {
    const isTooLong = longer.untilMs - longer.fromMs > limitMs(settings, state.learned, longer);
    return { ...state, steady: longer, measured: isTooLong || state.measured === 1 ? 1 : 0 };
  }
  const fresh = { fromMs: interval.fromMs, untilMs, consumedMl: interval.consumedMl };
  const steady = isFlowing ? fresh : null;
  if (before === null) return steady === null ? state : { ...state, steady };
  // What burns for ever in its band teaches nothing about the others.
  const isPilot = factoryMs(settings, before) === Infinity;
  const lastedMs = isPilot ? 0 : before.untilMs - before.fromMs;
  const learned = learnMaximum(state.learned, bucketDays * dayMs, before.untilMs, lastedMs);
  return { ...state, steady, measured: 0, learned };
}

export const continuousUse: Rule<ContinuousUseState> = {
  initial: { bit: 0, measured: 0, steady: null, learned: nothingLearned },
  step(settings, before, reading) {
    const bit = followBit(before.bit, reading.status, bits);
    const state = bit === before.bit ? before : { ...before, bit };
    const isArmed = settings.tuning.R5.siteClasses.includes(settings.siteClass);
    if (!isArmed || reading.interval === null) return state;
    return follow(settings, state, reading.interval, reading.measuredAtMs);
  },
  level: ({ bit, measured }) => (bit === 1 || measured === 1 ? 1 : 0),
  prove(settings, { measured, steady, learned }, reading) {
    if (measured === 0 || steady === null) return statusProof(reading.status, bits);
    const flowMlPerHour = Math.round(flowMlPerHourOf(steady));
    return {
      by: "interval",
      flowMlPerHour,
      flowingMs: steady.untilMs - steady.fromMs,
      limitMs: limitMs(settings, learned, steady),
    };
  },
  /** What is smaller may be a pilot light, and belongs to the micro-leak. */
  floor: ({ qminMlPerHour, quantumMl, tuning }) => ({
    flowMlPerHour: Math.max(tuning.R5.pilotQminFactor * qminMlPerHour, quantumMl),
    withinMs: (tuning.R5.learnedHoursMax + 2) * hourMs,
  }),
};

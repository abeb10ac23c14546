/**
 * R5: one and the same flow for longer than anything in a house burns: a tap that was forgotten, a hose that came
 * off. Times by band of flow, as in the Japanese meter and the Chinese cut-off block (gas-domain 2.2, 2.3, 2.5).
 *
 * What is looked for is one constant flow under everything else: hours that pass just that much, with cooking and
 * showers above it and nothing below. A boiler that cycles through a cold night passes about the same in every hour,
 * but not for 18 intervals; an open tap does, for days. So intervals of at most 75 minutes are needed, and a meter
 * with daily values only is not judged. Where a boiler hides the tap in every hour, the least hour has risen.
 */
import { statusBits } from "#domain/status.ts";
import { dayMs, hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import { learnMaximum, nothingLearned, type LearnedMaximum } from "./learnedMaximum.ts";
import { besidesPilot, hiddenByPilotMlPerHour } from "./pilot.ts";
import {
  floorUnknown,
  followFloor,
  risenLimitMlPerHour,
  usualLeastMlPerHour,
  type RisenFloorState,
} from "./risenFloor.ts";
import type { Interval, Rule, RuleReading, RuleSettings } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.continuous_flow;

/** A flow that goes on under whatever else is used. */
interface Steady {
  /** Of contexts from before this was kept: undefined. */
  readonly sinceMs?: number;
  readonly untilMs: number;
  /** End of the last interval that passed just this flow; as above. */
  readonly shownMs?: number;
  /** Time and volume of the intervals that pass just this flow, and their number. */
  readonly baseMs: number;
  readonly baseMl: number;
  readonly intervals: number;
  /** The least and the most of them, as millilitres an hour. */
  readonly leastMl: number;
  readonly mostMl: number;
}

export interface ContinuousUseState {
  readonly bit: BitLevel;
  readonly measured: 0 | 1;
  readonly steady: Steady | null;
  /** Short intervals in a row, until they make a long one; null: none. */
  readonly part: Interval | null;
  /** Longest steady use that has ended. */
  readonly learned: LearnedMaximum;
  /** Of contexts from before this was kept: undefined. */
  readonly risen?: RisenFloorState;
}

function flowMlPerHourOf({ baseMs, baseMl }: Steady): number {
  return (baseMl * hourMs) / baseMs;
}

interface Band {
  /** What this band may last by itself; Infinity: for ever. */
  readonly lastsMs: number;
  readonly intervalsMin: number;
}

/**
 * One step of the register may be rounding, so a flow at the edge of a pilot light's is one; and so is what a fitter
 * has registered.
 */
function bandOf(settings: RuleSettings, { baseMs, baseMl }: Steady): Band {
  const { qminMlPerHour, quantumMl, tuning } = settings;
  const { R5 } = tuning;
  const base = { fromMs: timestampMs(0), consumedMl: baseMl - quantumMl };
  const flow = (besidesPilot(settings, base, timestampMs(baseMs)).consumedMl * hourMs) / baseMs;
  if (flow < R5.pilotQminFactor * qminMlPerHour) return { lastsMs: Infinity, intervalsMin: 0 };
  if (flow <= R5.smallM3hMax * 1e6) {
    return { lastsMs: R5.smallHoursMax * hourMs, intervalsMin: R5.smallIntervalsMin };
  }
  return flow <= R5.middleM3hMax * 1e6
    ? { lastsMs: R5.middleHoursMax * hourMs, intervalsMin: R5.middleIntervalsMin }
    : { lastsMs: R5.largeHoursMax * hourMs, intervalsMin: R5.largeIntervalsMin };
}

/** From its first interval on, whatever was used on top. */
function lastedMs({ sinceMs, untilMs, baseMs }: Steady): number {
  return sinceMs === undefined ? baseMs : untilMs - sinceMs;
}

/**
 * By the hours that pass just this flow; or, as nothing steadier than a day is ever usual, by a day in which no hour
 * passed less and most of them just this, for who cooks and bathes leaves fewer such hours than the band asks for.
 */
function isTooLong(settings: RuleSettings, learned: LearnedMaximum, steady: Steady): boolean {
  const { lastsMs, intervalsMin } = bandOf(settings, steady);
  if (lastsMs === Infinity) return false;
  if (steady.intervals >= intervalsMin && steady.baseMs > limitMs(settings, learned, steady)) {
    return true;
  }
  const { learnedHoursMax, dayIntervalsMin } = settings.tuning.R5;
  return steady.intervals >= dayIntervalsMin && lastedMs(steady) > learnedHoursMax * hourMs;
}

/** With what is usual at this site; never below the factory's. */
function limitMs(settings: RuleSettings, learned: LearnedMaximum, steady: Steady): number {
  const { learnedFactor, learnedHoursMax } = settings.tuning.R5;
  const usualMs = learnedFactor * Math.max(learned.younger, learned.older ?? 0);
  return Math.max(bandOf(settings, steady).lastsMs, Math.min(usualMs, learnedHoursMax * hourMs));
}

/** A base that so many intervals have shown stands; before that, more gas only means that it is another one. */
const establishedIntervals = 2;
/** Cooking and bathing one after the other hide it for so long. */
const hiddenHoursMin = 3;

/**
 * So far may hours of one flow be apart: one step of the register, for two hours of the same flow differ by one at
 * most, and what the pressure does.
 */
function apartMaxMl({ quantumMl, tuning }: RuleSettings, mostMl: number): number {
  return quantumMl + tuning.R5.steadyShare * mostMl;
}

/** The base with this interval at its end; null: there was less than it, or it was none yet. */
function extended(
  settings: RuleSettings,
  { measured }: ContinuousUseState,
  steady: Steady,
  { fromMs, consumedMl }: Interval,
  untilMs: number,
  isFine: boolean,
): Steady | null {
  if (fromMs !== steady.untilMs) return null;
  const lengthMs = untilMs - fromMs;
  const hourMl = (consumedMl * hourMs) / lengthMs;
  const leastMl = Math.min(steady.leastMl, hourMl);
  const mostMl = Math.max(steady.mostMl, hourMl);
  const isLess = hourMl < steady.mostMl - apartMaxMl(settings, steady.mostMl);
  if (isLess) return null;
  // A lost report makes a long interval: it proves no base, and hides none where as much has passed.
  if (!isFine) return { ...steady, untilMs };
  if (mostMl - leastMl <= apartMaxMl(settings, mostMl)) {
    return {
      ...{ ...steady, untilMs, shownMs: untilMs, leastMl, mostMl },
      baseMs: steady.baseMs + lengthMs,
      baseMl: steady.baseMl + consumedMl,
      intervals: steady.intervals + 1,
    };
  }
  const isDropped = steady.intervals < establishedIntervals || isOutlived(steady, untilMs);
  // What has rung ends with an hour of less.
  return isDropped && measured === 0 ? null : { ...steady, untilMs };
}

/** Nothing but more for longer than it has been seen: it was another flow, and has ended. */
function isOutlived({ shownMs, baseMs }: Steady, untilMs: number): boolean {
  return shownMs !== undefined && untilMs - shownMs > Math.max(hiddenHoursMin * hourMs, baseMs);
}

/** Since when no hour passed less than this one: what came before it may have had others on top. */
function sinceOf(before: Steady | null, { fromMs }: Interval, hourMl: number): number {
  const isUnder = before !== null && before.untilMs === fromMs && hourMl < before.leastMl;
  return isUnder ? fromMs - lastedMs(before) : fromMs;
}

/** Puts short intervals together. */
function gather(
  settings: RuleSettings,
  known: ContinuousUseState,
  interval: Interval,
  untilMs: number,
): ContinuousUseState {
  const { part, risen = floorUnknown } = known;
  const isNext = part !== null && interval.fromMs - part.fromMs < hourMs;
  const whole = isNext
    ? { fromMs: part.fromMs, consumedMl: part.consumedMl + interval.consumedMl }
    : interval;
  if (untilMs - whole.fromMs < settings.tuning.R5.intervalMinutesMin * minuteMs) {
    return { ...known, part: whole };
  }
  const floor = followFloor(settings, risen, whole, untilMs);
  const before = floor === risen ? known : { ...known, risen: floor };
  // Most often nobody draws gas, and nothing is to be remembered of it.
  const isIdle = whole.consumedMl < settings.tuning.R5.quantaMin * settings.quantumMl;
  if (isIdle && part === null && before.steady === null) return before;
  return follow(settings, part === null ? before : { ...before, part: null }, whole, untilMs);
}

function follow(
  settings: RuleSettings,
  state: ContinuousUseState,
  interval: Interval,
  untilMs: number,
): ContinuousUseState {
  const { intervalMinutesMax, bucketDays, quantaMin } = settings.tuning.R5;
  const lengthMs = untilMs - interval.fromMs;
  const isFine = lengthMs <= intervalMinutesMax * minuteMs;
  const isFlowing = interval.consumedMl >= quantaMin * settings.quantumMl;
  const { steady: before } = state;
  const longer =
    before === null || !isFlowing
      ? null
      : extended(settings, state, before, interval, untilMs, isFine);
  if (longer !== null) {
    const rings = state.measured === 1 || isTooLong(settings, state.learned, longer);
    return { ...state, steady: longer, measured: rings ? 1 : 0 };
  }
  const hourMl = (interval.consumedMl * hourMs) / lengthMs;
  const flow = { baseMs: lengthMs, baseMl: interval.consumedMl, leastMl: hourMl, mostMl: hourMl };
  const sinceMs = sinceOf(before, interval, hourMl);
  const fresh = { sinceMs, untilMs, shownMs: untilMs, intervals: 1, ...flow };
  const steady = isFlowing && isFine ? fresh : null;
  if (before === null) return steady === null ? state : { ...state, steady };
  // What burns for ever in its band teaches nothing about the others.
  const isPilot = bandOf(settings, before).lastsMs === Infinity;
  const usualMs = isPilot ? 0 : before.baseMs;
  const learned = learnMaximum(state.learned, bucketDays * dayMs, before.untilMs, usualMs);
  return { ...state, steady, measured: 0, learned };
}

function risenProof(settings: RuleSettings, risen: RisenFloorState, { measuredAtMs }: RuleReading) {
  const usual = usualLeastMlPerHour(settings, risen, measuredAtMs) ?? 0;
  return {
    by: "interval",
    aboveMlPerHour: risenLimitMlPerHour(settings, usual),
    usualLeastMlPerHour: usual,
    flowingMs: risen.aboveMs,
  };
}

export const continuousUse: Rule<ContinuousUseState> = {
  initial: {
    ...{ bit: 0, measured: 0, steady: null, part: null },
    ...{ learned: nothingLearned, risen: floorUnknown },
  },
  step(settings, before, reading) {
    const bit = followBit(before.bit, reading.status, bits);
    const state = bit === before.bit ? before : { ...before, bit };
    const isArmed = settings.tuning.R5.siteClasses.includes(settings.siteClass);
    if (!isArmed || reading.interval === null) return state;
    return gather(settings, state, reading.interval, reading.measuredAtMs);
  },
  level: ({ bit, measured, risen }) => (bit === 1 || measured === 1 || risen?.raised === 1 ? 1 : 0),
  prove(settings, { measured, steady, learned, risen }, reading) {
    if (measured === 0 && risen?.raised === 1) return risenProof(settings, risen, reading);
    if (measured === 0 || steady === null) return statusProof(reading.status, bits);
    const flowMlPerHour = Math.round(flowMlPerHourOf(steady));
    return {
      by: "interval",
      flowMlPerHour,
      flowingMs: steady.baseMs,
      limitMs: limitMs(settings, learned, steady),
    };
  },
  /** What is smaller may be a pilot light, and is R6's. Seen by the hour, with other use in a third of them. */
  floor(settings) {
    const { qminMlPerHour, quantumMl, tuning } = settings;
    const { pilotQminFactor, quantaMin, learnedHoursMax } = tuning.R5;
    const pilotMlPerHour = pilotQminFactor * qminMlPerHour + hiddenByPilotMlPerHour(settings);
    return {
      flowMlPerHour: Math.max(pilotMlPerHour, quantaMin * quantumMl),
      withinMs: 1.5 * (learnedHoursMax + 2) * hourMs,
    };
  },
};

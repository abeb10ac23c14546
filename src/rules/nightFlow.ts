/**
 * R7: gas that flows through every hour of seven nights, and evenly: what a house that sleeps does not do. Heating
 * flows at night as well, but follows the weather and its own cycles; a leak is flat. gas-domain 2.5.
 *
 * Needs intervals of at most 75 minutes. A leak below two steps of the register an hour is not seen: it is R6's.
 */
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { besidesPilot, hiddenByPilotMlPerHour } from "./pilot.ts";
import type { Interval, Rule, RuleSettings } from "./rule.ts";

/** One night as far as it was seen, by its number since 1970 in local time. */
interface Night {
  readonly no: number;
  readonly seenMs: number;
  readonly leastMlPerHour: number;
  readonly mostMlPerHour: number;
  /** In some interval not more than one step of the register fell. */
  readonly hasPause: boolean;
}

export interface NightFlowState {
  readonly night: Night | null;
  /** Nights in a row that were alike and without a pause, and the range of their least flows. */
  readonly nights: number;
  readonly lastNo: number;
  readonly lowMlPerHour: number;
  readonly highMlPerHour: number;
  readonly raised: 0 | 1;
}

/** The part of the night in which the interval lies; null: not wholly in one. */
function nightOf(settings: RuleSettings, { fromMs }: Interval, untilMs: number): number | null {
  const { utcOffsetHours, fromHour, toHour } = settings.tuning.R7;
  const localMs = fromMs + utcOffsetHours * hourMs;
  const no = Math.floor(localMs / dayMs);
  const beginMs = localMs - no * dayMs;
  const endMs = beginMs + untilMs - fromMs;
  return beginMs >= fromHour * hourMs && endMs <= toHour * hourMs ? no : null;
}

function isFlat(settings: RuleSettings, lowMlPerHour: number, highMlPerHour: number): boolean {
  const slack = 2 * settings.quantumMl + settings.tuning.R7.flatShare * lowMlPerHour;
  return highMlPerHour - lowMlPerHour <= slack;
}

/** The night is over: one more of the kind, a quiet one, or one that nobody saw. */
function closeNight(settings: RuleSettings, state: NightFlowState): NightFlowState {
  const { night } = state;
  const { seenHoursMin, unseenNightsMax } = settings.tuning.R7;
  if (night === null) return state;
  const hasGap = state.nights > 0 && night.no - state.lastNo - 1 > unseenNightsMax;
  const before = hasGap ? nightFlow.initial : state;
  if (night.hasPause) return nightFlow.initial;
  if (night.seenMs < seenHoursMin * hourMs) return { ...before, night: null };
  const { leastMlPerHour, mostMlPerHour, no } = night;
  if (!isFlat(settings, leastMlPerHour, mostMlPerHour)) return nightFlow.initial;
  const lowMlPerHour = Math.min(before.lowMlPerHour, leastMlPerHour);
  const highMlPerHour = Math.max(before.highMlPerHour, leastMlPerHour);
  const isAlike = before.nights > 0 && isFlat(settings, lowMlPerHour, highMlPerHour);
  if (!isAlike) {
    const range = { lowMlPerHour: leastMlPerHour, highMlPerHour: leastMlPerHour };
    return { night: null, nights: 1, lastNo: no, ...range, raised: 0 };
  }
  const nights = before.nights + 1;
  const raised = nights >= settings.tuning.R7.nights ? 1 : 0;
  return { night: null, nights, lastNo: no, lowMlPerHour, highMlPerHour, raised };
}

function follow(
  settings: RuleSettings,
  before: NightFlowState,
  interval: Interval,
  untilMs: number,
): NightFlowState {
  const no = nightOf(settings, interval, untilMs);
  const state =
    before.night !== null && before.night.no !== no ? closeNight(settings, before) : before;
  const lengthMs = untilMs - interval.fromMs;
  if (no === null || lengthMs > settings.tuning.R7.intervalMinutesMax * minuteMs) return state;
  const flow = Math.round((interval.consumedMl * hourMs) / lengthMs);
  const hasPause = interval.consumedMl <= settings.quantumMl;
  const night = state.night ?? {
    no,
    seenMs: 0,
    leastMlPerHour: Infinity,
    mostMlPerHour: 0,
    hasPause: false,
  };
  return {
    ...state,
    night: {
      no,
      seenMs: night.seenMs + lengthMs,
      leastMlPerHour: Math.min(night.leastMlPerHour, flow),
      mostMlPerHour: Math.max(night.mostMlPerHour, flow),
      hasPause: night.hasPause || hasPause,
    },
  };
}

export const nightFlow: Rule<NightFlowState> = {
  initial: { night: null, nights: 0, lastNo: 0, lowMlPerHour: 0, highMlPerHour: 0, raised: 0 },
  step(settings, state, { interval, measuredAtMs }) {
    const isArmed = settings.tuning.R7.siteClasses.includes(settings.siteClass);
    if (!isArmed || interval === null) return state;
    return follow(settings, state, besidesPilot(settings, interval, measuredAtMs), measuredAtMs);
  },
  level: ({ raised }) => raised,
  prove: (_settings, { nights, lowMlPerHour }) => ({
    by: "interval",
    nights,
    flowMlPerHour: lowMlPerHour,
  }),
  floor: (settings) => ({
    flowMlPerHour: 2 * settings.quantumMl + hiddenByPilotMlPerHour(settings),
    withinMs: (settings.tuning.R7.nights + 1) * dayMs,
  }),
};

/**
 * The least that a house burns in any hour, and that it has risen: what an open tap does in a house whose boiler runs
 * through the night, where no hour shows the tap alone. The first cold days of a year, a large house and a boiler that
 * is new stay below it, for they rise by less than four times, or to less than 1.2 m³/h, or not for 18 hours.
 */
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import {
  learnedMaximum,
  learnMaximum,
  nothingLearned,
  type LearnedMaximum,
} from "./learnedMaximum.ts";
import type { Interval, RuleSettings } from "./rule.ts";

export interface RisenFloorState {
  readonly dayNo: number;
  /** The least hour of this day so far. */
  readonly leastMlPerHour: number;
  /** Time in a row of which every interval passed more than the limit. */
  readonly aboveMs: number;
  readonly raised: 0 | 1;
  /** The largest least hour of a day. */
  readonly learned: LearnedMaximum;
}

/** null: how much this house burns at its least is not known yet. */
export function usualLeastMlPerHour(
  { tuning }: RuleSettings,
  { learned }: RisenFloorState,
  nowMs: number,
): number | null {
  return learnedMaximum(learned, tuning.R5.risenArmAfterDays * dayMs, nowMs);
}

export function risenLimitMlPerHour({ tuning }: RuleSettings, usualMlPerHour: number): number {
  const { risenFactor, risenM3h } = tuning.R5;
  return Math.max(risenM3h * 1e6, risenFactor * usualMlPerHour);
}

/** Follows households; ovens and furnaces burn as they are needed. */
export function followFloor(
  settings: RuleSettings,
  before: RisenFloorState,
  { fromMs, consumedMl }: Interval,
  untilMs: number,
): RisenFloorState {
  if (settings.siteClass !== "household") return before;
  const lengthMs = untilMs - fromMs;
  const flowMlPerHour = Math.max(0, Math.round((consumedMl * hourMs) / lengthMs));
  const state = withDay(settings, before, Math.floor(untilMs / dayMs), flowMlPerHour);
  const usual = usualLeastMlPerHour(settings, state, untilMs);
  const isAbove = usual !== null && flowMlPerHour > risenLimitMlPerHour(settings, usual);
  if (!isAbove) return state.aboveMs === 0 ? state : { ...state, aboveMs: 0, raised: 0 };
  const { intervalMinutesMax, risenHours } = settings.tuning.R5;
  // A lost report makes a long interval, in which an hour of less can hide: it proves nothing, and ends nothing.
  if (lengthMs > intervalMinutesMax * minuteMs) return state;
  const aboveMs = state.aboveMs + lengthMs;
  return { ...state, aboveMs, raised: aboveMs > risenHours * hourMs ? 1 : 0 };
}

/** A day that was above the limit from its beginning to its end is not what is usual. */
function withDay(
  { tuning }: RuleSettings,
  before: RisenFloorState,
  dayNo: number,
  flowMlPerHour: number,
): RisenFloorState {
  if (dayNo === before.dayNo) {
    return flowMlPerHour < before.leastMlPerHour
      ? { ...before, leastMlPerHour: flowMlPerHour }
      : before;
  }
  const isUsual = before.dayNo !== noDay && before.aboveMs < dayMs;
  const learned = isUsual
    ? learnMaximum(
        before.learned,
        tuning.R5.bucketDays * dayMs,
        before.dayNo * dayMs,
        before.leastMlPerHour,
      )
    : before.learned;
  return { ...before, dayNo, leastMlPerHour: flowMlPerHour, learned };
}

const noDay = 0;

export const floorUnknown: RisenFloorState = Object.freeze({
  dayNo: noDay,
  leastMlPerHour: 0,
  aboveMs: 0,
  raised: 0,
  learned: nothingLearned,
});

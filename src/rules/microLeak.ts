/**
 * R6: gas that never stops, however slowly. A house that is tight has an hour without flow now and then; one
 * that leaks has none (the Japanese microcomputer meter's test: gas-domain 2.2, trap 12 of section 7).
 *
 * What an interval of length T with consumption c says, for the window W (= quantum / leak floor, 1 h to 6 h):
 *
 *   c < quantum * floor(T / W)       In one of the whole windows inside less than a quantum fell: the house was
 *                                    tight there. Short quiet intervals in a row count as one long interval.
 *   c >= quantum and T is fine       Gas flowed, and the interval is too short to hide a quiet night. More than
 *                                    twice Qmin is use, not a micro-flow, and hides pauses: such time counts only
 *                                    as far as as much micro-flow stands beside it.
 *   c >= quantum and T is not fine   Nothing either way: a day with 300 l may have been one bath. Such time does not
 *                                    count, and too much of it starts the count again; so a meter with daily
 *                                    values only never alarms on use, and one lost report does not hide a leak.
 *
 * Once raised, only a proven quiet window ends the condition: not knowing is not tight.
 */
import { statusBits } from "#domain/status.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { besidesPilot, hiddenByPilotMlPerHour } from "./pilot.ts";
import type { Interval, Rule, RuleReading, RuleSettings } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.micro_flow;

export interface MicroLeakState {
  readonly bit: BitLevel;
  readonly measured: 0 | 1 | 2;
  /** End of the last interval; null: none yet. */
  readonly untilMs: number | null;
  /** Since the last quiet window: time that was watched, and time that proves nothing. */
  readonly seenMs: number;
  readonly unseenMs: number;
  /** Time in which so much was used that a pause could hide. */
  readonly busyMs: number;
  /** The stretch without a quantum that lasts, and what little it consumed. */
  readonly quietMs: number;
  readonly quietMl: number;
}

function windowMs(settings: RuleSettings): number {
  const { leakFloorLitresPerHour, windowHoursMin, windowHoursMax } = settings.tuning.R6;
  const neededMs = Math.ceil((settings.quantumMl * hourMs) / (leakFloorLitresPerHour * 1_000));
  return Math.min(windowHoursMax * hourMs, Math.max(windowHoursMin * hourMs, neededMs));
}

/** The slowest leak that cannot be missed in a house without other use and with fine intervals. */
export function detectionFloorMlPerHour(settings: RuleSettings): number {
  return (settings.quantumMl * hourMs) / windowMs(settings) + hiddenByPilotMlPerHour(settings);
}

function hasQuietWindow(settings: RuleSettings, lengthMs: number, consumedMl: number): boolean {
  return consumedMl < settings.quantumMl * Math.floor(lengthMs / windowMs(settings));
}

function isUse(settings: RuleSettings, lengthMs: number, consumedMl: number): boolean {
  const microMl = settings.tuning.R6.microQminFactor * settings.qminMlPerHour * (lengthMs / hourMs);
  return consumedMl > microMl + settings.quantumMl;
}

function isFine(settings: RuleSettings, lengthMs: number): boolean {
  const { fineWindowShare, fineIntervalMinutesMin } = settings.tuning.R6;
  const shareMs = fineWindowShare * windowMs(settings);
  return lengthMs <= Math.max(fineIntervalMinutesMin * minuteMs, shareMs);
}

/** Time that proves nothing; too much of it and the count starts again. */
function addUnseen(
  settings: RuleSettings,
  state: MicroLeakState,
  lengthMs: number,
): MicroLeakState {
  const unseenMs = state.unseenMs + lengthMs;
  const allMs = state.seenMs + state.busyMs + unseenMs;
  const isTooMuch = unseenMs > settings.tuning.R6.unseenShareMax * allMs;
  const count = isTooMuch ? { seenMs: 0, unseenMs: 0, busyMs: 0 } : { unseenMs };
  return { ...state, ...count, quietMs: 0, quietMl: 0 };
}

/** Time that was watched; use counts as far as micro-flow stands beside it. */
function flowingMs({ seenMs, busyMs }: MicroLeakState): number {
  return seenMs + Math.min(busyMs, seenMs);
}

function addSeen(
  settings: RuleSettings,
  before: MicroLeakState,
  lengthMs: number,
  isBusy: boolean,
): MicroLeakState {
  const state = isBusy
    ? { ...before, busyMs: before.busyMs + lengthMs }
    : { ...before, seenMs: before.seenMs + lengthMs };
  const { warnAfterDays, alarmAfterDays } = settings.tuning.R6;
  const flowingDays = flowingMs(state) / dayMs;
  const reached = flowingDays >= alarmAfterDays ? 2 : flowingDays >= warnAfterDays ? 1 : 0;
  return { ...state, measured: reached > state.measured ? reached : state.measured };
}

/** The stretch without a quantum, with this interval at its end or without it. */
function quietStretch(
  settings: RuleSettings,
  state: MicroLeakState,
  lengthMs: number,
  consumedMl: number,
) {
  // A pilot light that is out gives no credit for what leaks later.
  const quietMl = Math.max(-settings.quantumMl, state.quietMl + consumedMl);
  if (quietMl < settings.quantumMl) return { quietMs: state.quietMs + lengthMs, quietMl };
  if (consumedMl < settings.quantumMl) return { quietMs: lengthMs, quietMl: consumedMl };
  return { quietMs: 0, quietMl: 0 };
}

function addInterval(
  settings: RuleSettings,
  before: MicroLeakState,
  interval: Interval,
  untilMs: number,
): MicroLeakState {
  const lengthMs = untilMs - interval.fromMs;
  const { consumedMl } = interval;
  const gapMs = before.untilMs === null ? 0 : Math.max(0, interval.fromMs - before.untilMs);
  const state = { ...(gapMs > 0 ? addUnseen(settings, before, gapMs) : before), untilMs };
  const quiet = quietStretch(settings, state, lengthMs, consumedMl);
  if (
    hasQuietWindow(settings, quiet.quietMs, quiet.quietMl) ||
    hasQuietWindow(settings, lengthMs, consumedMl)
  ) {
    return { ...state, ...quiet, measured: 0, seenMs: 0, unseenMs: 0, busyMs: 0 };
  }
  if (quiet.quietMs > 0 || isFine(settings, lengthMs)) {
    const isBusy = isUse(settings, lengthMs, consumedMl);
    return addSeen(settings, { ...state, ...quiet }, lengthMs, isBusy);
  }
  return addUnseen(settings, state, lengthMs);
}

function prove(settings: RuleSettings, state: MicroLeakState, reading: RuleReading) {
  if (reading.interval === null || (state.bit === 1 && state.measured === 0)) {
    return statusProof(reading.status, bits);
  }
  return {
    by: "interval",
    flowingMs: flowingMs(state),
    windowMs: windowMs(settings),
    detectionFloorMlPerHour: detectionFloorMlPerHour(settings),
  };
}

export const microLeak: Rule<MicroLeakState> = {
  initial: {
    bit: 0,
    measured: 0,
    untilMs: null,
    seenMs: 0,
    unseenMs: 0,
    busyMs: 0,
    quietMs: 0,
    quietMl: 0,
  },
  step(settings, before, reading) {
    const bit = followBit(before.bit, reading.status, bits);
    const state = bit === before.bit ? before : { ...before, bit };
    if (reading.interval === null) return state;
    const untilMs = reading.measuredAtMs;
    const interval = besidesPilot(settings, reading.interval, untilMs);
    return addInterval(settings, state, interval, untilMs);
  },
  level: (state) => (state.measured > state.bit ? state.measured : state.bit),
  prove,
  /** In a house without other use; with use, the nights must show it. */
  floor: (settings) => ({
    flowMlPerHour: detectionFloorMlPerHour(settings),
    withinMs: settings.tuning.R6.warnAfterDays * dayMs,
  }),
};

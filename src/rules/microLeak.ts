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

/** The state in the making: one copy of the one before, and all that the interval changes in it. */
type Draft = { -readonly [Name in keyof MicroLeakState]: MicroLeakState[Name] };

/** Time that proves nothing; too much of it and the count starts again. */
function addUnseen(settings: RuleSettings, draft: Draft, lengthMs: number): void {
  draft.unseenMs += lengthMs;
  const allMs = draft.seenMs + draft.busyMs + draft.unseenMs;
  if (draft.unseenMs > settings.tuning.R6.unseenShareMax * allMs) startCount(draft);
  draft.quietMs = 0;
  draft.quietMl = 0;
}

function startCount(draft: Draft): void {
  draft.seenMs = 0;
  draft.unseenMs = 0;
  draft.busyMs = 0;
}

/** Time that was watched; use counts as far as micro-flow stands beside it. */
function flowingMs({ seenMs, busyMs }: MicroLeakState): number {
  return seenMs + Math.min(busyMs, seenMs);
}

function addSeen(settings: RuleSettings, draft: Draft, lengthMs: number, isBusy: boolean): void {
  if (isBusy) draft.busyMs += lengthMs;
  else draft.seenMs += lengthMs;
  const { warnAfterDays, alarmAfterDays } = settings.tuning.R6;
  const flowingDays = flowingMs(draft) / dayMs;
  const reached = flowingDays >= alarmAfterDays ? 2 : flowingDays >= warnAfterDays ? 1 : 0;
  if (reached > draft.measured) draft.measured = reached;
}

/** The stretch without a quantum, with this interval at its end or without it. */
function addToQuiet(
  { quantumMl }: RuleSettings,
  draft: Draft,
  lengthMs: number,
  consumedMl: number,
): void {
  // A pilot light that is out gives no credit for what leaks later.
  const quietMl = Math.max(-quantumMl, draft.quietMl + consumedMl);
  if (quietMl < quantumMl) {
    draft.quietMs += lengthMs;
    draft.quietMl = quietMl;
  } else if (consumedMl < quantumMl) {
    draft.quietMs = lengthMs;
    draft.quietMl = consumedMl;
  } else {
    draft.quietMs = 0;
    draft.quietMl = 0;
  }
}

function addInterval(
  settings: RuleSettings,
  before: MicroLeakState,
  { fromMs, consumedMl }: Interval,
  untilMs: number,
): MicroLeakState {
  const lengthMs = untilMs - fromMs;
  const draft: Draft = { ...before };
  if (before.untilMs !== null && fromMs > before.untilMs) {
    addUnseen(settings, draft, fromMs - before.untilMs);
  }
  draft.untilMs = untilMs;
  addToQuiet(settings, draft, lengthMs, consumedMl);
  if (
    hasQuietWindow(settings, draft.quietMs, draft.quietMl) ||
    hasQuietWindow(settings, lengthMs, consumedMl)
  ) {
    draft.measured = 0;
    startCount(draft);
  } else if (draft.quietMs > 0 || isFine(settings, lengthMs)) {
    addSeen(settings, draft, lengthMs, isUse(settings, lengthMs, consumedMl));
  } else {
    addUnseen(settings, draft, lengthMs);
  }
  return draft;
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

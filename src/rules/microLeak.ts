/**
 * R6: gas that never stops, however slowly. A house that is tight has an hour without flow now and then; one
 * that leaks has none (the Japanese microcomputer meter's test: gas-domain 2.2, trap 12 of section 7).
 *
 * What an interval of length T with consumption c says, for the window W (= quantum / leak floor, 1 h to 6 h):
 *
 *   c < quantum * floor(T / W)       In one of the whole windows inside less than a quantum fell: the house was
 *                                    tight there. Short quiet intervals in a row count as one long interval.
 *   c >= quantum and T is fine       Gas flowed, and the interval is too short to hide a quiet night.
 *   c >= quantum and T is not fine   Nothing either way: a day with 300 l may have been one bath. Such time does not
 *                                    count, and too much of it starts the count again; so a meter with daily
 *                                    values only never alarms on use, and one lost report does not hide a leak.
 *
 * Once raised, only a proven quiet window ends the condition: not knowing is not tight.
 */
import { statusBits } from "#domain/status.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import type { Interval, Rule, RuleReading, RuleSettings } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const defaults = Object.freeze({
  /** The slowest leak to be found, as far as the quantum allows. */
  leakFloorMlPerHour: 1_000,
  /** 60 minutes without a pulse prove a tight house (Japan). */
  windowMsMin: hourMs,
  /**
   * A tight house that cooks from morning to evening has a night of hours to show, not more: with a longer
   * window every 10 l pulse meter would alarm. The detection floor rises instead, and is stated.
   */
  windowMsMax: 6 * hourMs,
  /** 10 days = the 240 h of the Chinese cut-off block (gas-domain 2.3); 30 days as in Japan. */
  warnAfterMs: 10 * dayMs,
  alarmAfterMs: 30 * dayMs,
  /** Hourly values with the jitter of a real clock are fine; else a quarter of the window is. */
  fineIntervalMsMin: 1.25 * hourMs,
  fineWindowShare: 0.25,
  /** Time that proves nothing, as a share of the whole. */
  unseenShareMax: 0.2,
});

const bits = statusBits.micro_flow;

export interface MicroLeakState {
  readonly bit: BitLevel;
  readonly measured: 0 | 1 | 2;
  /** End of the last interval; null: none yet. */
  readonly untilMs: number | null;
  /** Since the last quiet window: time that was watched, and time that proves nothing. */
  readonly seenMs: number;
  readonly unseenMs: number;
  /** The stretch without a quantum that lasts, and what little it consumed. */
  readonly quietMs: number;
  readonly quietMl: number;
}

function windowMs(settings: RuleSettings): number {
  const neededMs = Math.ceil((settings.quantumMl * hourMs) / defaults.leakFloorMlPerHour);
  return Math.min(defaults.windowMsMax, Math.max(defaults.windowMsMin, neededMs));
}

/** The slowest leak that cannot be missed in a house without other use and with fine intervals. */
export function detectionFloorMlPerHour(settings: RuleSettings): number {
  return (settings.quantumMl * hourMs) / windowMs(settings);
}

function hasQuietWindow(settings: RuleSettings, lengthMs: number, consumedMl: number): boolean {
  return consumedMl < settings.quantumMl * Math.floor(lengthMs / windowMs(settings));
}

function isFine(settings: RuleSettings, lengthMs: number): boolean {
  const shareMs = defaults.fineWindowShare * windowMs(settings);
  return lengthMs <= Math.max(defaults.fineIntervalMsMin, shareMs);
}

/** Time that proves nothing; too much of it and the count starts again. */
function addUnseen(state: MicroLeakState, lengthMs: number): MicroLeakState {
  const unseenMs = state.unseenMs + lengthMs;
  const isTooMuch = unseenMs > defaults.unseenShareMax * (state.seenMs + unseenMs);
  const count = isTooMuch ? { seenMs: 0, unseenMs: 0 } : { unseenMs };
  return { ...state, ...count, quietMs: 0, quietMl: 0 };
}

function addSeen(state: MicroLeakState, lengthMs: number): MicroLeakState {
  const seenMs = state.seenMs + lengthMs;
  const reached = seenMs >= defaults.alarmAfterMs ? 2 : seenMs >= defaults.warnAfterMs ? 1 : 0;
  return { ...state, seenMs, measured: reached > state.measured ? reached : state.measured };
}

/** The stretch without a quantum, with this interval at its end or without it. */
function quietStretch(
  settings: RuleSettings,
  state: MicroLeakState,
  lengthMs: number,
  consumedMl: number,
) {
  const quietMl = state.quietMl + consumedMl;
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
  const consumedMl = Math.max(0, interval.consumedMl);
  const gapMs = before.untilMs === null ? 0 : Math.max(0, interval.fromMs - before.untilMs);
  const state = { ...(gapMs > 0 ? addUnseen(before, gapMs) : before), untilMs };
  const quiet = quietStretch(settings, state, lengthMs, consumedMl);
  if (
    hasQuietWindow(settings, quiet.quietMs, quiet.quietMl) ||
    hasQuietWindow(settings, lengthMs, consumedMl)
  ) {
    return { ...state, ...quiet, measured: 0, seenMs: 0, unseenMs: 0 };
  }
  if (quiet.quietMs > 0 || isFine(settings, lengthMs)) {
    return addSeen({ ...state, ...quiet }, lengthMs);
  }
  return addUnseen(state, lengthMs);
}

function prove(settings: RuleSettings, state: MicroLeakState, reading: RuleReading) {
  if (reading.interval === null || (state.bit === 1 && state.measured === 0)) {
    return statusProof(reading.status, bits);
  }
  return {
    by: "interval",
    flowingMs: state.seenMs,
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
    quietMs: 0,
    quietMl: 0,
  },
  step(settings, before, reading) {
    const bit = followBit(before.bit, reading.status, bits);
    const state = bit === before.bit ? before : { ...before, bit };
    if (reading.interval === null) return state;
    return addInterval(settings, state, reading.interval, reading.measuredAtMs);
  },
  level: (state) => (state.measured > state.bit ? state.measured : state.bit),
  prove,
};

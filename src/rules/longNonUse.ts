/**
 * R14: a register that stands still for a month, for three: an empty home, or a meter that no longer counts. A matter
 * for the work lists, not for the operator (clause 6.2.4). While the valve is shut nothing can flow.
 */
import type { ConditionLevel } from "#domain/alarm.ts";
import { dayMs } from "#domain/units.ts";
import type { Rule } from "./rule.ts";

export interface LongNonUseState {
  /** Since when nothing has been used; null: not known, or the valve is shut. */
  readonly sinceMs: number | null;
  readonly isShut: boolean;
  readonly level: ConditionLevel;
}

export const longNonUse: Rule<LongNonUseState> = {
  initial: { sinceMs: null, isShut: false, level: 0 },
  step(settings, state, { interval, valve, measuredAtMs }) {
    const isShut = valve === null ? state.isShut : valve === "closed";
    if (isShut || interval === null) {
      const sinceMs = isShut ? null : state.sinceMs;
      const isSame = isShut === state.isShut && sinceMs === state.sinceMs;
      if (isSame && (!isShut || state.level === 0)) return state;
      return { sinceMs, isShut, level: isShut ? 0 : state.level };
    }
    const sinceMs =
      interval.consumedMl >= settings.quantumMl ? measuredAtMs : (state.sinceMs ?? interval.fromMs);
    const unusedDays = (measuredAtMs - sinceMs) / dayMs;
    const { firstDays, secondDays } = settings.tuning.R14;
    const level = unusedDays >= secondDays ? 2 : unusedDays >= firstDays ? 1 : 0;
    const isSame = sinceMs === state.sinceMs && level === state.level && isShut === state.isShut;
    return isSame ? state : { sinceMs, isShut, level };
  },
  level: ({ level }) => level,
  prove: (_settings, { sinceMs }, { measuredAtMs }) => ({
    by: "interval",
    unusedMs: measuredAtMs - (sinceMs ?? measuredAtMs),
  }),
  floor: () => null,
};

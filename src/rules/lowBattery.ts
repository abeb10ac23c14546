/** R10: a battery that will not last. Level 1: plan the exchange; level 2: the meter may fall silent or shut. */
import { hasStatus, statusBits, type StatusFlags } from "#domain/status.ts";
import type { ConditionLevel, Proof } from "#domain/alarm.ts";
import { agreedLevel } from "./agreedLevel.ts";
import type { Rule, RuleReading, RuleSettings } from "./rule.ts";
import { statusProof } from "./statusBit.ts";

/** Below 2 V no radio runs, above 10 V there is no meter: those are other units or no value at all. */
const mvValid = Object.freeze({ min: 2_000, max: 10_000 });

const bits = statusBits.battery_low | statusBits.battery_critical;

export interface LowBatteryState {
  readonly bit: ConditionLevel;
  readonly value: ConditionLevel;
  /** What the last battery value said; the level moves when the next one agrees. */
  readonly last: ConditionLevel;
}

function pctLevel(
  { tuning }: RuleSettings,
  value: number | null,
  standing: ConditionLevel,
): ConditionLevel | null {
  if (value === null || !(value >= 0 && value <= 100)) return null;
  const { lowPct, criticalPct, hysteresisPct } = tuning.R10;
  if (isBelow(value, criticalPct, standing >= 2 ? hysteresisPct : 0)) return 2;
  return isBelow(value, lowPct, standing >= 1 ? hysteresisPct : 0) ? 1 : 0;
}

function mvLevel(
  { tuning }: RuleSettings,
  value: number | null,
  standing: ConditionLevel,
): ConditionLevel | null {
  if (value === null || !(value >= mvValid.min && value <= mvValid.max)) return null;
  const { lowMv, criticalMv, hysteresisMv } = tuning.R10;
  if (isBelow(value, criticalMv, standing >= 2 ? hysteresisMv : 0)) return 2;
  return isBelow(value, lowMv, standing >= 1 ? hysteresisMv : 0) ? 1 : 0;
}

/** From the level that stands it takes `hysteresis` more to come down. */
function isBelow(value: number, max: number, hysteresis: number): boolean {
  return value <= max || value < max + hysteresis;
}

function worstLevel(
  settings: RuleSettings,
  { batteryPct, batteryMv }: RuleReading,
  standing: ConditionLevel,
): ConditionLevel | null {
  const byPct = pctLevel(settings, batteryPct, standing);
  const byMv = mvLevel(settings, batteryMv, standing);
  if (byPct === null || byMv === null) return byPct ?? byMv;
  return byPct > byMv ? byPct : byMv;
}

function bitLevel(before: ConditionLevel, status: StatusFlags | null): ConditionLevel {
  if (status === null) return before;
  if (hasStatus(status, statusBits.battery_critical)) return 2;
  return hasStatus(status, statusBits.battery_low) ? 1 : 0;
}

export const lowBattery: Rule<LowBatteryState> = {
  initial: { bit: 0, value: 0, last: 0 },
  step(settings, state, reading) {
    const bit = bitLevel(state.bit, reading.status);
    const said = worstLevel(settings, reading, state.value);
    const last = said ?? state.last;
    const value = said === null ? state.value : agreedLevel(state.value, state.last, said);
    if (bit === state.bit && value === state.value && last === state.last) return state;
    return { bit, value, last };
  },
  level: (state) => (state.bit > state.value ? state.bit : state.value),
  prove(settings, state, reading): Proof {
    const words = statusProof(reading.status, bits);
    if (state.bit > state.value || worstLevel(settings, reading, state.value) === null)
      return words;
    return {
      by: "value",
      ...(reading.batteryPct === null ? {} : { batteryPct: reading.batteryPct }),
      ...(reading.batteryMv === null ? {} : { batteryMv: reading.batteryMv }),
    };
  },
  floor: () => null,
};

/** R10: a battery that will not last. Level 1: plan the exchange; level 2: the meter may fall silent or shut. */
import { hasStatus, statusBits, type StatusFlags } from "#domain/status.ts";
import type { ConditionLevel, Proof } from "#domain/alarm.ts";
import { agreedLevel } from "./agreedLevel.ts";
import type { Rule, RuleReading, RuleSettings } from "./rule.ts";
import { statusProof } from "./statusBit.ts";

interface Scale {
  readonly lowMax: number;
  readonly criticalMax: number;
  readonly hysteresis: number;
  readonly validMin: number;
  readonly validMax: number;
}

function pctScale({ tuning }: RuleSettings): Scale {
  const { lowPct, criticalPct, hysteresisPct } = tuning.R10;
  const valid = { validMin: 0, validMax: 100 };
  return { lowMax: lowPct, criticalMax: criticalPct, hysteresis: hysteresisPct, ...valid };
}

/** Below 2 V no radio runs, above 10 V there is no meter: those are other units or no value at all. */
function mvScale({ tuning }: RuleSettings): Scale {
  const { lowMv, criticalMv, hysteresisMv } = tuning.R10;
  const valid = { validMin: 2_000, validMax: 10_000 };
  return { lowMax: lowMv, criticalMax: criticalMv, hysteresis: hysteresisMv, ...valid };
}

const bits = statusBits.battery_low | statusBits.battery_critical;

export interface LowBatteryState {
  readonly bit: ConditionLevel;
  readonly value: ConditionLevel;
  /** What the last battery value said; the level moves when the next one agrees. */
  readonly last: ConditionLevel;
}

/** A value's level; from the level that stands it takes `hysteresis` more to come down. */
function levelOf(
  scale: Scale,
  value: number | null,
  standing: ConditionLevel,
): ConditionLevel | null {
  if (value === null || !(value >= scale.validMin && value <= scale.validMax)) return null;
  const isBelow = (max: number, level: ConditionLevel) =>
    value <= max || (standing >= level && value < max + scale.hysteresis);
  return isBelow(scale.criticalMax, 2) ? 2 : isBelow(scale.lowMax, 1) ? 1 : 0;
}

function worstLevel(
  settings: RuleSettings,
  reading: RuleReading,
  standing: ConditionLevel,
): ConditionLevel | null {
  if (reading.batteryPct === null && reading.batteryMv === null) return null;
  const byPct = levelOf(pctScale(settings), reading.batteryPct, standing);
  const byMv = levelOf(mvScale(settings), reading.batteryMv, standing);
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

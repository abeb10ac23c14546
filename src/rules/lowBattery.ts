/** R10: a battery that will not last. Level 1: plan the exchange; level 2: the meter may fall silent or shut. */
import { hasStatus, statusBits, type StatusFlags } from "#domain/status.ts";
import type { ConditionLevel, Proof } from "#domain/alarm.ts";
import type { Rule, RuleReading } from "./rule.ts";
import { statusProof } from "./statusBit.ts";

/** Limits of both levels are our proposal for a 3.6 V lithium cell (gas-domain 2.5); packs differ by type. */
const defaults = Object.freeze({
  pct: { lowMax: 20, criticalMax: 10, hysteresis: 5, validMin: 0, validMax: 100 },
  /** Below 2 V no radio runs, above 10 V there is no meter: those are other units or no value at all. */
  mv: { lowMax: 3_300, criticalMax: 3_100, hysteresis: 100, validMin: 2_000, validMax: 10_000 },
});

type Scale = (typeof defaults)["pct"];

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

function worstLevel(reading: RuleReading, standing: ConditionLevel): ConditionLevel | null {
  const byPct = levelOf(defaults.pct, reading.batteryPct, standing);
  const byMv = levelOf(defaults.mv, reading.batteryMv, standing);
  if (byPct === null || byMv === null) return byPct ?? byMv;
  return byPct > byMv ? byPct : byMv;
}

function bitLevel(before: ConditionLevel, status: StatusFlags | null): ConditionLevel {
  if (status === null) return before;
  if (hasStatus(status, statusBits.battery_critical)) return 2;
  return hasStatus(status, statusBits.battery_low) ? 1 : 0;
}

/** The middle one of three: the level moves only as far as two values in a row agree. */
function median(a: ConditionLevel, b: ConditionLevel, c: ConditionLevel): ConditionLevel {
  const low = a < b ? a : b;
  const high = a < b ? b : a;
  return c < low ? low : c > high ? high : c;
}

export const lowBattery: Rule<LowBatteryState> = {
  initial: { bit: 0, value: 0, last: 0 },
  step(_settings, state, reading) {
    const bit = bitLevel(state.bit, reading.status);
    const said = worstLevel(reading, state.value);
    const last = said ?? state.last;
    const value = said === null ? state.value : median(state.value, state.last, said);
    if (bit === state.bit && value === state.value && last === state.last) return state;
    return { bit, value, last };
  },
  level: (state) => (state.bit > state.value ? state.bit : state.value),
  prove(_settings, state, reading): Proof {
    const words = statusProof(reading.status, bits);
    if (state.bit > state.value || worstLevel(reading, state.value) === null) return words;
    return {
      by: "value",
      ...(reading.batteryPct === null ? {} : { batteryPct: reading.batteryPct }),
      ...(reading.batteryMv === null ? {} : { batteryMv: reading.batteryMv }),
    };
  },
};

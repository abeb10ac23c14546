/**
 * R13: too little pressure puts flames out, and the gas comes back without them; too much burns high. Two values
 * that agree, with a dead band; the meter's own bit at once. gas-domain 2.2, 2.5. Behind a shut valve no pressure is
 * no news.
 */
import { statusBits } from "#domain/status.ts";
import type { ConditionLevel } from "#domain/alarm.ts";
import { agreedLevel } from "./agreedLevel.ts";
import type { Rule, RuleReading, RuleSettings } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.low_pressure | statusBits.high_pressure;

export interface PressureState {
  readonly bit: BitLevel;
  readonly isShut: boolean;
  readonly value: ConditionLevel;
  /** What the last value said; the level moves when the next one agrees. */
  readonly last: ConditionLevel;
}

/** A value's level; from the level that stands it takes the dead band more to come down. */
function levelOf(
  { tuning, siteClass }: RuleSettings,
  pressurePa: number | null,
  standing: ConditionLevel,
): ConditionLevel | null {
  const limits = tuning.R13;
  if (pressurePa === null || !limits.siteClasses.includes(siteClass)) return null;
  const kpa = pressurePa / 1_000;
  if (kpa < 0 || kpa > limits.gaugeKpaMax) return null;
  const { hysteresisKpa, lowKpa, highKpa, veryLowKpa, veryHighKpa } = limits;
  if (isBeyond(kpa, veryLowKpa, veryHighKpa, standing >= 2 ? hysteresisKpa : 0)) return 2;
  return isBeyond(kpa, lowKpa, highKpa, standing >= 1 ? hysteresisKpa : 0) ? 1 : 0;
}

function isBeyond(kpa: number, lowKpa: number, highKpa: number, bandKpa: number): boolean {
  return kpa < lowKpa + bandKpa || kpa > highKpa - bandKpa;
}

export const pressure: Rule<PressureState> = {
  initial: { bit: 0, isShut: false, value: 0, last: 0 },
  step(settings, state, reading: RuleReading) {
    const isShut = reading.valve === null ? state.isShut : reading.valve === "closed";
    const bit = isShut ? 0 : followBit(state.bit, reading.status, bits);
    const said = isShut ? 0 : levelOf(settings, reading.pressurePa, state.value);
    const value = isShut
      ? 0
      : said === null
        ? state.value
        : agreedLevel(state.value, state.last, said);
    const last = said ?? state.last;
    const isSame = bit === state.bit && value === state.value && last === state.last;
    return isSame && isShut === state.isShut ? state : { bit, isShut, value, last };
  },
  level: ({ bit, value }) => (bit > value ? bit : value),
  prove(settings, { value }, reading) {
    if (value === 0 || reading.pressurePa === null) return statusProof(reading.status, bits);
    const { lowKpa, highKpa } = settings.tuning.R13;
    const { pressurePa } = reading;
    return { by: "value", pressurePa, lowPa: lowKpa * 1_000, highPa: highKpa * 1_000 };
  },
  floor: () => null,
};

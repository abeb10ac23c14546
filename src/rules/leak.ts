/** R1: the meter or the gas detector wired to it says that gas escapes. gas-domain 2.3, 2.5. */
import { statusBits } from "#domain/status.ts";
import type { Rule } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.leak | statusBits.external_alarm;

export type LeakState = BitLevel;

/** Acts on the first report: the delay (at most 10 s) is the meter's. */
export const leak: Rule<LeakState> = {
  initial: 0,
  step: (_settings, state, reading) => followBit(state, reading.status, bits),
  level: (state) => state,
  prove: (_settings, _state, reading) => statusProof(reading.status, bits),
  floor: () => null,
};

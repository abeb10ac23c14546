/** R11: a magnet at the meter, the meter tilted, its cover opened. gas-domain 2.5. */
import { statusBits } from "#domain/status.ts";
import type { Rule } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.magnet | statusBits.tilt | statusBits.cover_open;

export type TamperState = BitLevel;

/** That it stays until a site visit is the latched alarm's business; the condition follows the bits. */
export const tamper: Rule<TamperState> = {
  initial: 0,
  step: (_settings, state, reading) => followBit(state, reading.status, bits),
  level: (state) => state,
  prove: (_settings, _state, reading) => statusProof(reading.status, bits),
  floor: () => null,
};

/**
 * R8: gas flows backwards, or the register went back and nothing explains it (gas-domain 2.5, 4.3): a meter turned
 * round, a manipulation, an exchange that nobody entered. Roll-over, resynchronisation by one or two steps and a
 * single zero are explained and do not count; nor does one lower value alone, which may be a damaged frame.
 */
import { statusBits } from "#domain/status.ts";
import type { Rule } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.reverse_flow;

export interface RegisterBackState {
  readonly bit: BitLevel;
  /** Lower values in a row. */
  readonly lower: number;
  readonly raised: 0 | 1;
}

/**
 * The condition ends when the register goes on above its old value. That it counts on from the lower one does not end
 * it: nothing of it is billed until a person has looked.
 */
export const registerBack: Rule<RegisterBackState> = {
  initial: { bit: 0, lower: 0, raised: 0 },
  step(settings, state, { status, register }) {
    const bit = followBit(state.bit, status, bits);
    const { agreeing } = settings.tuning.R8;
    const lower =
      register === null
        ? state.lower
        : register === "sound"
          ? 0
          : Math.min(agreeing, state.lower + 1);
    const raised = lower === 0 ? 0 : lower >= agreeing ? 1 : state.raised;
    if (bit === state.bit && lower === state.lower && raised === state.raised) return state;
    return { bit, lower, raised };
  },
  level: ({ bit, raised }) => (bit === 1 || raised === 1 ? 1 : 0),
  prove: (_settings, { raised, lower }, reading) =>
    raised === 1 ? { by: "register", lowerValues: lower } : statusProof(reading.status, bits),
  floor: () => null,
};

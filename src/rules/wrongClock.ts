/**
 * R16: a meter whose clock cannot be right: ahead of ours by more than ten minutes, or at a date that cannot be
 * (gas-domain 2.5, 4.1). A clock that runs behind looks like a report that came late, and is not seen here.
 */
import { statusBits } from "#domain/status.ts";
import type { Rule } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.clock_fault;

export interface WrongClockState {
  readonly bit: BitLevel;
  /** Wrong times in a row. */
  readonly wrong: number;
  readonly raised: 0 | 1;
}

export const wrongClock: Rule<WrongClockState> = {
  initial: { bit: 0, wrong: 0, raised: 0 },
  step(settings, state, { status, clock }) {
    const bit = followBit(state.bit, status, bits);
    const { agreeing } = settings.tuning.R16;
    const wrong =
      clock === null ? state.wrong : clock === "right" ? 0 : Math.min(agreeing, state.wrong + 1);
    const raised = wrong === 0 ? 0 : wrong >= agreeing ? 1 : state.raised;
    if (bit === state.bit && wrong === state.wrong && raised === state.raised) return state;
    return { bit, wrong, raised };
  },
  level: ({ bit, raised }) => (bit === 1 || raised === 1 ? 1 : 0),
  prove: (_settings, { raised, wrong }, reading) =>
    raised === 1 ? { by: "clock", wrongTimes: wrong } : statusProof(reading.status, bits),
  floor: () => null,
};

/**
 * R16: a meter whose clock cannot be right: ahead of ours by more than ten minutes, or at a date that cannot be
 * (gas-domain 2.5, 4.1). Old values that come along carry the times of the meter's memory, which say nothing of
 * its clock; so only right times for two days end it. A clock that runs behind looks like a report that came late,
 * and is not seen here.
 */
import { statusBits } from "#domain/status.ts";
import { hourMs } from "#domain/units.ts";
import type { Rule } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.clock_fault;

export interface WrongClockState {
  readonly bit: BitLevel;
  /** Wrong times, none of them longer before the next one than a right time needs to count. */
  readonly wrong: number;
  readonly lastWrongMs: number;
  readonly raised: 0 | 1;
}

export const wrongClock: Rule<WrongClockState> = {
  initial: { bit: 0, wrong: 0, lastWrongMs: 0, raised: 0 },
  step(settings, state, { status, clock, measuredAtMs }) {
    const bit = followBit(state.bit, status, bits);
    const { agreeing, rightAfterHours } = settings.tuning.R16;
    if (clock === "wrong") {
      const wrong = Math.min(agreeing, state.wrong + 1);
      const raised = wrong >= agreeing ? 1 : state.raised;
      return { bit, wrong, lastWrongMs: measuredAtMs, raised };
    }
    const isRight = measuredAtMs - state.lastWrongMs >= rightAfterHours * hourMs;
    if (clock === "right" && isRight && state.wrong > 0) return { ...wrongClock.initial, bit };
    return bit === state.bit ? state : { ...state, bit };
  },
  level: ({ bit, raised }) => (bit === 1 || raised === 1 ? 1 : 0),
  prove: (_settings, { raised, wrong }, reading) =>
    raised === 1 ? { by: "clock", wrongTimes: wrong } : statusProof(reading.status, bits),
  floor: () => null,
};

/** R9: gas passes a valve that is reported closed. Nothing more may be asked of that valve; people go there. */
import { statusBits } from "#domain/status.ts";
import type { Rule, RuleReading, RuleSettings } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";
import { dayMs } from "#domain/units.ts";

const bits = statusBits.valve_passing;

/** Since the first report "closed". */
interface Shut {
  readonly sinceMs: number;
  readonly passedMl: number;
  readonly isPassing: boolean;
}

export interface FlowWhileShutState {
  readonly bit: BitLevel;
  /** null: not reported closed. */
  readonly shut: Shut | null;
}

/** Enough to say that the valve is not shut, whatever it said last. */
export function hasPassed(
  { tuning, quantumMl }: Pick<RuleSettings, "tuning" | "quantumMl">,
  shut: Shut | null,
): boolean {
  return shut !== null && shut.passedMl >= tuning.R9.passedQuanta * quantumMl;
}

function followShut(settings: RuleSettings, shut: Shut | null, reading: RuleReading): Shut | null {
  const { valve, interval, measuredAtMs } = reading;
  if (valve === "open") return null;
  if (shut === null) {
    return valve === "closed" ? { sinceMs: measuredAtMs, passedMl: 0, isPassing: false } : null;
  }
  const isAfter = interval !== null && interval.fromMs >= shut.sinceMs;
  const passedMl = shut.passedMl + (isAfter ? Math.max(0, interval.consumedMl) : 0);
  const isEnough = hasPassed(settings, { ...shut, passedMl });
  const isPassing = shut.isPassing || (isEnough && (valve === "closed" || valve === "fault"));
  if (passedMl === shut.passedMl && isPassing === shut.isPassing) return shut;
  return { ...shut, passedMl, isPassing };
}

/**
 * The interval that ends in the first report "closed" does not count: that gas flowed before. Later gas counts
 * when the meter says again that the valve is closed (or that it failed); values without a valve position, as
 * the hourly ones, wait for that word, for somebody may have opened the valve at the meter meanwhile.
 */
export const flowWhileShut: Rule<FlowWhileShutState> = {
  initial: { bit: 0, shut: null },
  step(settings, state, reading) {
    const bit = followBit(state.bit, reading.status, bits);
    const shut = followShut(settings, state.shut, reading);
    return bit === state.bit && shut === state.shut ? state : { bit, shut };
  },
  level: (state) => (state.bit === 1 || state.shut?.isPassing === true ? 1 : 0),
  prove(_settings, { shut }, reading) {
    if (shut === null || !shut.isPassing) return statusProof(reading.status, bits);
    const shutMs = reading.measuredAtMs - shut.sinceMs;
    return { by: "register", passedMl: shut.passedMl, shutMs };
  },
  /** Two quanta, however long they take: within a day what passes is known as this flow. */
  floor: ({ quantumMl, tuning }) => ({
    flowMlPerHour: Math.ceil((tuning.R9.passedQuanta * quantumMl) / 24),
    withinMs: dayMs,
  }),
};

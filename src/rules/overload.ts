/** R2: more gas than the meter is made for, as from a torn hose or an open pipe. gas-domain 2.1, 2.5. */
import { statusBits } from "#domain/status.ts";
import { credibleFlowMlPerHour, meanMsMin, provenFlowMlPerHour } from "./flow.ts";
import type { Rule, RuleReading, RuleSettings } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.over_flow;

/** Two witnesses: the meter's word, and what its numbers say. Either is enough. */
export interface OverloadState {
  readonly bit: BitLevel;
  readonly measured: 0 | 1;
}

interface Evidence {
  readonly by: "flow" | "interval" | "doubted interval";
  readonly flowMlPerHour: number;
  readonly limitMlPerHour: number;
}

/** The worst of what the numbers of a reading say; undefined: they say nothing. */
function evidenceOf(settings: RuleSettings, reading: RuleReading): Evidence | undefined {
  const { flowMlPerHour, interval, doubtedInterval, measuredAtMs } = reading;
  const { qmaxMlPerHour, tuning } = settings;
  const flowLimit = Math.floor(tuning.R2.flowFactor * qmaxMlPerHour);
  const meanLimit = Math.floor(tuning.R2.meanFlowFactor * qmaxMlPerHour);
  const reported = credibleFlowMlPerHour(settings, flowMlPerHour);
  const mean = provenFlowMlPerHour(settings, interval, measuredAtMs);
  // Screening keeps such a jump out of the bill, and rightly; but a torn hose looks just like it.
  const doubted = provenFlowMlPerHour(settings, doubtedInterval, measuredAtMs);
  return worse(
    evidence("flow", reported, flowLimit),
    worse(evidence("interval", mean, meanLimit), evidence("doubted interval", doubted, meanLimit)),
  );
}

function evidence(by: Evidence["by"], flowMlPerHour: number | null, limitMlPerHour: number) {
  return flowMlPerHour === null ? undefined : { by, flowMlPerHour, limitMlPerHour };
}

function worse(a: Evidence | undefined, b: Evidence | undefined): Evidence | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.flowMlPerHour - a.limitMlPerHour >= b.flowMlPerHour - b.limitMlPerHour ? a : b;
}

/** What is over ends only below the dead band. */
function isOver({ tuning }: RuleSettings, { flowMlPerHour, limitMlPerHour }: Evidence): boolean {
  return flowMlPerHour > (1 - tuning.R2.deadBandShare) * limitMlPerHour;
}

/** Whether any of the numbers is beyond its limit; without a dead band the worst need not be known. */
function begins(settings: RuleSettings, reading: RuleReading): 0 | 1 {
  const { qmaxMlPerHour, tuning } = settings;
  const { flowMlPerHour, interval, doubtedInterval, measuredAtMs } = reading;
  const reported = credibleFlowMlPerHour(settings, flowMlPerHour) ?? 0;
  if (reported > Math.floor(tuning.R2.flowFactor * qmaxMlPerHour)) return 1;
  const mean = provenFlowMlPerHour(settings, interval, measuredAtMs) ?? 0;
  const doubted = provenFlowMlPerHour(settings, doubtedInterval, measuredAtMs) ?? 0;
  return Math.max(mean, doubted) > Math.floor(tuning.R2.meanFlowFactor * qmaxMlPerHour) ? 1 : 0;
}

function lasts(settings: RuleSettings, reading: RuleReading): 0 | 1 {
  const worst = evidenceOf(settings, reading);
  return worst === undefined || isOver(settings, worst) ? 1 : 0;
}

export const overload: Rule<OverloadState> = {
  initial: { bit: 0, measured: 0 },
  step(settings, state, reading) {
    const bit = followBit(state.bit, reading.status, bits);
    const measured = state.measured === 0 ? begins(settings, reading) : lasts(settings, reading);
    if (bit === state.bit && measured === state.measured) return state;
    return { bit, measured };
  },
  level: (state) => (state.bit === 1 || state.measured === 1 ? 1 : 0),
  prove(settings, state, reading) {
    const worst = evidenceOf(settings, reading);
    if (worst === undefined || (state.bit === 1 && state.measured === 0)) {
      return statusProof(reading.status, bits);
    }
    return { ...worst };
  },
  /** By interval means; a reported flow needs the factor of the overload flow more. */
  floor: ({ qmaxMlPerHour, tuning }) => ({
    flowMlPerHour: Math.floor(tuning.R2.meanFlowFactor * qmaxMlPerHour),
    withinMs: meanMsMin,
  }),
};

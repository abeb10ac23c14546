/** R3: more gas than this site has ever drawn. gas-domain 2.5. */
import { statusBits } from "#domain/status.ts";
import { dayMs } from "#domain/units.ts";
import { credibleFlowMlPerHour, meanMsMin, provenFlowMlPerHour } from "./flow.ts";
import type { Rule, RuleReading, RuleSettings } from "./rule.ts";
import { followBit, statusProof, type BitLevel } from "./statusBit.ts";

const bits = statusBits.large_flow;

export interface LargeFlowState {
  readonly bit: BitLevel;
  /** Largest flow of the abnormal stretch that lasts; 0: none. Learned when it ends, not before. */
  readonly abnormalMlPerHour: number;
  /** Start of the younger bucket; null: nothing learned yet. */
  readonly bucketFromMs: number | null;
  readonly largestMlPerHour: number;
  /** The older bucket; null: there is none yet. */
  readonly formerMlPerHour: number | null;
}

function flowOf(settings: RuleSettings, reading: RuleReading): number | null {
  const flow = credibleFlowMlPerHour(settings, reading.flowMlPerHour);
  const mean = provenFlowMlPerHour(settings, reading.interval, reading.measuredAtMs);
  return flow === null ? mean : mean === null ? flow : Math.max(flow, mean);
}

function turnBuckets(state: LargeFlowState, bucketMs: number, nowMs: number): LargeFlowState {
  const agedMs = state.bucketFromMs === null ? Infinity : nowMs - state.bucketFromMs;
  if (state.bucketFromMs === null || agedMs >= 2 * bucketMs) {
    return { ...state, bucketFromMs: nowMs, largestMlPerHour: 0, formerMlPerHour: null };
  }
  if (agedMs < bucketMs) return state;
  const bucketFromMs = state.bucketFromMs + bucketMs;
  return { ...state, bucketFromMs, largestMlPerHour: 0, formerMlPerHour: state.largestMlPerHour };
}

function limitMlPerHour(settings: RuleSettings, state: LargeFlowState, nowMs: number): number {
  const { bucketFromMs, formerMlPerHour, largestMlPerHour } = state;
  const { qmaxFactor, floorQmaxFactor, floorM3h, learnedFactor, armAfterDays } = settings.tuning.R3;
  const ceiling = Math.floor(qmaxFactor * settings.qmaxMlPerHour);
  const isArmed =
    formerMlPerHour !== null ||
    (bucketFromMs !== null && nowMs - bucketFromMs >= armAfterDays * dayMs);
  if (!isArmed) return ceiling;
  const largest = Math.max(largestMlPerHour, formerMlPerHour ?? 0);
  const floor = Math.max(Math.floor(floorQmaxFactor * settings.qmaxMlPerHour), floorM3h * 1e6);
  return Math.min(ceiling, Math.max(floor, Math.floor(learnedFactor * largest)));
}

/**
 * An abnormal flow is learned when it has ended: while it lasts it must not make itself normal, and a new
 * appliance should trouble people once, not every day for three months.
 */
function learn(settings: RuleSettings, before: LargeFlowState, flow: number, nowMs: number) {
  const state = turnBuckets(before, settings.tuning.R3.bucketDays * dayMs, nowMs);
  const deadBand = state.abnormalMlPerHour > 0 ? settings.tuning.R3.deadBandShare : 0;
  if (flow > (1 - deadBand) * limitMlPerHour(settings, state, nowMs)) {
    const abnormalMlPerHour = Math.max(state.abnormalMlPerHour, flow);
    return abnormalMlPerHour === state.abnormalMlPerHour ? state : { ...state, abnormalMlPerHour };
  }
  const largestMlPerHour = Math.max(state.largestMlPerHour, state.abnormalMlPerHour, flow);
  if (largestMlPerHour === state.largestMlPerHour && state.abnormalMlPerHour === 0) return state;
  return { ...state, abnormalMlPerHour: 0, largestMlPerHour };
}

export const largeFlow: Rule<LargeFlowState> = {
  initial: {
    bit: 0,
    abnormalMlPerHour: 0,
    bucketFromMs: null,
    largestMlPerHour: 0,
    formerMlPerHour: null,
  },
  step(settings, before, reading) {
    const bit = followBit(before.bit, reading.status, bits);
    const state = bit === before.bit ? before : { ...before, bit };
    const flow = flowOf(settings, reading);
    return flow === null ? state : learn(settings, state, flow, reading.measuredAtMs);
  },
  level: (state) => (state.bit === 1 || state.abnormalMlPerHour > 0 ? 1 : 0),
  prove(settings, state, reading) {
    const flow = flowOf(settings, reading);
    if (flow === null || (state.bit === 1 && state.abnormalMlPerHour === 0)) {
      return statusProof(reading.status, bits);
    }
    const limit = limitMlPerHour(settings, state, reading.measuredAtMs);
    return { by: "flow", flowMlPerHour: flow, limitMlPerHour: limit };
  },
  /** Before it has learned. */
  floor: ({ qmaxMlPerHour, tuning }) => ({
    flowMlPerHour: Math.floor(tuning.R3.qmaxFactor * qmaxMlPerHour),
    withinMs: meanMsMin,
  }),
};

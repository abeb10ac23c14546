/**
 * R4: the flow rises at once by more than the largest appliance of the site, as when a pipe breaks behind the
 * meter while somebody cooks. The Japanese meter's "single flow" test (gas-domain 2.2, 2.5), by what was learned.
 * A meter that reports its flow, or its register, more seldom than every 15 minutes shows no steps.
 */
import { dayMs, minuteMs } from "#domain/units.ts";
import { credibleFlowMlPerHour, provenFlowMlPerHour } from "./flow.ts";
import {
  learnedMaximum,
  learnMaximum,
  nothingLearned,
  type LearnedMaximum,
} from "./learnedMaximum.ts";
import type { Rule, RuleReading, RuleSettings } from "./rule.ts";

/** A step that lasts: where the flow came from, and how far it rose. */
interface Step {
  readonly fromMlPerHour: number;
  readonly riseMlPerHour: number;
}

export interface StepIncreaseState {
  /** null: none, or too long ago. */
  readonly last: { readonly atMs: number; readonly flowMlPerHour: number } | null;
  readonly step: Step | null;
  readonly learned: LearnedMaximum;
}

function apartMsMax({ tuning }: RuleSettings): number {
  return tuning.R4.apartMinutesMax * minuteMs;
}

/** The reported flow, or the mean over an interval too short to hide two appliances. */
function flowOf(settings: RuleSettings, reading: RuleReading): number | null {
  const reported = credibleFlowMlPerHour(settings, reading.flowMlPerHour);
  if (reported !== null || reading.interval === null) return reported;
  const { interval, measuredAtMs } = reading;
  if (measuredAtMs - interval.fromMs > apartMsMax(settings)) return null;
  return provenFlowMlPerHour(settings, interval, measuredAtMs);
}

function limitMlPerHour(
  { qmaxMlPerHour, tuning }: RuleSettings,
  learned: LearnedMaximum,
  nowMs: number,
): number {
  const { qmaxFactor, floorQmaxFactor, floorM3h, learnedFactor, armAfterDays } = tuning.R4;
  const ceiling = Math.floor(qmaxFactor * qmaxMlPerHour);
  const largest = learnedMaximum(learned, armAfterDays * dayMs, nowMs);
  if (largest === null) return ceiling;
  const floor = Math.max(Math.floor(floorQmaxFactor * qmaxMlPerHour), floorM3h * 1e6);
  return Math.min(ceiling, Math.max(floor, Math.floor(learnedFactor * largest)));
}

function follow(
  settings: RuleSettings,
  state: StepIncreaseState,
  flowMlPerHour: number,
  nowMs: number,
): StepIncreaseState {
  const { holdShare } = settings.tuning.R4;
  const { last: before, step, learned } = state;
  const last = { atMs: nowMs, flowMlPerHour };
  if (step !== null) {
    const { fromMlPerHour, riseMlPerHour } = step;
    if (flowMlPerHour >= fromMlPerHour + holdShare * riseMlPerHour) return { last, step, learned };
    // Learned when it is over: while it lasts it must not make itself usual.
    return { last, step: null, learned: learn(settings, learned, nowMs, riseMlPerHour) };
  }
  const isNear = before !== null && nowMs - before.atMs <= apartMsMax(settings);
  if (!isNear) return { last, step: null, learned: learn(settings, learned, nowMs, 0) };
  const riseMlPerHour = flowMlPerHour - before.flowMlPerHour;
  if (riseMlPerHour > limitMlPerHour(settings, learned, nowMs)) {
    return { last, step: { fromMlPerHour: before.flowMlPerHour, riseMlPerHour }, learned };
  }
  return { last, step: null, learned: learn(settings, learned, nowMs, riseMlPerHour) };
}

function learn(
  { tuning }: RuleSettings,
  learned: LearnedMaximum,
  nowMs: number,
  riseMlPerHour: number,
): LearnedMaximum {
  return learnMaximum(learned, tuning.R4.bucketDays * dayMs, nowMs, riseMlPerHour);
}

export const stepIncrease: Rule<StepIncreaseState> = {
  initial: { last: null, step: null, learned: nothingLearned },
  step(settings, state, reading) {
    const flow = flowOf(settings, reading);
    return flow === null ? state : follow(settings, state, flow, reading.measuredAtMs);
  },
  level: ({ step }) => (step === null ? 0 : 1),
  prove(settings, { step, last, learned }, reading) {
    const limit = limitMlPerHour(settings, learned, reading.measuredAtMs);
    return {
      by: "step",
      flowMlPerHour: last?.flowMlPerHour ?? 0,
      riseMlPerHour: step?.riseMlPerHour ?? 0,
      limitMlPerHour: limit,
    };
  },
  /** Before it has learned. */
  floor: (settings) => ({
    flowMlPerHour: Math.floor(settings.tuning.R4.qmaxFactor * settings.qmaxMlPerHour),
    withinMs: apartMsMax(settings),
  }),
};

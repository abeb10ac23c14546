/**
 * Checks on what was used, when its registers are sound (gas-domain 4.1): none of them changes a volume, each says that
 * a person should look. The factors are ours where the reference gives none, and all of them stand here.
 */
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";

/** What passed between two neighbouring sound registers. */
export interface UseInterval {
  readonly fromMs: number;
  readonly toMs: number;
  readonly ml: number;
  /** Of the meter that hung there then. */
  readonly qmaxMlPerHour: number;
}

export interface UseInput {
  readonly fromMs: number;
  readonly toMs: number;
  readonly volumeMl: number;
  /** All that have a part in the period. */
  readonly intervals: readonly UseInterval[];
  /** What passed in the same days a year before; null: not known. */
  readonly lastYearMl: number | null;
  /** In the period of the same length just before. */
  readonly beforeMl: number | null;
  /** For so long of the period the valve was not known to be shut. */
  readonly notShutMs: number;
}

export type UseCheck = "spike" | "high-use" | "low-use" | "zero-use" | "gap";
export interface UseFinding {
  readonly check: UseCheck;
  readonly atMs: number;
}

export const useLimits = Object.freeze({
  /** Spike: (highest − third-highest) / third-highest of a day's hours; the factor is the reference's. */
  spikeFactor: 1.8,
  /** Households are all spikes; what a meter is made for is none. Share of Qmax. */
  spikeFlowShare: 0.5,
  /** Hours of a day that must be known. */
  spikeHoursMin: 20,
  /** Against the same days of last year; against the period before, for seasons differ. */
  lastYearFactor: 3,
  beforeFactor: 5,
  /** Below this mean the factors say nothing. */
  comparedMlPerDayMin: 200_000,
  /** Shorter periods are not compared. */
  comparedDaysMin: 7,
  /** Nothing at all for so long, where gas was used before and the valve is open. */
  zeroDaysMin: 14,
  /** Between two sound registers; a meter reports at least once a day. */
  gapMs: 26 * hourMs,
});

/** Every finding of a period, with the instant that it is about. */
export function checkUse(input: UseInput): readonly UseFinding[] {
  return [...spikes(input), ...comparisons(input), ...gaps(input)];
}

interface UseHour extends UseInterval {
  readonly flow: number;
}

function isHigh({ flow, qmaxMlPerHour }: UseHour): boolean {
  return flow >= qmaxMlPerHour * useLimits.spikeFlowShare;
}

/** Hour by hour within stretches of a day. */
function spikes({ fromMs, toMs, intervals }: UseInput): readonly UseFinding[] {
  const days = new Map<number, UseHour[]>();
  for (const interval of intervals) {
    const lengthMs = interval.toMs - interval.fromMs;
    const isInside = interval.fromMs >= fromMs && interval.toMs <= toMs;
    if (!isInside || lengthMs > hourMs + 30 * minuteMs) continue;
    const day = Math.floor((interval.fromMs - fromMs) / dayMs);
    const flow = (interval.ml * hourMs) / lengthMs;
    const hours = days.get(day);
    if (hours === undefined) days.set(day, [{ ...interval, flow }]);
    else hours.push({ ...interval, flow });
  }
  return [...days.values()].flatMap((hours) => {
    if (hours.length < useLimits.spikeHoursMin || !hours.some(isHigh)) return [];
    const [highest, , third] = hours.toSorted((one, other) => other.flow - one.flow);
    if (highest === undefined || third === undefined) return [];
    const isSpike = highest.flow - third.flow > third.flow * useLimits.spikeFactor;
    return isHigh(highest) && isSpike ? [{ check: "spike", atMs: highest.toMs } as const] : [];
  });
}

function comparisons(input: UseInput): readonly UseFinding[] {
  const { fromMs, toMs, volumeMl, lastYearMl, beforeMl, notShutMs } = input;
  const days = (toMs - fromMs) / dayMs;
  if (days < useLimits.comparedDaysMin || volumeMl < 0) return [];
  const at = (check: UseCheck) => [{ check, atMs: toMs }];
  if (volumeMl === 0) {
    // Who heats with gas uses none in summer; last year's summer says so.
    const usedBefore = lastYearMl ?? beforeMl ?? 0;
    const isZeroUse = notShutMs >= useLimits.zeroDaysMin * dayMs && usedBefore > 0;
    return isZeroUse ? at("zero-use") : [];
  }
  const [usualMl, factor] =
    lastYearMl === null
      ? [beforeMl, useLimits.beforeFactor]
      : [lastYearMl, useLimits.lastYearFactor];
  const floorMl = useLimits.comparedMlPerDayMin * days;
  if (usualMl === null || Math.max(usualMl, volumeMl) < floorMl) return [];
  if (volumeMl > usualMl * factor) return at("high-use");
  return volumeMl * factor < usualMl ? at("low-use") : [];
}

function gaps({ intervals, toMs: endMs }: UseInput): readonly UseFinding[] {
  return intervals
    .filter(({ fromMs, toMs }) => toMs - fromMs > useLimits.gapMs)
    .map(({ toMs }) => ({ check: "gap", atMs: Math.min(toMs, endMs) }));
}

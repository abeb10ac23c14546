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
}

export interface UseInput {
  readonly fromMs: number;
  readonly toMs: number;
  readonly volumeMl: number;
  readonly qmaxMlPerHour: number;
  readonly intervals: readonly UseInterval[];
  /** What passed in the same days a year before; null: not known. */
  readonly lastYearMl: number | null;
  /** In the period of the same length just before. */
  readonly beforeMl: number | null;
  readonly isValveShut: boolean;
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

/** Hour by hour within stretches of a day. */
function spikes({ fromMs, intervals, qmaxMlPerHour }: UseInput): readonly UseFinding[] {
  const days = new Map<number, UseInterval[]>();
  for (const interval of intervals) {
    if (interval.toMs - interval.fromMs > hourMs + 30 * minuteMs) continue;
    const day = Math.floor((interval.fromMs - fromMs) / dayMs);
    days.set(day, [...(days.get(day) ?? []), interval]);
  }
  return [...days.values()].flatMap((hours) => {
    if (hours.length < useLimits.spikeHoursMin) return [];
    const [highest, , third] = hours.toSorted((one, other) => other.ml - one.ml);
    if (highest === undefined || third === undefined) return [];
    const flow = (highest.ml * hourMs) / (highest.toMs - highest.fromMs);
    const isHigh = flow >= qmaxMlPerHour * useLimits.spikeFlowShare;
    const isSpike = highest.ml - third.ml > third.ml * useLimits.spikeFactor;
    return isHigh && isSpike ? [{ check: "spike", atMs: highest.toMs } as const] : [];
  });
}

function comparisons(input: UseInput): readonly UseFinding[] {
  const { fromMs, toMs, volumeMl, lastYearMl, beforeMl, isValveShut } = input;
  const days = (toMs - fromMs) / dayMs;
  if (days < useLimits.comparedDaysMin || volumeMl < 0) return [];
  const at = (check: UseCheck) => [{ check, atMs: toMs }];
  const usedBefore = Math.max(lastYearMl ?? 0, beforeMl ?? 0);
  if (volumeMl === 0) {
    const isZeroUse = days >= useLimits.zeroDaysMin && usedBefore > 0 && !isValveShut;
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

function gaps({ intervals }: UseInput): readonly UseFinding[] {
  return intervals
    .filter(({ fromMs, toMs }) => toMs - fromMs > useLimits.gapMs)
    .map(({ toMs }) => ({ check: "gap", atMs: toMs }));
}

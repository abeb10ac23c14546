/** The flow that a reading proves: reported by the meter, or the mean over an interval. */
import { hourMs, minuteMs } from "#domain/units.ts";
import type { Interval, RuleSettings } from "./rule.ts";

/** A mean over less is mostly rounding of register and clock; also the 120 s of gas-domain 2.5. */
export const meanMsMin = 2 * minuteMs;

const defaults = Object.freeze({
  /** Either end of an interval may be off by one quantum. */
  roundingQuanta: 2,
  /**
   * A diaphragm meter loses pressure with about the square of its flow: some 200 Pa at Qmax, so the 2 kPa of a
   * household network drive no more than about 3.2 Qmax through it even with the hose torn off. Five times
   * Qmax leaves room for higher network pressure; a unit mix-up (x1000) or a wrong register lies far beyond.
   */
  credibleFactorMax: 5,
});

/** A flow that the meter reports, or null where it says nothing or nothing that a meter can pass. */
export function credibleFlowMlPerHour(
  settings: RuleSettings,
  flowMlPerHour: number | null,
): number | null {
  if (flowMlPerHour === null || !Number.isFinite(flowMlPerHour)) return null;
  if (flowMlPerHour > defaults.credibleFactorMax * settings.qmaxMlPerHour) return null;
  return Math.max(0, flowMlPerHour);
}

/** The least mean flow that explains an interval's consumption, or null where it proves nothing. */
export function provenFlowMlPerHour(
  settings: RuleSettings,
  interval: Interval | null,
  untilMs: number,
): number | null {
  if (interval === null) return null;
  const elapsedMs = untilMs - interval.fromMs;
  if (elapsedMs < meanMsMin) return null;
  const surelyMl = interval.consumedMl - defaults.roundingQuanta * settings.quantumMl;
  return credibleFlowMlPerHour(settings, Math.floor((Math.max(0, surelyMl) * hourMs) / elapsedMs));
}

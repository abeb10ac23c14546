/** R12: a meter that should have reported and did not. By our clock alone: the meter says nothing, after all. */
import type { ConditionLevel, Proof } from "#domain/alarm.ts";
import { dayMs, hourMs } from "#domain/units.ts";

const defaults = Object.freeze({
  /** A report is missed when it is later than this share of the period, at most an hour. */
  graceShare: 0.1,
  graceMsMax: hourMs,
  /** One missed report is nobody's alarm (gas-domain 2.5, trap 24). */
  missedForLevel1: 2,
  missedForLevel2: 3,
  silentMsForLevel2: 3 * dayMs,
});

/** Both instants are by our clock; never give it the meter's time. */
export function noContact(
  reportEveryMs: number,
  lastReceivedAtMs: number,
  nowMs: number,
): { level: ConditionLevel; proof: Proof } {
  const silentMs = Math.max(0, nowMs - lastReceivedAtMs);
  const graceMs = Math.min(defaults.graceMsMax, defaults.graceShare * reportEveryMs);
  const missedReports = Math.max(0, Math.floor((silentMs - graceMs) / reportEveryMs));
  const isLong =
    silentMs >= defaults.silentMsForLevel2 && missedReports >= defaults.missedForLevel2;
  const level = isLong ? 2 : missedReports >= defaults.missedForLevel1 ? 1 : 0;
  return { level, proof: { silentMs, missedReports, reportEveryMs } };
}

/** R12: a meter that should have reported and did not. By our clock alone: the meter says nothing, after all. */
import type { ConditionLevel, Proof } from "#domain/alarm.ts";
import { dayMs, minuteMs } from "#domain/units.ts";
import type { Tuning } from "./tuning.ts";

/** What its silence comes to, and since when. */
export interface Silence {
  readonly level: ConditionLevel;
  readonly beganMs: number;
  readonly proof: Proof;
}

/** Both instants are by our clock; never give it the meter's time. */
export function noContact(
  tuning: Tuning["R12"],
  reportEveryMs: number,
  lastReceivedAtMs: number,
  nowMs: number,
): Silence {
  const silentMs = Math.max(0, nowMs - lastReceivedAtMs);
  const graceMs = Math.min(tuning.graceMinutesMax * minuteMs, tuning.graceShare * reportEveryMs);
  const missedReports = Math.max(0, Math.floor((silentMs - graceMs) / reportEveryMs));
  const isLong =
    silentMs >= tuning.silentDaysForLevel2 * dayMs && missedReports >= tuning.missedForLevel2;
  const level = isLong ? 2 : missedReports >= tuning.missedForLevel1 ? 1 : 0;
  const beganMs = lastReceivedAtMs + graceMs + tuning.missedForLevel1 * reportEveryMs;
  return { level, beganMs, proof: { silentMs, missedReports, reportEveryMs } };
}

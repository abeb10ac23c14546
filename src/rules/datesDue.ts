/**
 * R17: a meter whose verification or whose service life runs out (clause 6.2.4). By the calendar alone, and for whoever
 * plans visits: 30 and 7 days before, and on the day. Never an alarm.
 */
import type { ConditionLevel, Proof } from "#domain/alarm.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import type { Tuning } from "./tuning.ts";

/** Calendar days, `2027-02-28`; null: not in the registry. */
export interface DatesDue {
  readonly verificationDueOn: string | null;
  readonly retirementDueOn: string | null;
}

export interface DueReminder {
  readonly level: ConditionLevel;
  /** Changes with each reminder and with nothing else. */
  readonly proof: Proof;
  /** When this reminder became due, our clock. */
  readonly sinceMs: number;
}

/** The reminder that stands at this instant, for the nearer of the two dates; null: none yet. */
export function datesDue(
  tuning: Tuning["R17"],
  { verificationDueOn, retirementDueOn }: DatesDue,
  nowMs: number,
): DueReminder | null {
  const isVerification =
    retirementDueOn === null ||
    (verificationDueOn !== null && verificationDueOn <= retirementDueOn);
  const dueOn = isVerification ? verificationDueOn : retirementDueOn;
  if (dueOn === null) return null;
  const offsetMs = tuning.utcOffsetHours * hourMs;
  const today = Math.floor((nowMs + offsetMs) / dayMs);
  const due = Math.floor(Date.parse(`${dueOn}T00:00:00Z`) / dayMs);
  const stages = [0, tuning.secondDays, tuning.firstDays];
  const daysBefore = stages.find((days) => due - today <= days);
  if (daysBefore === undefined) return null;
  const what = isVerification ? "verification" : "retirement";
  return {
    level: daysBefore === 0 ? 2 : 1,
    proof: { what, dueOn, daysBefore },
    sinceMs: (due - daysBefore) * dayMs - offsetMs,
  };
}

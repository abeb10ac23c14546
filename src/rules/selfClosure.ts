/**
 * R21: a meter that shuts itself when no uplink of its was taken for so many days, which may be our fault as well as
 * its own. It counts by its own clock from the last uplink that we took; so do we, from the same uplink.
 */
import type { ConditionLevel, Proof } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import { dayMs, formatInstant, timestampMs, type TimestampMs } from "#domain/units.ts";
import type { Tuning } from "./tuning.ts";

/** A report may be late by this share of its period and is not missed. */
const lateShare = 0.1;

/** Days left, then the last days, then past: it has shut itself, and only a person there opens it again. */
export type ClosureStage = "coming" | "near" | "passed";

export interface ComingClosure {
  readonly stage: ClosureStage;
  readonly level: ConditionLevel;
  readonly shutsAtMs: TimestampMs;
  /** When it came so near that somebody must be called. */
  readonly nearSinceMs: TimestampMs;
  readonly proof: Proof;
}

/** null: it does not shut itself, or it was heard lately. Both instants are by our clock. */
export function selfClosure(
  tuning: Tuning["R21"],
  { selfClosesAfterDays, reportEveryMs }: Pick<Meter, "selfClosesAfterDays" | "reportEveryMs">,
  lastReceivedAtMs: number,
  nowMs: number,
): ComingClosure | null {
  if (selfClosesAfterDays === null) return null;
  const silentMs = Math.max(0, nowMs - lastReceivedAtMs);
  const shutsAtMs = timestampMs(lastReceivedAtMs + selfClosesAfterDays * dayMs);
  const { daysLeftForLevel1, daysLeftForLevel2, shareLeftForLevel2 } = tuning;
  const nearDays = Math.min(daysLeftForLevel2, shareLeftForLevel2 * selfClosesAfterDays);
  const leftMs = shutsAtMs - nowMs;
  const hasMissed = silentMs > (1 + lateShare) * reportEveryMs;
  if (!hasMissed || leftMs > Math.max(daysLeftForLevel1, nearDays) * dayMs) return null;
  const stage = leftMs <= 0 ? "passed" : leftMs <= nearDays * dayMs ? "near" : "coming";
  return {
    stage,
    level: stage === "near" ? 2 : 1,
    shutsAtMs,
    nearSinceMs: timestampMs(shutsAtMs - nearDays * dayMs),
    proof: { stage, silentMs, selfClosesAfterDays, shutsAt: formatInstant(shutsAtMs) },
  };
}

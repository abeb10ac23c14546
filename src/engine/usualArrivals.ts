/**
 * How many uplinks are usual at this time of day, learned from the days before. By ten minutes, not by the hour: meters
 * that report at the full hour leave the rest of it empty. Pure; `followArrivals.ts` asks it.
 */
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";

/** Our proposals, after the 70 % for 10 minutes that the control room is used to. */
export const arrivalLimits = Object.freeze({
  slotMs: 10 * minuteMs,
  /** A slot that the clocks say lasted longer or shorter is no measure. */
  slotToleranceMs: minuteMs / 2,
  share: 0.7,
  /** Days on which a slot was seen before it is judged. */
  daysMin: 3,
  /** The usual is a mean over about so many days. */
  daysMax: 7,
  /** Fewer are too few to tell: a night is silent by its own history. */
  usualMin: 40,
  /** Chance moves a count by its square root; so many of them are no chance. */
  chances: 4,
  /** After a start meters come back at once or in their own time. */
  restMs: hourMs,
});

export const slots = dayMs / arrivalLimits.slotMs;

/** Per slot of the day: what is usual, and from how many days. */
export interface UsualArrivals {
  readonly counts: readonly number[];
  readonly days: readonly number[];
}

/** What one slot says: `unknown` raises nothing and ends nothing. */
export type ArrivalVerdict = "low" | "usual" | "unknown";

/** Slots begin at five past, so that what comes at the full hour, a little early or late, falls in one. */
export function slotNoAt(nowMs: number): number {
  return Math.floor((nowMs + arrivalLimits.slotMs / 2) / arrivalLimits.slotMs);
}

/** As kept in the ledger, or nothing learned. */
export function openUsual(kept: string | undefined): UsualArrivals {
  if (kept !== undefined) return JSON.parse(kept) as UsualArrivals;
  const nothing = Array.from({ length: slots }, () => 0);
  return { counts: nothing, days: nothing };
}

export function usualAt({ counts }: UsualArrivals, slotNo: number): number {
  return counts[slotNo % slots] ?? 0;
}

/** `keptAway`: the share of what is usual that nobody expects now. */
export function judgeArrivals(
  usual: UsualArrivals,
  slotNo: number,
  count: number,
  keptAway = 0,
): ArrivalVerdict {
  const { daysMin, usualMin, share, chances } = arrivalLimits;
  const wanted = usualAt(usual, slotNo) * (1 - keptAway);
  if ((usual.days[slotNo % slots] ?? 0) < daysMin || wanted < usualMin) return "unknown";
  if (count >= share * wanted) return "usual";
  return wanted - count > chances * Math.sqrt(wanted) ? "low" : "unknown";
}

/** With one more day; a flood of old values does not make tomorrow look empty. */
export function learnArrivals(usual: UsualArrivals, slotNo: number, count: number): UsualArrivals {
  const { daysMin, daysMax, usualMin } = arrivalLimits;
  const at = slotNo % slots;
  const before = usual.counts[at] ?? 0;
  const days = Math.min((usual.days[at] ?? 0) + 1, daysMax);
  const taken = days > daysMin ? Math.min(count, 2 * before + usualMin) : count;
  const now = Math.round((before + (taken - before) / days) * 10) / 10;
  return { counts: usual.counts.with(at, now), days: usual.days.with(at, days) };
}

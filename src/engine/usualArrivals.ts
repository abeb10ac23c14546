/**
 * How many uplinks are usual at this time of day, learned from the days before. By ten minutes, not by the hour: meters
 * that report at the full hour leave the rest of it empty. Pure; `arrivals.ts` keeps and asks it.
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

const slots = dayMs / arrivalLimits.slotMs;

/** Per slot of the day: what is usual, and from how many days. */
export interface UsualArrivals {
  readonly counts: readonly number[];
  readonly days: readonly number[];
}

export interface Arrivals {
  readonly usual: UsualArrivals;
  /** The slot that is counted; null: none yet. */
  readonly slotNo: number | null;
  /** When it began, by the clock that never jumps. */
  readonly beganMs: number;
  readonly count: number;
}

/** What one slot says: `unknown` raises nothing and ends nothing. */
export type ArrivalVerdict = "low" | "usual" | "unknown";

/** Slots begin at five past, so that what comes at the full hour, a little early or late, falls in one. */
export function slotNoAt(nowMs: number): number {
  return Math.floor((nowMs + arrivalLimits.slotMs / 2) / arrivalLimits.slotMs);
}

/** As kept in the ledger, or nothing learned. */
export function openArrivals(kept: string | undefined): Arrivals {
  const nothing = Array.from({ length: slots }, () => 0);
  const usual =
    kept === undefined ? { counts: nothing, days: nothing } : (JSON.parse(kept) as UsualArrivals);
  return { usual, slotNo: null, beganMs: 0, count: 0 };
}

export function usualAt({ counts }: UsualArrivals, slotNo: number): number {
  return counts[slotNo % slots] ?? 0;
}

export function judgeArrivals(usual: UsualArrivals, slotNo: number, count: number): ArrivalVerdict {
  const { daysMin, usualMin, share, chances } = arrivalLimits;
  const wanted = usualAt(usual, slotNo);
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

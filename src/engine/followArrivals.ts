/** What arrives, held against what is usual: one look a second. Pure; `arrivals.ts` keeps it and raises the alarm. */
import { followRecent, suddenFall, type RecentArrivals } from "./suddenFall.ts";
import {
  arrivalLimits,
  judgeArrivals,
  learnArrivals,
  openUsual,
  slotNoAt,
  usualAt,
  type UsualArrivals,
} from "./usualArrivals.ts";

export interface Arrivals {
  readonly usual: UsualArrivals;
  /** The slot that is counted; null: none yet. */
  readonly slotNo: number | null;
  /** When it began, by the clock that never jumps. */
  readonly beganMs: number;
  readonly count: number;
  /** They broke off in this slot: it says nothing about their end. */
  readonly hasFallen: boolean;
  /** The greatest share of what is usual that planned work kept away in this slot. */
  readonly keptAway: number;
  readonly recent: RecentArrivals;
}

export interface ArrivalLook {
  readonly nowMs: number;
  readonly monotonicMs: number;
  /** When the engine began to listen. */
  readonly startedAtMs: number;
  /** It is told already that too few arrive. */
  readonly isKnown: boolean;
  /** The share of what is usual that planned work keeps away now. */
  readonly keptAway: number;
}

/** Few: with the numbers that say so. */
export type ArrivalNews =
  | { readonly few: Readonly<Record<"received" | "usual" | "withinSeconds", number>> }
  | { readonly few: null };

/** As kept in the ledger, or nothing learned. */
export function openArrivals(kept: string | undefined): Arrivals {
  const recent = { cells: [], beganMs: 0, count: 0, lookedMs: Number.NEGATIVE_INFINITY };
  const slot = { slotNo: null, beganMs: 0, count: 0, hasFallen: false, keptAway: 0 };
  return { usual: openUsual(kept), ...slot, recent };
}

export function addArrivals({ count, recent, ...rest }: Arrivals, uplinks: number): Arrivals {
  return {
    ...rest,
    count: count + uplinks,
    recent: { ...recent, count: recent.count + uplinks },
  };
}

/** `news` null: nothing raises the alarm and nothing ends it. */
export function followArrivals(
  before: Arrivals,
  look: ArrivalLook,
): { readonly arrivals: Arrivals; readonly news: ArrivalNews | null } {
  const { nowMs, monotonicMs } = look;
  const slotNo = slotNoAt(nowMs);
  const keptAway = Math.max(before.keptAway, look.keptAway);
  const recent = followRecent(before.recent, monotonicMs, look.isKnown);
  const isCellOver = recent.cells !== before.recent.cells;
  const { usual: ofDay } = before;
  const fall = isCellOver ? suddenFall(recent.cells, { usual: ofDay, slotNo, keptAway }) : null;
  const hasFallen = before.hasFallen || fall !== null;
  const arrivals = { ...before, keptAway, hasFallen, recent };
  const news = fall === null ? null : { few: { ...fall } };
  if (slotNo === before.slotNo) return { arrivals, news };
  const next = { slotNo, beganMs: monotonicMs, count: 0, hasFallen: false, keptAway: 0 };
  if (!isMeasured(before, look)) return { arrivals: { ...arrivals, ...next }, news };
  const usual = learnArrivals(ofDay, before.slotNo ?? 0, before.count);
  return { arrivals: { ...arrivals, ...next, usual }, news: news ?? endSlot(arrivals) };
}

/** Whether the slot that is over was watched from end to end, and long enough after a start. */
function isMeasured({ slotNo, beganMs }: Arrivals, look: ArrivalLook): boolean {
  const { slotMs, slotToleranceMs, restMs } = arrivalLimits;
  const errorMs = Math.abs(look.monotonicMs - beganMs - slotMs);
  const isRested = look.nowMs - slotMs - look.startedAtMs >= restMs;
  return slotNo !== null && errorMs <= slotToleranceMs && isRested;
}

function endSlot({ usual, slotNo, count, hasFallen, keptAway }: Arrivals): ArrivalNews | null {
  const verdict = judgeArrivals(usual, slotNo ?? 0, count, keptAway);
  if (verdict === "usual") return hasFallen ? null : { few: null };
  if (verdict === "unknown") return null;
  const wanted = Math.round(usualAt(usual, slotNo ?? 0));
  const withinSeconds = arrivalLimits.slotMs / 1_000;
  return { few: { received: count, usual: wanted, withinSeconds } };
}

/**
 * Whether arrivals have just broken off: the last seconds against the hour before them and the usual of this time of
 * day. The busier the fleet, the sooner chance is no explanation. Pure; `followArrivals.ts` asks it.
 */
import { hourMs, secondMs } from "#domain/units.ts";
import { arrivalLimits, slots, type UsualArrivals } from "./usualArrivals.ts";

/** Our proposals. */
const fallLimits = Object.freeze({
  /** Uplinks are counted in cells of this length. */
  cellMs: 5 * secondMs,
  /** The looks, in cells: 20 s, a minute, three minutes. */
  lookCells: [4, 12, 36],
  /** A look is held against so much time before it: what is finer than the slots of a day must have been seen. */
  beforeMs: { min: arrivalLimits.slotMs, max: hourMs },
  /** From so many earlier looks their spread is known. */
  looksBefore: 10,
  /** What still comes is less than this of what should. */
  share: 0.3,
  /**
   * The usual of so many slots before and after is alike: the least is so much of the greatest. While less than an
   * hour was seen, a silence that comes back each hour could only be known from the slots.
   */
  alike: { seen: { slots: 1, share: 0.5 }, unseen: { slots: 3, share: 0.8 } },
  /** Variance over mean: one for single meters by chance, a little more as they repeat. */
  spreadMin: 2,
  /** Chance does it once in e^25 looks; with 50,000 looks a day, once in 3,000 years. */
  exponentMin: 25,
});

/** Without a gap up to now, by the clock that never jumps. */
export interface RecentArrivals {
  /** Uplinks in each cell that is over, the oldest first. */
  readonly cells: readonly number[];
  /** The cell that is counted. */
  readonly beganMs: number;
  readonly count: number;
  readonly lookedMs: number;
}

export interface Fall {
  readonly received: number;
  readonly usual: number;
  readonly withinSeconds: number;
}

/** Begins anew after a gap, for what was not looked at is no measure, and while it is known that too few arrive. */
export function followRecent(
  { cells, beganMs, count, lookedMs }: RecentArrivals,
  monotonicMs: number,
  isKnown: boolean,
): RecentArrivals {
  const { cellMs, lookCells, beforeMs } = fallLimits;
  if (isKnown || monotonicMs - lookedMs > cellMs) {
    return { cells: [], beganMs: monotonicMs, count: 0, lookedMs: monotonicMs };
  }
  if (monotonicMs - beganMs < cellMs) return { cells, beganMs, count, lookedMs: monotonicMs };
  const kept = [...cells, count].slice(-beforeMs.max / cellMs - Math.max(...lookCells));
  return { cells: kept, beganMs: beganMs + cellMs, count: 0, lookedMs: monotonicMs };
}

/**
 * Cells from the oldest to the one that has just ended, in this slot, of whose usual a share is kept away by planned
 * work; null: nothing that chance does not explain.
 */
export function suddenFall(
  cells: readonly number[],
  { usual: ofDay, slotNo, keptAway }: { usual: UsualArrivals; slotNo: number; keptAway: number },
): Fall | null {
  const { cellMs, lookCells, beforeMs, looksBefore, share, exponentMin } = fallLimits;
  const isSeen = cells.length * cellMs >= beforeMs.max;
  const usualOfCell = usualInCell(ofDay, slotNo, isSeen ? "seen" : "unseen") * (1 - keptAway);
  for (const length of lookCells) {
    const cellsBefore = cells.length - length;
    if (cellsBefore < Math.max(beforeMs.min / cellMs, looksBefore * length)) return null;
    const received = sum(cells.slice(cellsBefore));
    if (received >= share * usualOfCell * length) continue;
    const { mean, spread } = looksIn(
      cells.slice(0, cellsBefore).slice(-beforeMs.max / cellMs),
      length,
    );
    const usual = Math.min(mean, usualOfCell * length);
    if (received >= share * usual || chanceExponent(received, usual) < exponentMin * spread)
      continue;
    return { received, usual: Math.round(usual), withinSeconds: (length * cellMs) / secondMs };
  }
  return null;
}

/** What is usual in one cell where the day has no steps near this slot; otherwise 0: nothing is expected. */
function usualInCell({ counts, days }: UsualArrivals, slotNo: number, hour: "seen" | "unseen") {
  const { slots: each, share } = fallLimits.alike[hour];
  const around = Array.from(
    { length: 2 * each + 1 },
    (_, place) => (slotNo - each + place) % slots,
  );
  if (around.some((at) => (days[at] ?? 0) < arrivalLimits.daysMin)) return 0;
  const usual = around.map((at) => counts[at] ?? 0);
  const least = Math.min(...usual);
  if (least < share * Math.max(...usual)) return 0;
  return (least * fallLimits.cellMs) / arrivalLimits.slotMs;
}

/** Earlier looks of the same length, side by side up to the newest. */
function looksIn(before: readonly number[], length: number) {
  const count = Math.floor(before.length / length);
  const newest = before.slice(before.length - count * length);
  const looks = Array.from({ length: count }, (_, place) =>
    sum(newest.slice(place * length, (place + 1) * length)),
  );
  const mean = sum(looks) / count;
  const variance = sum(looks.map((look) => (look - mean) ** 2)) / (count - 1);
  return { mean, spread: Math.max(fallLimits.spreadMin, variance / Math.max(mean, 1)) };
}

/** Chernoff's bound: by chance so few of so many come with a probability below e^-this. */
function chanceExponent(received: number, usual: number): number {
  const part = received / usual;
  return usual * (1 - part + (part === 0 ? 0 : part * Math.log(part)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

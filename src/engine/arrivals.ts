/** ARRIVALS: far fewer uplinks than usual for ten minutes. Counted per batch, judged when ten minutes are over. */
import type { Book } from "./book.ts";
import { settingNames, type Memory } from "./memory.ts";
import type { Room } from "./room.ts";
import { liftSystem, raiseSystem } from "./systemAlarms.ts";
import {
  arrivalLimits,
  judgeArrivals,
  learnArrivals,
  slotNoAt,
  usualAt,
  type Arrivals,
} from "./usualArrivals.ts";

/** Undone with its batch. */
export function countArrivals(memory: Memory, uplinks: number): void {
  memory.arrivals = { ...memory.arrivals, count: memory.arrivals.count + uplinks };
}

/** Looks whether ten minutes are over. */
export function watchArrivals(room: Room, book: Book): void {
  const { memory, clock } = room;
  const slotNo = slotNoAt(book.nowMs);
  const { arrivals } = memory;
  if (slotNo === arrivals.slotNo) return;
  const monotonicMs = clock.monotonicMs();
  const whole = measuredSlot(room, book, arrivals, monotonicMs);
  const usual = whole === null ? arrivals.usual : endSlot(room, book, whole);
  memory.arrivals = { usual, slotNo, beganMs: monotonicMs, count: 0 };
}

/** The number of the slot that is over, when it was watched from end to end and long enough after a start. */
function measuredSlot(
  { memory }: Room,
  { nowMs }: Book,
  { slotNo, beganMs }: Arrivals,
  monotonicMs: number,
): number | null {
  const { slotMs, slotToleranceMs, restMs } = arrivalLimits;
  const errorMs = Math.abs(monotonicMs - beganMs - slotMs);
  const isRested = nowMs - slotMs - memory.startedAtMs >= restMs;
  return slotNo !== null && errorMs <= slotToleranceMs && isRested ? slotNo : null;
}

function endSlot(room: Room, book: Book, slotNo: number) {
  const { usual, count } = room.memory.arrivals;
  const verdict = judgeArrivals(usual, slotNo, count);
  if (verdict === "usual") liftSystem(book, "ARRIVALS");
  if (verdict === "low") {
    const proof = { received: count, usual: Math.round(usualAt(usual, slotNo)) };
    raiseSystem(book, room.rng, "ARRIVALS", proof);
  }
  const learned = learnArrivals(usual, slotNo, count);
  book.ledger.putSetting(settingNames.arrivals, JSON.stringify(learned));
  return learned;
}

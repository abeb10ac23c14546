/** ARRIVALS: far fewer uplinks than usual for ten minutes, or in a busy fleet hardly any for seconds. */
import { isActive } from "./alarmDesk.ts";
import type { Book } from "./book.ts";
import { addArrivals, followArrivals } from "./followArrivals.ts";
import { settingNames, type Memory } from "./memory.ts";
import type { Room } from "./room.ts";
import { liftSystem, raiseSystem } from "./systemAlarms.ts";
import { keptAwayByWork } from "./worksOver.ts";

/** Undone with its batch. */
export function countArrivals(memory: Memory, uplinks: number): void {
  memory.arrivals = addArrivals(memory.arrivals, uplinks);
}

export function watchArrivals({ memory, clock, rng }: Room, book: Book): void {
  const { usual } = memory.arrivals;
  const { arrivals, news } = followArrivals(memory.arrivals, {
    nowMs: book.nowMs,
    monotonicMs: clock.monotonicMs(),
    startedAtMs: memory.startedAtMs,
    isKnown: isActive(memory.system.ARRIVALS),
    keptAway: keptAwayByWork(memory, book.nowMs),
  });
  memory.arrivals = arrivals;
  if (arrivals.usual !== usual) {
    book.ledger.putSetting(settingNames.arrivals, JSON.stringify(arrivals.usual));
  }
  if (news === null) return;
  if (news.few === null) liftSystem(book, "ARRIVALS");
  else raiseSystem(book, rng, "ARRIVALS", news.few);
}

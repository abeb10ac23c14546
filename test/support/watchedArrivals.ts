/** Arrivals before the watch over them, second by second as the engine asks it: when it rang, and when it was over. */
import { secondMs } from "#domain/units.ts";
import { addArrivals, followArrivals, openArrivals } from "#engine/followArrivals.ts";

export interface Ring {
  readonly atMs: number;
  readonly withinSeconds: number;
  /** null: not yet. */
  untilMs: number | null;
}

export class WatchedArrivals {
  readonly rings: Ring[] = [];
  nowMs: number;
  #startedAtMs: number;
  #arrivals = openArrivals(undefined);

  constructor(fromMs: number) {
    this.nowMs = fromMs;
    this.#startedAtMs = fromMs;
  }

  /** A look after a second, or another time, in which so many arrived. */
  look(uplinks: number, keptAway = 0, sinceMs: number = secondMs): void {
    this.nowMs += sinceMs;
    const open = this.rings.at(-1);
    const isKnown = open !== undefined && open.untilMs === null;
    const { arrivals, news } = followArrivals(addArrivals(this.#arrivals, uplinks), {
      nowMs: this.nowMs,
      monotonicMs: this.nowMs,
      startedAtMs: this.#startedAtMs,
      isKnown,
      keptAway,
    });
    this.#arrivals = arrivals;
    if (news === null) return;
    if (news.few === null) {
      if (isKnown) open.untilMs = this.nowMs;
    } else if (!isKnown) {
      const { withinSeconds } = news.few;
      this.rings.push({ atMs: this.nowMs, withinSeconds, untilMs: null });
    }
  }

  /** The process starts anew: what was learned is kept. */
  restart(): void {
    this.#startedAtMs = this.nowMs;
    this.#arrivals = openArrivals(JSON.stringify(this.#arrivals.usual));
  }
}

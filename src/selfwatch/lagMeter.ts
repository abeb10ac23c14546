/** How far the engine is behind, by counts and the clock that never jumps; costs nothing per uplink. */
import type { QueueProgress } from "#ports/trouble.ts";

/** Looks remembered while something waits; a longer wait is as old as the first of them. */
const marksMax = 600;

export class LagMeter {
  /** How many had arrived at each look; the first of them is the first that had seen the oldest one waiting. */
  #marks: { readonly atMs: number; readonly arrivals: number }[] = [];
  #reports = -1;
  #reportedAtMs = 0;

  /** The longer of two waits: of the oldest uplink for its commit, and of us for a word of the engine. */
  look({ arrivals, oldestArrival, reports }: QueueProgress, nowMs: number): number {
    if (reports !== this.#reports) {
      this.#reports = reports;
      this.#reportedAtMs = nowMs;
    }
    if (this.#marks.length < marksMax) this.#marks.push({ atMs: nowMs, arrivals });
    const oldest = oldestArrival ?? Infinity;
    this.#marks = this.#marks.filter((mark) => mark.arrivals >= oldest);
    const waitedMs = nowMs - (this.#marks[0]?.atMs ?? nowMs);
    return Math.max(waitedMs, nowMs - this.#reportedAtMs);
  }
}

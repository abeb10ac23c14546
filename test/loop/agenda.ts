/** What is to happen at which instant of the city; nothing waits for a clock. */

interface Entry {
  readonly atMs: number;
  readonly act: () => void;
}

export class Agenda {
  nowMs: number;
  /** The latest first, so that the next one is cheap to take. */
  readonly #entries: Entry[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** The past means now; of two at the same instant the one that was asked for first comes first. */
  at(atMs: number, act: () => void): void {
    const entry = { atMs: Math.max(Math.ceil(atMs), this.nowMs), act };
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.atMs ?? 0) >= entry.atMs) low = middle + 1;
      else high = middle;
    }
    // Behind all that are later or at the same instant: those at the same instant must stay nearer to the end.
    let place = low;
    while (place > 0 && this.#entries[place - 1]?.atMs === entry.atMs) place -= 1;
    this.#entries.splice(place, 0, entry);
  }

  /** Carries out everything up to the instant, also what is added meanwhile. */
  runUntil(atMs: number): void {
    for (;;) {
      const next = this.#entries.at(-1);
      if (next === undefined || next.atMs > atMs) break;
      this.#entries.pop();
      this.nowMs = next.atMs;
      next.act();
    }
    this.nowMs = atMs;
  }
}

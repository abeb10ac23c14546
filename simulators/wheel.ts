/** One timer for a whole district: what is due at an instant waits in a slot of virtual time. */
import type { SimClock } from "./clock.ts";

/** Real time between two looks at the clock; nothing is due earlier, and at most this much later. */
const tickRealMs = 10;

export class Wheel {
  readonly #clock: SimClock;
  readonly #slotMs: number;
  readonly #slots = new Map<number, (() => void)[]>();
  #nextSlot: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: SimClock) {
    this.#clock = clock;
    this.#slotMs = tickRealMs * clock.lapse.factor;
    this.#nextSlot = Math.floor(clock.nowMs() / this.#slotMs);
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#turn();
    }, tickRealMs);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#slots.clear();
  }

  /** Runs `act` at the instant or soon after; the past means at the next tick. */
  at(virtualMs: number, act: () => void): void {
    const slot = Math.max(this.#nextSlot, Math.ceil(virtualMs / this.#slotMs));
    const acts = this.#slots.get(slot);
    if (acts === undefined) this.#slots.set(slot, [act]);
    else acts.push(act);
  }

  #turn(): void {
    const currentSlot = Math.floor(this.#clock.nowMs() / this.#slotMs);
    while (this.#nextSlot <= currentSlot) {
      const acts = this.#slots.get(this.#nextSlot) ?? [];
      this.#slots.delete(this.#nextSlot);
      // Counted on first: an act that asks for "now" must land in a slot that is still to come.
      this.#nextSlot += 1;
      for (const act of acts) act();
    }
  }
}

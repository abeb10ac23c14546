/** Counts offences per key and makes the key wait; remembers a bounded number of keys, the newest. */
import type { Clock } from "#ports/clock.ts";

export interface StrikeLimits {
  /** This many within the window … */
  readonly strikesMax: number;
  readonly windowMs: number;
  /** … and the key waits so long. */
  readonly waitMs: number;
  readonly keysMax: number;
}

interface Strikes {
  readonly firstAtMs: number;
  readonly count: number;
  readonly waitsUntilMs: number;
}

export class StrikeBook {
  readonly #limits: StrikeLimits;
  readonly #clock: Clock;
  /** In order of the last strike; the oldest leaves first. */
  readonly #byKey = new Map<string, Strikes>();

  constructor(limits: StrikeLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get size(): number {
    return this.#byKey.size;
  }

  isWaiting(key: string): boolean {
    const strikes = this.#byKey.get(key);
    return strikes !== undefined && this.#clock.monotonicMs() < strikes.waitsUntilMs;
  }

  /** True when this strike is the one that makes the key wait. */
  strike(key: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    const former = this.#byKey.get(key);
    const continues = former !== undefined && nowMs - former.firstAtMs < this.#limits.windowMs;
    const count = continues ? former.count + 1 : 1;
    const firstAtMs = continues ? former.firstAtMs : nowMs;
    const isLast = count === this.#limits.strikesMax;
    const waitsUntilMs = isLast ? nowMs + this.#limits.waitMs : (former?.waitsUntilMs ?? 0);
    this.#byKey.delete(key);
    this.#byKey.set(key, { firstAtMs, count, waitsUntilMs });
    this.#forgetOldest();
    return isLast;
  }

  forgive(key: string): void {
    this.#byKey.delete(key);
  }

  #forgetOldest(): void {
    if (this.#byKey.size <= this.#limits.keysMax) return;
    for (const key of this.#byKey.keys()) {
      this.#byKey.delete(key);
      return;
    }
  }
}

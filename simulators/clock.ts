/** Time-lapse: the same two numbers given to the engine and to the fleet make both agree on the instant. */

/** virtual = base + (real - base) * factor. Factor 1 is real time. */
export interface TimeLapse {
  readonly baseMs: number;
  readonly factor: number;
}

/** Real time, unhurried. */
export const realTime: TimeLapse = { baseMs: 0, factor: 1 };

/** The district's clock: virtual instants in, real waiting out. */
export class SimClock {
  readonly lapse: TimeLapse;

  constructor(lapse: TimeLapse = realTime) {
    this.lapse = lapse;
  }

  /** The instant in the district, in whole milliseconds. */
  nowMs(): number {
    const { baseMs, factor } = this.lapse;
    return Math.floor(baseMs + (Date.now() - baseMs) * factor);
  }

  /** How long a person waits until that instant of the district; never negative. */
  realDelayMs(virtualMs: number): number {
    return Math.max(0, (virtualMs - this.nowMs()) / this.lapse.factor);
  }

  /** Resolves when the district has reached the instant, or at once when the signal aborts. */
  sleepUntil(virtualMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, this.realDelayMs(virtualMs));
      signal?.addEventListener("abort", finish);
      if (signal?.aborted === true) finish();
    });
  }
}

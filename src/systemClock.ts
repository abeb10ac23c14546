/** The clocks of the world outside; everything else gets them as an argument. */
import { performance } from "node:perf_hooks";
import { timestampMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";

export interface ClockSettings {
  /** 1 in earnest; more makes a day of a district pass in minutes, for demonstrations. */
  readonly factor: number;
  /** The real instant at which time-lapse began; the same in every process that shares the clock. */
  readonly baseMs: number;
}

/** The system's clock, or a faster one that started from it at `baseMs`. */
export function systemClock({ factor, baseMs }: ClockSettings): Clock {
  return {
    nowMs: () => timestampMs(Math.floor(baseMs + (Date.now() - baseMs) * factor)),
    monotonicMs: () => performance.now(),
  };
}

/** Time as an argument. Durations of our own come from `monotonicMs`, instants from `nowMs`. */
import type { TimestampMs } from "#domain/units.ts";

export interface Clock {
  nowMs(): TimestampMs;
  /** Never goes back, whatever happens to the wall clock; no meaning but in differences. */
  monotonicMs(): number;
}

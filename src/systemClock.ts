/** The clocks of the world outside; everything else gets them as an argument. */
import { performance } from "node:perf_hooks";
import { timestampMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";

/** One instant on both clocks of the machine. */
export interface ClockAnchor {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface ClockSettings {
  /** 1 in earnest; more makes a day of a district pass in minutes, for demonstrations. */
  readonly factor: number;
  /** The real instant at which time-lapse began; the same in every process that shares the clock. */
  readonly baseMs: number;
  /** From where all threads of the process count; absent: from now. */
  readonly anchor?: ClockAnchor;
}

/** The machine's clocks; `monotonicMs` counts alike in every thread of the process. */
export interface MachineClocks {
  wallMs(): number;
  monotonicMs(): number;
}

export interface SystemClock extends Clock {
  /** How far the machine's clock has moved away from ours since the start, in real time; ahead is positive. */
  apartMs(): number;
}

/** `performance.now()` counts from each thread's own beginning, `hrtime` does not; the former is the faster. */
function machineClocks(): MachineClocks {
  const aheadMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return { wallMs: () => Date.now(), monotonicMs: () => performance.now() + aheadMs };
}

/** Both clocks as they stand. */
export function anchorNow(machine: MachineClocks = machineClocks()): ClockAnchor {
  return { wallMs: machine.wallMs(), monotonicMs: machine.monotonicMs() };
}

/**
 * The machine's clock at the start, counted on by the clock that never jumps; or a faster one that started from it at
 * `baseMs`. When somebody moves the machine's clock by an hour or a year, no meter falls silent, no command runs out
 * and no reading becomes history: an alarm (CLOCK) says it, and the next start takes the machine's clock again.
 */
export function systemClock(
  { factor, baseMs, anchor }: ClockSettings,
  machine: MachineClocks = machineClocks(),
): SystemClock {
  const { wallMs, monotonicMs } = anchor ?? anchorNow(machine);
  const aheadMs = wallMs - monotonicMs;
  const steadyMs = () => machine.monotonicMs() + aheadMs;
  return {
    nowMs: () => timestampMs(Math.floor(baseMs + (steadyMs() - baseMs) * factor)),
    monotonicMs: () => machine.monotonicMs(),
    apartMs: () => machine.wallMs() - steadyMs(),
  };
}

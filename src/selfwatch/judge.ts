/** When our own state is an alarm, and when it is over: numbers in, level out. */
import type { ConditionLevel } from "#domain/alarm.ts";
import { secondMs } from "#domain/units.ts";

/** Our proposals; each leaves its alarm later than it entered it, so that none chatters. */
const troubleLimits = Object.freeze({
  lagMs: 5 * secondMs,
  lagOverMs: 2.5 * secondMs,
  /** Looks in a row that must say the same; a look is a second. */
  lagLooks: 3,
  lagOverLooks: 10,
  clockApartMs: 5 * secondMs,
  diskShare: { 1: 0.2, 2: 0.1 },
  diskDeadBand: 0.02,
  /** So long somebody may wait to be told before it is an alarm: within 30 s in all. */
  notifierMs: 20 * secondMs,
  fanOutMs: 10 * secondMs,
  fanOutLooks: 3,
  /** One heartbeat may be lost on its way. */
  heartbeatFailures: 2,
});

/** Whether something is wrong, and how many looks in a row have said the opposite. */
export interface LagState {
  readonly level: 0 | 1;
  readonly looksAgainst: number;
}

export function judgeLag({ level, looksAgainst }: LagState, lagMs: number): LagState {
  const { lagMs: limitMs, lagOverMs, lagLooks, lagOverLooks } = troubleLimits;
  const isAgainst = level === 0 ? lagMs > limitMs : lagMs < lagOverMs;
  if (!isAgainst) return { level, looksAgainst: 0 };
  return after({ level, looksAgainst }, level === 0 ? lagLooks : lagOverLooks);
}

/** So many looks in a row must say the opposite. */
function after({ level, looksAgainst }: LagState, looksNeeded: number): LagState {
  const looks = looksAgainst + 1;
  if (looks < looksNeeded) return { level, looksAgainst: looks };
  return { level: level === 0 ? 1 : 0, looksAgainst: 0 };
}

/** How long the live feed has not been read by anybody who joined it. */
export function judgeFanOut(state: LagState, undrainedMs: number): LagState {
  const isStuck = undrainedMs > troubleLimits.fanOutMs;
  if (isStuck === (state.level === 1)) return { level: state.level, looksAgainst: 0 };
  return after(state, troubleLimits.fanOutLooks);
}

/** How long somebody outside may wait to be told. */
export const notifierMs = troubleLimits.notifierMs;

/** How far the machine's clock stands from ours, forward or back. */
export function judgeClock(apartMs: number): 0 | 1 {
  return Math.abs(apartMs) > troubleLimits.clockApartMs ? 1 : 0;
}

export function judgeDisk(before: ConditionLevel, freeShare: number): ConditionLevel {
  const { diskShare, diskDeadBand } = troubleLimits;
  const limit = (level: 1 | 2) => diskShare[level] + (before >= level ? diskDeadBand : 0);
  if (freeShare < limit(2)) return 2;
  return freeShare < limit(1) ? 1 : 0;
}

/** Failures in a row. */
export function judgeHeartbeat(failures: number): 0 | 1 {
  return failures >= troubleLimits.heartbeatFailures ? 1 : 0;
}

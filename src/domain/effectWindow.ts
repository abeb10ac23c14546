/** When an order that waits here can reach a meter that sleeps: it listens only after its own reports. */

/** How a meter is used to report; by our clock. */
export interface ReportingHabit {
  /** null: it was never heard. */
  readonly lastSeenAtMs: number | null;
  /** Between its last reports, as they came. */
  readonly gapsMs: readonly number[];
  /** What the registry expects. */
  readonly reportEveryMs: number;
}

export interface EffectWindow {
  readonly earliestAtMs: number;
  /** null: it was never heard, or is overdue; nobody can say. */
  readonly latestAtMs: number | null;
}

/** Reports so close together are one wake. */
export const wakeGapMsMin = 60_000;
/** Gaps that are remembered of a meter: a week of days, or a third of a day of hours. */
export const gapsRemembered = 8;

/** From its habit, and never before now. An event at the meter wakes it sooner. */
export function effectWindow(habit: ReportingHabit, nowMs: number): EffectWindow {
  const { lastSeenAtMs, gapsMs, reportEveryMs } = habit;
  if (lastSeenAtMs === null) return { earliestAtMs: nowMs, latestAtMs: null };
  const earliestAtMs = Math.max(nowMs, lastSeenAtMs + Math.min(reportEveryMs, ...gapsMs));
  const latestAtMs = lastSeenAtMs + Math.max(reportEveryMs, ...gapsMs);
  return { earliestAtMs, latestAtMs: latestAtMs < nowMs ? null : latestAtMs };
}

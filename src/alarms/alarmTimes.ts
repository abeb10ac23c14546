/**
 * What an alarm's age does to it, by our clock: nobody answers, an acknowledged condition goes on and on, a shelf
 * ends. The times are our proposal (gas-domain 3.1); those of shelving stand there too.
 */
import type { Alarm, Priority } from "#domain/alarm.ts";
import { dayMs, hourMs, minuteMs, timestampMs, type TimestampMs } from "#domain/units.ts";

type ByPriority = Readonly<Record<Priority, number>>;

interface AlarmTimes {
  /** 0: never. */
  readonly shelvedMsMax: ByPriority;
  readonly answerWithinMs: ByPriority;
  /** A bell that nobody hears is not heard a hundredth time either. */
  readonly unansweredMax: number;
  readonly reAlarmAfterMs: ByPriority;
}

export const alarmTimes: AlarmTimes = Object.freeze({
  shelvedMsMax: { 1: 0, 2: 8 * hourMs, 3: dayMs, 4: 7 * dayMs },
  answerWithinMs: { 1: 3 * minuteMs, 2: 30 * minuteMs, 3: Infinity, 4: Infinity },
  unansweredMax: 3,
  /** The next shift must learn what this one has acknowledged and not ended. */
  reAlarmAfterMs: { 1: 8 * hourMs, 2: dayMs, 3: Infinity, 4: Infinity },
});

/** What will happen to an alarm by itself, and when; null: nothing. */
export interface Due {
  readonly atMs: TimestampMs;
  readonly kind: "noAnswer" | "reAlarm" | "unshelve";
}

/** The next thing that time alone does to this alarm. */
export function nextDue(alarm: Alarm): Due | null {
  const { state, priority, unanswered } = alarm;
  if (state === "shelved") return due("unshelve", alarm.hidden?.untilMs ?? null, 0);
  if (state === "acknowledged") {
    return due("reAlarm", alarm.acknowledgedAtMs, alarmTimes.reAlarmAfterMs[priority]);
  }
  const waits = state === "unacknowledged" || state === "latched-unacknowledged";
  if (!waits || unanswered >= alarmTimes.unansweredMax) return null;
  return due("noAnswer", alarm.rungAtMs, (unanswered + 1) * alarmTimes.answerWithinMs[priority]);
}

function due(kind: Due["kind"], fromMs: TimestampMs | null, waitMs: number): Due | null {
  if (fromMs === null || !Number.isFinite(waitMs)) return null;
  return { kind, atMs: timestampMs(fromMs + waitMs) };
}

/** When a shelf ends at the latest. */
export function shelfEndMs(
  priority: Priority,
  nowMs: number,
  end: { readonly atMs: number } | { readonly inMs: number } | { readonly onReturn: true },
): number {
  if ("atMs" in end) return end.atMs;
  return nowMs + ("inMs" in end ? end.inMs : alarmTimes.shelvedMsMax[priority]);
}

/** Why a shelf may not end then; null: it may. */
export function shelfFault(priority: Priority, nowMs: number, untilMs: number): string | null {
  const maxMs = alarmTimes.shelvedMsMax[priority];
  if (maxMs === 0) return `an alarm of priority ${priority} is never shelved`;
  if (untilMs <= nowMs) return "the end lies in the past";
  if (untilMs - nowMs <= maxMs) return null;
  return `an alarm of priority ${priority} is shelved for ${maxMs / hourMs} hours at most`;
}

/** What a step of an alarm's life does to its fields; the same for alarms of meters and of the system. */
import {
  newLife,
  stepAlarm,
  type AlarmFault,
  type AlarmInput,
  type AlarmLife,
  type AlarmStep,
} from "#alarms/alarmLife.ts";
import { hiddenStates, type Alarm } from "#domain/alarm.ts";
import type { Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";

/** One step of an alarm, or of one that is still to be raised. */
export function stepOf(
  latching: boolean,
  alarm: Alarm | undefined,
  input: AlarmInput,
): Result<AlarmStep, AlarmFault> {
  return stepAlarm(latching, alarm === undefined ? newLife : lifeOf(alarm), input);
}

export function lifeOf({ state, occurrence, level, returnedAtMs, hidden }: Alarm): AlarmLife {
  const holds = state !== "normal" && returnedAtMs === null;
  return { state, holds, occurrence, level, ...(hidden?.isOnce === true && { isOnce: true }) };
}

/** The alarm with the life that a step has given it; what hid it is gone when it is in sight. */
export function lived(alarm: Alarm, { state, occurrence, level }: AlarmLife): Alarm {
  const hidden = hiddenStates.includes(state) ? alarm.hidden : null;
  return { ...alarm, state, occurrence, level, hidden };
}

/** A new occurrence has been seen by nobody; in sight, it rings from now on. */
export function unseen({ state }: AlarmLife, nowMs: TimestampMs) {
  const rings = state === "unacknowledged";
  return {
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    ...(rings ? { rungAtMs: nowMs, unanswered: 0 } : {}),
  } as const;
}

/** A step that makes an alarm ring again, or a latch wait again, starts the time for an answer anew. */
export function moved(alarm: Alarm, life: AlarmLife, nowMs: TimestampMs): Partial<Alarm> {
  if (life.occurrence !== alarm.occurrence) return unseen(life, nowMs);
  const waitsAgain = life.state === "latched-unacknowledged" && hiddenStates.includes(alarm.state);
  return waitsAgain
    ? { acknowledgedAtMs: null, acknowledgedBy: null, rungAtMs: nowMs, unanswered: 0 }
    : {};
}

/** Which planned work, if any, explains that an alarm begins now: by kind, place, time and how grave it is. */
import { explains } from "#alarms/suppression.ts";
import type { ConditionLevel, Hidden, Priority } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import { isWorkedAt, type PlannedWork } from "#domain/plannedWork.ts";
import type { TimestampMs } from "#domain/units.ts";

export type Works = ReadonlyMap<string, PlannedWork>;

interface Beginning {
  readonly rule: string;
  readonly level: ConditionLevel;
  readonly priority: Priority;
  /** What began before the work is none of its doing. */
  readonly raisedAtMs: number;
}

/** The first planned of those that explain it; undefined: it rings. */
export function workOver(
  works: Works,
  meter: Meter,
  nowMs: TimestampMs,
  now: Beginning,
): PlannedWork | undefined {
  for (const work of works.values()) {
    const isThere = now.raisedAtMs >= work.fromMs && isWorkedAt(work, meter, nowMs);
    if (isThere && explains(hiddenByWork(work, nowMs), now)) return work;
  }
  return undefined;
}

/** Why an alarm is hidden by this work. */
export function hiddenByWork(
  { id: workId, kind: workKind }: PlannedWork,
  sinceMs: TimestampMs,
): Hidden {
  return { reason: "planned work", by: "engine", sinceMs, untilMs: null, workId, workKind };
}

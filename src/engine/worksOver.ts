/** Which planned work, if any, explains that an alarm begins now: by kind, place, time and how grave it is. */
import { explains } from "#alarms/suppression.ts";
import type { ConditionLevel, Hidden, Priority } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import { isWorkedAt, workStateAt, type PlannedWork } from "#domain/plannedWork.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { Memory } from "./memory.ts";

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

/**
 * The share of the fleet's usual uplinks that planned work keeps away now, as far as it explains silence. Counted
 * anew only when the works that go on, or the registry, have changed.
 */
export function keptAwayByWork(memory: Memory, nowMs: TimestampMs): number {
  const silence = { rule: "R12", level: 1, priority: 4 } as const;
  const going = [...memory.works.values()].filter(
    (work) =>
      workStateAt(work, nowMs) === "running" && explains(hiddenByWork(work, nowMs), silence),
  );
  if (going.length === 0) return 0;
  const of = [memory.registryVersion, ...going.map(({ id }) => id)].join(" ");
  if (memory.keptAway?.of === of) return memory.keptAway.share;
  let usual = 0;
  let away = 0;
  for (const meter of memory.meters.values()) {
    const uplinks = 1 / meter.reportEveryMs;
    usual += uplinks;
    if (going.some((work) => isWorkedAt(work, meter, nowMs))) away += uplinks;
  }
  memory.keptAway = { of, share: usual === 0 ? 0 : away / usual };
  return memory.keptAway.share;
}

/** How many alarms stand, by priority: kept as they change, for a fleet is too large to be counted each time. */
import { hiddenStates, type Alarm, type Priority } from "#domain/alarm.ts";
import type { Memory } from "./memory.ts";

export type AlarmCounts = Record<Priority, number>;

export const noAlarms: Readonly<AlarmCounts> = Object.freeze({ 1: 0, 2: 0, 3: 0, 4: 0 });

type Slots = Readonly<Partial<Record<string, Alarm>>>;

/** The counts after one meter's live alarms went from `before` to `after`. */
export function recount(counts: AlarmCounts, before: Slots, after: Slots): AlarmCounts {
  if (before === after) return counts;
  const next = { ...counts };
  for (const alarm of Object.values(before)) if (isStanding(alarm)) next[alarm.priority] -= 1;
  for (const alarm of Object.values(after)) if (isStanding(alarm)) next[alarm.priority] += 1;
  return next;
}

/** In sight of the operators: what is shelved, suppressed or out of service is not counted. */
function isStanding(alarm: Alarm | undefined): alarm is Alarm {
  return alarm !== undefined && !hiddenStates.includes(alarm.state);
}

/** The meters' standing alarms and the system's own. */
export function allActive(memory: Memory): AlarmCounts {
  return recount(memory.meterAlarms, {}, memory.system);
}

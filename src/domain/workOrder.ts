/** A work order follows an alarm to the meter and back to the customer (clause 6.2.2). */
import type { Priority, RuleId } from "./alarm.ts";
import type { AlarmId } from "./ids.ts";
import type { Meter } from "./meter.ts";
import { formatInstant, type TimestampMs } from "./units.ts";

export const workOrderStates = [
  "opened",
  "assigned",
  "on_site",
  "done",
  "called_back",
  "cancelled",
] as const;
export type WorkOrderState = (typeof workOrderStates)[number];

/** What persons do with one; `reopen` is a call back that found that it is not done. */
export const workOrderActs = [
  "assign",
  "arrive",
  "complete",
  "callBack",
  "reopen",
  "cancel",
  "note",
  "link",
] as const;
export type WorkOrderAct = (typeof workOrderActs)[number];

/** The same order in the utility's own dispatch system. */
export interface ExternalRef {
  readonly system: string;
  readonly ref: string;
}

/** One line of what was done, by whom and when; never changed afterwards. */
export interface WorkOrderEntry {
  /** When it happened, as far as whoever says it knows; and when it became known here. */
  readonly atMs: TimestampMs;
  readonly knownAtMs: TimestampMs;
  readonly by: string;
  readonly act: "open" | "escalate" | WorkOrderAct;
  /** The state after it. */
  readonly state: WorkOrderState;
  readonly note: string | null;
}

export interface WorkOrder {
  readonly id: string;
  readonly alarmId: AlarmId;
  readonly rule: RuleId;
  readonly priority: Priority;
  /** null: about the system itself. */
  readonly meterNo: number | null;
  readonly state: WorkOrderState;
  readonly openedAtMs: TimestampMs;
  readonly openedBy: string;
  /** Who goes: a name or a crew, as the utility calls it. */
  readonly assignee: string | null;
  readonly externalRef: ExternalRef | null;
  /** When the next step must have been taken; null: there is none. */
  readonly dueAtMs: TimestampMs | null;
  /** How often a deadline of the present step has passed. */
  readonly escalations: number;
  readonly trace: readonly WorkOrderEntry[];
}

/** Steps that have a deadline, by the state that waits for them. */
export const workOrderSteps = ["assign", "arrive", "complete", "callBack"] as const;
export type WorkOrderStep = (typeof workOrderSteps)[number];

/** Which alarms open an order by themselves, and how many minutes each step may take. */
export interface DispatchPolicy {
  readonly openFor: readonly Priority[];
  /** The first three count from the opening, the call back from when it was done. */
  readonly minutes: Readonly<Record<Priority, Readonly<Record<WorkOrderStep, number>>>>;
}

/** For readers; the postal address is not in it. */
export function publicWorkOrder(order: WorkOrder, meter: Meter | null) {
  const { id, alarmId, rule, priority, state, openedAtMs, openedBy, assignee, externalRef } = order;
  return {
    id,
    alarmId: alarmId as string,
    meterId: meter === null ? null : (meter.id as string),
    area: meter === null ? null : meter.area,
    position: meter === null ? null : meter.position,
    rule,
    priority: priority as number,
    state,
    openedAt: formatInstant(openedAtMs),
    openedBy,
    assignee,
    externalRef,
    dueAt: order.dueAtMs === null ? null : formatInstant(order.dueAtMs),
    escalations: order.escalations,
    trace: order.trace.map(({ atMs, knownAtMs, by, act, state: after, note }) => ({
      at: formatInstant(atMs),
      knownAt: formatInstant(knownAtMs),
      by,
      act,
      state: after,
      note,
    })),
  };
}

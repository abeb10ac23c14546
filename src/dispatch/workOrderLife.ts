/** The life of a work order: steps through the table, deadlines, escalation. Pure: time is an argument. */
import type { Alarm, Priority } from "#domain/alarm.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import { minuteMs, timestampMs, type TimestampMs } from "#domain/units.ts";
import type {
  DispatchPolicy,
  ExternalRef,
  WorkOrder,
  WorkOrderAct,
  WorkOrderEntry,
  WorkOrderState,
  WorkOrderStep,
} from "#domain/workOrder.ts";
import { workOrderTransitions } from "./workOrderTable.ts";

/** Limits of one order, by name. */
export const workOrderLimits = Object.freeze({
  entriesMax: 200,
  /** A bell that nobody hears is not heard a hundredth time either. */
  escalationsMax: 3,
});

/** Our proposals: a leak has somebody at the meter within half an hour. No order opens by itself. */
export const factoryPolicy: DispatchPolicy = Object.freeze({
  openFor: [],
  minutes: {
    1: { assign: 5, arrive: 30, complete: 24 * 60, callBack: 24 * 60 },
    2: { assign: 30, arrive: 4 * 60, complete: 48 * 60, callBack: 48 * 60 },
    3: { assign: 24 * 60, arrive: 72 * 60, complete: 7 * 24 * 60, callBack: 72 * 60 },
    4: { assign: 72 * 60, arrive: 14 * 24 * 60, complete: 30 * 24 * 60, callBack: 7 * 24 * 60 },
  },
});

/** The step that each state waits for. */
const awaited: Readonly<Record<WorkOrderState, WorkOrderStep | null>> = {
  opened: "assign",
  assigned: "arrive",
  on_site: "complete",
  done: "callBack",
  called_back: null,
  cancelled: null,
};

/** True while somebody still has something to do. */
export function isOpen({ state }: WorkOrder): boolean {
  return awaited[state] !== null;
}

type Subject = Pick<Alarm, "id" | "rule" | "priority" | "meterNo">;

export interface Opening {
  readonly id: string;
  readonly by: string;
  readonly note: string | null;
  readonly externalRef: ExternalRef | null;
  readonly nowMs: TimestampMs;
}

export function openOrder(policy: DispatchPolicy, alarm: Subject, opening: Opening): WorkOrder {
  const { id, by, note, externalRef, nowMs } = opening;
  const order: WorkOrder = {
    id,
    alarmId: alarm.id,
    rule: alarm.rule,
    priority: alarm.priority,
    meterNo: alarm.meterNo,
    state: "opened",
    openedAtMs: nowMs,
    openedBy: by,
    assignee: null,
    externalRef,
    dueAtMs: null,
    escalations: 0,
    trace: [{ atMs: nowMs, knownAtMs: nowMs, by, act: "open", state: "opened", note }],
  };
  return { ...order, dueAtMs: dueOf(policy, order) };
}

/** What a person says was done. */
export interface WorkOrderInput {
  readonly act: WorkOrderAct;
  readonly by: string;
  readonly note: string | null;
  readonly assignee: string | null;
  readonly externalRef: ExternalRef | null;
  /** When it happened; null: now. */
  readonly atMs: number | null;
  readonly nowMs: TimestampMs;
}

export type WorkOrderFault = "not-allowed-in-state" | "invalid-time" | "too-long";

/** One step; refused where the table does not have it. */
export function stepOrder(
  policy: DispatchPolicy,
  order: WorkOrder,
  input: WorkOrderInput,
): Result<WorkOrder, WorkOrderFault> {
  const { act, by, note, nowMs } = input;
  const found = workOrderTransitions.find(({ from, on }) => from === order.state && on === act);
  if (found === undefined) return fail("not-allowed-in-state");
  if (order.trace.length >= workOrderLimits.entriesMax) return fail("too-long");
  const atMs = timestampMs(input.atMs ?? nowMs);
  const earliestMs = order.trace.at(-1)?.atMs ?? order.openedAtMs;
  if (atMs > nowMs || (input.atMs !== null && atMs < earliestMs)) return fail("invalid-time");
  const { to: state } = found;
  const next: WorkOrder = {
    ...order,
    state,
    assignee: input.assignee ?? order.assignee,
    externalRef: input.externalRef ?? order.externalRef,
    trace: [...order.trace, { atMs, knownAtMs: nowMs, by, act, state, note }],
  };
  if (state === order.state && act !== "assign") return ok(next);
  return ok({ ...next, escalations: 0, dueAtMs: dueOf(policy, next) });
}

/** A deadline has passed: who supervises is told, and told again after as long again. null: not now. */
export function escalated(
  policy: DispatchPolicy,
  order: WorkOrder,
  nowMs: TimestampMs,
): WorkOrder | null {
  const { dueAtMs, escalations, state } = order;
  const step = awaited[state];
  if (dueAtMs === null || step === null || nowMs < dueAtMs) return null;
  if (escalations >= workOrderLimits.escalationsMax) return null;
  const entry: WorkOrderEntry = {
    atMs: nowMs,
    knownAtMs: nowMs,
    by: "engine",
    act: "escalate",
    state,
    note: `no ${step} in time`,
  };
  const trace =
    order.trace.length < workOrderLimits.entriesMax ? [...order.trace, entry] : order.trace;
  const nextDueMs = nowMs + allowedMs(policy, order.priority, step);
  return { ...order, escalations: escalations + 1, dueAtMs: timestampMs(nextDueMs), trace };
}

function allowedMs(policy: DispatchPolicy, priority: Priority, step: WorkOrderStep): number {
  return policy.minutes[priority][step] * minuteMs;
}

/** From the opening; what was reopened, and the call back, from the last step. */
function dueOf(policy: DispatchPolicy, order: WorkOrder): TimestampMs | null {
  const step = awaited[order.state];
  if (step === null) return null;
  const last = order.trace.at(-1);
  const isAnew = step === "callBack" || order.trace.some(({ act }) => act === "reopen");
  const fromMs = isAnew ? (last?.atMs ?? order.openedAtMs) : order.openedAtMs;
  return timestampMs(fromMs + allowedMs(policy, order.priority, step));
}

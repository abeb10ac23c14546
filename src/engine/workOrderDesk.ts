/** Work orders as the ledger has them: opened for an alarm, moved by people or their own system, watched by time. */
import { escalated, isOpen, openOrder, stepOrder } from "#dispatch/workOrderLife.ts";
import type { Alarm } from "#domain/alarm.ts";
import type { EventKind } from "#domain/event.ts";
import { alarmId } from "#domain/ids.ts";
import { unreachable } from "#domain/invariant.ts";
import { publicWorkOrder, type WorkOrder } from "#domain/workOrder.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { publish, type Book } from "./book.ts";
import type { Dispatch } from "./dispatch.ts";
import { settingNames } from "./memory.ts";
import { refuse } from "./refuse.ts";

export type WorkOrderAsk = Extract<
  Ask,
  { readonly kind: "workOrder.open" | "workOrder.step" | "dispatch.policy" }
>;

/** Carries out what persons ask about work orders. */
export function actOnWorkOrder(book: Book, ask: WorkOrderAsk, by: string): AskResult {
  const { dispatch } = book.memory;
  switch (ask.kind) {
    case "workOrder.open":
      return open(book, ask, by);
    case "dispatch.policy": {
      book.memory.dispatch = { ...dispatch, policy: ask.policy };
      book.ledger.putSetting(settingNames.dispatch, JSON.stringify(ask.policy));
      publish(book, "dispatch.policyChanged", null, { by, policy: ask.policy });
      return { ok: true, answer: { kind: "done" } };
    }
    case "workOrder.step":
      return step(book, ask, by);
    default:
      return unreachable(ask);
  }
}

function step(
  book: Book,
  ask: Extract<WorkOrderAsk, { readonly kind: "workOrder.step" }>,
  by: string,
): AskResult {
  const { dispatch } = book.memory;
  const order = dispatch.open.get(ask.workOrderId) ?? book.ledger.workOrder(ask.workOrderId);
  if (order === undefined) return refuse("not-found", `no work order ${ask.workOrderId}`);
  const stepped = stepOrder(dispatch.policy, order, { ...ask, by, nowMs: book.nowMs });
  if (stepped.ok) return answered(keep(book, stepped.value, kindOf(order, stepped.value)));
  switch (stepped.fault) {
    case "not-allowed-in-state":
      return refuse("not-allowed-in-state", `the work order is ${order.state}`);
    case "invalid-time":
      return refuse("invalid", "not before the last step and not in the future");
    case "too-long":
      return refuse("invalid", "the work order has as many lines as it may have");
    default:
      return unreachable(stepped.fault);
  }
}

function answered(workOrder: WorkOrder): AskResult {
  return { ok: true, answer: { kind: "workOrder", workOrder } };
}

function kindOf(before: WorkOrder, after: WorkOrder): EventKind {
  const act = after.trace.at(-1)?.act;
  const isSame = before.state === after.state && act !== "assign";
  return isSame ? "workOrder.noted" : `workOrder.${after.state}`;
}

function open(
  book: Book,
  ask: Extract<WorkOrderAsk, { readonly kind: "workOrder.open" }>,
  by: string,
): AskResult {
  const { dispatch } = book.memory;
  const alarm = book.ledger.alarm(alarmId(ask.alarmId));
  if (alarm === undefined) return refuse("not-found", `no alarm ${ask.alarmId}`);
  const standing = openFor(dispatch, alarm);
  if (standing !== undefined) {
    return refuse("already-exists", `work order ${standing.id} is open for this alarm`);
  }
  const { workOrderId: id, note, externalRef } = ask;
  const opening = { id, by, note, externalRef, nowMs: book.nowMs };
  return answered(keep(book, openOrder(dispatch.policy, alarm, opening), "workOrder.opened"));
}

function openFor({ open }: Dispatch, alarm: Pick<Alarm, "id">): WorkOrder | undefined {
  return [...open.values()].find((order) => order.alarmId === alarm.id);
}

/** An alarm that rings opens its order by itself where the policy says so. */
export function followAlarms(book: Book): void {
  for (const { kind, alarm } of book.toldAlarms) followAlarm(book, kind, alarm);
}

function followAlarm(book: Book, kind: EventKind, alarm: Alarm): void {
  const { dispatch } = book.memory;
  const isNew = kind === "alarm.raised" || kind === "alarm.reraised" || kind === "alarm.escalated";
  const rings = isNew && alarm.state === "unacknowledged" && !alarm.historical;
  if (!rings || !dispatch.policy.openFor.includes(alarm.priority)) return;
  if (openFor(dispatch, alarm) !== undefined) return;
  // Its own occurrence names it: the same batch tried again gives the same order.
  const id = `wo_${alarm.id}_${alarm.occurrence}`;
  const opening = { id, by: "engine", note: null, externalRef: null, nowMs: book.nowMs };
  keep(book, openOrder(dispatch.policy, alarm, opening), "workOrder.opened");
}

/** Once a second: whose deadline has passed. */
export function watchWorkOrders(book: Book): void {
  const { dispatch } = book.memory;
  for (const order of dispatch.open.values()) {
    const next = escalated(dispatch.policy, order, book.nowMs);
    if (next !== null) keep(book, next, "workOrder.escalated");
  }
}

function keep(book: Book, order: WorkOrder, kind: EventKind): WorkOrder {
  const { dispatch, meters } = book.memory;
  const open = new Map(dispatch.open);
  if (isOpen(order)) open.set(order.id, order);
  else open.delete(order.id);
  book.memory.dispatch = { ...dispatch, open };
  book.ledger.putWorkOrder(order);
  const meter = order.meterNo === null ? null : (meters.get(order.meterNo) ?? null);
  publish(book, kind, meter, { workOrder: publicWorkOrder(order, meter) });
  return order;
}

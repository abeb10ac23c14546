/** What happened, in sequence, for people and machines: `/v1/events` and `/v1/live`. */
import type { CampaignState } from "./campaign.ts";
import type { CommandState } from "./command.ts";
import { workOrderStates } from "./workOrder.ts";

export const alarmEventKinds = [
  "alarm.raised",
  "alarm.reraised",
  "alarm.escalated",
  "alarm.returned",
  "alarm.acknowledged",
  "alarm.reset",
  "alarm.cleared",
  "alarm.commented",
  "alarm.unanswered",
  "alarm.shelved",
  "alarm.unshelved",
  "alarm.suppressed",
  "alarm.released",
  "alarm.removed",
  "alarm.restored",
  "alarm.historical",
  "alarm.listed",
] as const;
export const systemEventKinds = [
  "system.started",
  "system.restored",
  "system.blind",
  "system.sighted",
  "system.parked",
  "automation.stopped",
  "automation.resumed",
  "rules.changed",
  "rules.failed",
  "closing.changed",
  "automation.policyChanged",
  "command.approved",
  "meter.registered",
  "meter.changed",
  "meter.exchanged",
  "register.decided",
  "webhook.disabled",
] as const;
export const workOrderEventKinds = [
  ...workOrderStates.map((state) => `workOrder.${state}` as const),
  "workOrder.noted",
  "workOrder.escalated",
  "dispatch.policyChanged",
] as const;
export const workEventKinds = [
  "work.planned",
  "work.started",
  "work.extended",
  "work.overdue",
  "work.finished",
  "work.cancelled",
] as const;
export type AlarmEventKind = (typeof alarmEventKinds)[number];
export type EventKind =
  | AlarmEventKind
  | (typeof systemEventKinds)[number]
  | `command.${CommandState}`
  | `campaign.${CampaignState}`
  | (typeof workOrderEventKinds)[number]
  | (typeof workEventKinds)[number];

/** One event as it is stored and sent; `json` is the whole public object, `seq` included. */
export interface StoredEvent {
  readonly seq: number;
  readonly json: string;
}

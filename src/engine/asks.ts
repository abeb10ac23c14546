/** What people ask for, carried out in the same stream as the uplinks and written with them. */
import { unreachable } from "#domain/invariant.ts";
import type { AskEnvelope, AskResult } from "#ports/requests.ts";
import { actOnAlarm } from "./alarmActs.ts";
import { standingOf } from "./auditStanding.ts";
import { afterOf, subjectOf } from "./auditWords.ts";
import { actOnBill } from "./billAsks.ts";
import type { Book } from "./book.ts";
import { actOnCampaign } from "./campaignDesk.ts";
import { requestRegister } from "./gapAsks.ts";
import { actOnKeys } from "./keyAsks.ts";
import {
  actOnCommand,
  actOnCommands,
  orderForMeter,
  setPolicy,
  switchAutomation,
} from "./commandAsks.ts";
import { actOnDirectory } from "./directoryAsks.ts";
import { actOnPlannedWork } from "./plannedWorkDesk.ts";
import { redecode } from "./redecode.ts";
import { changeMeter, registerMeter } from "./registry.ts";
import { refuse } from "./refuse.ts";
import { decideRegister, exchangeMeter, putConversion } from "./registerAsks.ts";
import { actOnRules } from "./ruleAsks.ts";
import type { Room } from "./room.ts";
import { actOnRecipient } from "./recipientDesk.ts";
import { actOnWebhook } from "./webhookDesk.ts";
import { actOnWorkOrder } from "./workOrderDesk.ts";

/** Carries out one ask, once per idempotency key; every act leaves a line in the audit. */
export function carryOut(room: Room, book: Book, envelope: AskEnvelope): AskResult {
  const { idempotency, actor } = envelope;
  const kept = idempotency === null ? undefined : room.ledger.idempotent(idempotency.key);
  if (kept !== undefined && idempotency !== null) {
    if (kept.requestHash === idempotency.requestHash)
      return JSON.parse(kept.responseJson) as AskResult;
    return refuse("idempotency-mismatch", "this Idempotency-Key was used for another request");
  }
  const before = standingOf(room, book, envelope.ask);
  const result = act(room, book, envelope);
  room.ledger.putAudit({
    atMs: book.nowMs,
    actor: actor.label,
    role: actor.role,
    act: envelope.ask.kind,
    subject: subjectOf(envelope.ask),
    reason: "reason" in envelope.ask ? envelope.ask.reason : null,
    detailJson: JSON.stringify({
      requestId: envelope.requestId ?? null,
      source: envelope.source,
      result: result.ok ? "done" : result.refusal.kind,
      before,
      ...(result.ok
        ? { after: { ...standingOf(room, book, envelope.ask), ...afterOf(result.answer) } }
        : {}),
    }),
  });
  if (result.ok && idempotency !== null) {
    const { key, requestHash } = idempotency;
    room.ledger.putIdempotent(key, requestHash, JSON.stringify(result), book.nowMs);
  }
  return result;
}

function act(room: Room, book: Book, { ask, actor }: AskEnvelope): AskResult {
  if ("webhookId" in ask) return actOnWebhook(book, ask, actor.label);
  if (ask.kind === "recipient.put" || ask.kind === "recipient.remove") {
    return actOnRecipient(book, ask);
  }
  if ("plannedWorkId" in ask) return actOnPlannedWork(book, ask, actor.label);
  if ("workOrderId" in ask || ask.kind === "dispatch.policy") {
    return actOnWorkOrder(book, ask, actor.label);
  }
  switch (ask.kind) {
    case "meter.register":
      return registerMeter(room, book, ask.meter);
    case "meter.change":
      return changeMeter(room, book, ask, actor.label);
    case "meter.exchange":
      return exchangeMeter(room, book, ask, actor.label);
    case "register.decide":
      return decideRegister(room, book, ask, actor.label);
    case "conversion.put":
      return putConversion(book, ask, actor.label);
    case "register.request":
      return requestRegister(room, book, ask, actor.label);
    case "billing.freeze":
    case "billing.adjust":
      return actOnBill(book, ask, actor.label);
    case "gateway.put":
    case "credential.issue":
    case "credential.revoke":
    case "apiKey.issue":
    case "apiKey.revoke":
      return actOnDirectory(book, ask);
    case "meterKeys.put":
    case "meterKeys.drop":
      return actOnKeys(room, book, ask);
    case "quarantine.redecode":
      return redecode(room, book, ask);
    case "alarm.acknowledge":
    case "alarm.shelve":
    case "alarm.unshelve":
    case "alarm.reset":
    case "alarm.comment":
      return actOnAlarm(room, book, ask, actor.label);
    case "valve.close":
    case "valve.permit":
    case "meter.order":
    case "meter.parameters":
      return orderForMeter(room, book, ask, actor.label);
    case "command.approve":
    case "command.cancel":
      return actOnCommand(room, book, ask, actor);
    case "commands.approve":
    case "commands.cancel":
      return actOnCommands(room, book, ask, actor);
    case "campaign.request":
    case "campaign.approve":
    case "campaign.stop":
      return actOnCampaign(room, book, ask, actor);
    case "valves.policy":
      return setPolicy(book, ask, actor.label);
    case "rules.preview":
    case "rules.put":
    case "rules.factory":
      return actOnRules(room, book, ask, actor);
    case "automation.stop":
    case "automation.resume":
      return switchAutomation(room, book, ask, actor.label);
    default:
      return unreachable(ask);
  }
}

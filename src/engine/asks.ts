/** What people ask for, carried out in the same stream as the uplinks and written with them. */
import { unreachable } from "#domain/invariant.ts";
import type { RuleRecord } from "#domain/ruleDocument.ts";
import type { Answer, Ask, AskEnvelope, AskResult } from "#ports/requests.ts";
import { actOnAlarm } from "./alarmActs.ts";
import type { Book } from "./book.ts";
import { actOnCampaign } from "./campaignDesk.ts";
import { actOnKeys } from "./keyAsks.ts";
import { actOnCommand, orderForMeter, setPolicy, switchAutomation } from "./commandAsks.ts";
import { redecode } from "./redecode.ts";
import { changeMeter, registerMeter } from "./registry.ts";
import { refuse } from "./refuse.ts";
import { actOnRules } from "./ruleAsks.ts";
import type { Room } from "./room.ts";
import { actOnWebhook } from "./webhookDesk.ts";

/** Carries out one ask, once per idempotency key; every act leaves a line in the audit. */
export function carryOut(room: Room, book: Book, envelope: AskEnvelope): AskResult {
  const { idempotency, actor } = envelope;
  const kept = idempotency === null ? undefined : room.ledger.idempotent(idempotency.key);
  if (kept !== undefined && idempotency !== null) {
    if (kept.requestHash === idempotency.requestHash)
      return JSON.parse(kept.responseJson) as AskResult;
    return refuse("idempotency-mismatch", "this Idempotency-Key was used for another request");
  }
  const result = act(room, book, envelope);
  room.ledger.putAudit({
    atMs: book.nowMs,
    actor: actor.label,
    role: actor.role,
    act: envelope.ask.kind,
    subject: subjectOf(envelope.ask),
    reason: "reason" in envelope.ask ? envelope.ask.reason : null,
    detailJson: JSON.stringify({
      source: envelope.source,
      result: result.ok ? "done" : result.refusal.kind,
      ...(result.ok ? { after: afterOf(result.answer) } : {}),
    }),
  });
  if (result.ok && idempotency !== null) {
    const { key, requestHash } = idempotency;
    room.ledger.putIdempotent(key, requestHash, JSON.stringify(result), book.nowMs);
  }
  return result;
}

function act(room: Room, book: Book, { ask, actor }: AskEnvelope): AskResult {
  const { ledger } = room;
  if ("webhookId" in ask) return actOnWebhook(book, ask, actor.label);
  switch (ask.kind) {
    case "meter.register":
      return registerMeter(room, book, ask.meter);
    case "meter.change":
      return changeMeter(room, book, ask, actor.label);
    case "gateway.put":
      ledger.putGateway(ask.gateway);
      setGateway(book, ask.gateway.id, ask.gateway.meterIds);
      book.changed.gateways.push(ask.gateway);
      return done;
    case "credential.issue":
      if (!isKnownUser(book, ask.credential.username, ask.credential.kind)) {
        return refuse("not-found", `no ${ask.credential.kind} ${ask.credential.username}`);
      }
      ledger.putCredential(ask.credential);
      book.changed.credentials.push(ask.credential);
      return done;
    case "credential.revoke":
      ledger.dropCredentials(ask.username);
      book.changed.revoked.push(ask.username);
      return done;
    case "apiKey.issue":
      if (notPersons.includes(ask.apiKey.label)) {
        return refuse("invalid", `${ask.apiKey.label} is no name for a key`);
      }
      ledger.putApiKey(ask.apiKey);
      book.changed.apiKeys.push(ask.apiKey);
      return done;
    case "apiKey.revoke":
      ledger.dropApiKey(ask.id);
      book.changed.revokedApiKeys.push(ask.id);
      return done;
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
      return orderForMeter(room, book, ask, actor.label);
    case "command.approve":
    case "command.cancel":
      return actOnCommand(room, book, ask, actor);
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

/** How things stand after an act, for whoever reads the audit; the whole is in the ledger under its id. */
function afterOf(answer: Answer): Readonly<Record<string, string | number | null>> {
  switch (answer.kind) {
    case "command": {
      const { id, state, detail } = answer.command;
      return { command: id, state, detail };
    }
    case "campaign":
      return { campaign: answer.campaign.id, state: answer.campaign.state };
    case "alarm":
      return { state: answer.alarm.state, occurrence: answer.alarm.occurrence };
    case "meter":
      return { version: answer.meter.version, lifecycle: answer.meter.lifecycle };
    case "webhook":
      return { webhook: answer.webhook.id, state: answer.webhook.state };
    case "uplink":
      return { outcome: answer.outcome };
    case "rules":
      return rulesAfter(answer.record);
    case "rulePreview":
      return { hash: answer.preview.document.hash };
    case "done":
      return {};
    default:
      return unreachable(answer);
  }
}

function rulesAfter({ no, document }: RuleRecord) {
  return { no, hash: document?.hash ?? null };
}

/** The history of a command names them beside persons. */
const notPersons: readonly string[] = ["engine", "meter"];

const done: AskResult = { ok: true, answer: { kind: "done" } };

function isKnownUser(book: Book, username: string, kind: "meter" | "gateway"): boolean {
  const { meterNoById, gateways } = book.memory;
  return kind === "meter" ? meterNoById.has(username) : gateways.has(username);
}

function setGateway(book: Book, id: string, meterIds: readonly string[]): void {
  const { gateways } = book.memory;
  const before = gateways.get(id);
  gateways.set(id, new Set(meterIds));
  book.memory.registryVersion += 1;
  book.undo.push(() => {
    if (before === undefined) gateways.delete(id);
    else gateways.set(id, before);
    // Groups that were made in between are of a list that never was.
    book.memory.registryVersion += 1;
  });
}

function subjectOf(ask: Ask): string {
  if ("webhookId" in ask) return ask.webhookId;
  switch (ask.kind) {
    case "meter.register":
      return ask.meter.id;
    case "meter.change":
    case "meterKeys.put":
    case "meterKeys.drop":
    case "valve.close":
    case "valve.permit":
    case "meter.order":
      return ask.meterId;
    case "quarantine.redecode":
      return `quarantine ${ask.quarantineId}`;
    case "gateway.put":
      return ask.gateway.id;
    case "credential.issue":
      return ask.credential.username;
    case "credential.revoke":
      return ask.username;
    case "apiKey.issue":
      return ask.apiKey.id;
    case "apiKey.revoke":
      return ask.id;
    case "alarm.acknowledge":
    case "alarm.shelve":
    case "alarm.unshelve":
    case "alarm.reset":
    case "alarm.comment":
      return ask.alarmId;
    case "command.approve":
    case "command.cancel":
      return ask.commandId;
    case "automation.stop":
    case "automation.resume":
    case "valves.policy":
      return "automation";
    case "rules.preview":
    case "rules.put":
      return `rules ${ask.document.version}`;
    case "rules.factory":
      return "rules of the factory";
    case "campaign.request":
      return `${ask.meterIds.length} meters`;
    case "campaign.approve":
    case "campaign.stop":
      return ask.campaignId;
    default:
      return unreachable(ask);
  }
}

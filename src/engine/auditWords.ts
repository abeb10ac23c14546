/** What the audit says of an act besides who did it: what it was about, and how things stand after it. */
import { formatInstant } from "#domain/units.ts";
import { unreachable } from "#domain/invariant.ts";
import type { RuleRecord } from "#domain/ruleDocument.ts";
import type { Answer, Ask } from "#ports/requests.ts";

/** How things stand after an act, for whoever reads the audit; the whole is in the ledger under its id. */
export function afterOf(answer: Answer): Readonly<Record<string, string | number | null>> {
  switch (answer.kind) {
    case "command": {
      const { id, state, detail } = answer.command;
      return { command: id, state, detail };
    }
    case "commands": {
      const named = (refused: boolean) =>
        answer.commands.flatMap(({ id, refusal }) => ((refusal !== null) === refused ? id : []));
      return { done: named(false).join(" "), refused: named(true).join(" ") };
    }
    case "campaign":
      return { campaign: answer.campaign.id, state: answer.campaign.state };
    case "alarm":
      return { state: answer.alarm.state, occurrence: answer.alarm.occurrence };
    case "meter":
      return { version: answer.meter.version, lifecycle: answer.meter.lifecycle };
    case "workOrder": {
      const { id, state, trace } = answer.workOrder;
      return { workOrder: id, state, act: trace.at(-1)?.act ?? null };
    }
    case "plannedWork": {
      const { id, kind, areas, fromMs, toMs, responsible, trace } = answer.work;
      const window = `${formatInstant(fromMs)}/${formatInstant(toMs)}`;
      const what = { work: kind, areas: areas.join(" "), window, responsible };
      return { plannedWork: id, act: trace.at(-1)?.act ?? null, ...what };
    }
    case "webhook":
      return { webhook: answer.webhook.id, state: answer.webhook.state };
    case "uplink":
      return { outcome: answer.outcome };
    case "rules":
      return rulesAfter(answer.record);
    case "rulePreview":
      return { hash: answer.preview.document.hash };
    case "frozen":
    case "adjusted":
      return outcomesOf(answer.rows);
    case "done":
      return {};
    default:
      return unreachable(answer);
  }
}

function rulesAfter({ no, document }: RuleRecord) {
  return { no, hash: document?.hash ?? null };
}

/** The one thing that an act is about. */
export function subjectOf(ask: Ask): string {
  if ("webhookId" in ask) return ask.webhookId;
  if ("plannedWorkId" in ask) return ask.plannedWorkId;
  if ("workOrderId" in ask) return ask.workOrderId;
  if (ask.kind === "recipient.put") return ask.recipient.id;
  if (ask.kind === "recipient.remove") return ask.recipientId;
  if (ask.kind === "dispatch.policy") return "dispatch";
  switch (ask.kind) {
    case "meter.register":
      return ask.meter.id;
    case "meter.change":
    case "meter.exchange":
    case "register.decide":
    case "register.request":
    case "conversion.put":
    case "meterKeys.put":
    case "meterKeys.drop":
    case "valve.close":
    case "valve.permit":
    case "meter.order":
    case "meter.parameters":
      return ask.meterId;
    case "quarantine.redecode":
      return `quarantine ${ask.quarantineId}`;
    case "billing.freeze":
    case "billing.adjust":
      return `bill ${ask.bill}`;
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
    case "commands.approve":
    case "commands.cancel":
      return `${ask.commandIds.length} commands`;
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

/** How many rows came to what. */
function outcomesOf(
  rows: readonly { readonly outcome: string }[],
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { outcome } of rows) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** Webhooks as the ledger has them: people make and change them, the notifier says how far each has been told. */
import { unreachable } from "#domain/invariant.ts";
import { timestampMs } from "#domain/units.ts";
import { webhookLimits, type Webhook } from "#domain/webhook.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import type { WebhookReport } from "#ports/webhooks.ts";
import { publish, type Book } from "./book.ts";
import { refuse } from "./refuse.ts";

export type WebhookAsk = Extract<Ask, { readonly webhookId: string }>;
type ChangeAsk = Exclude<WebhookAsk, { readonly kind: "webhook.create" | "webhook.remove" }>;

/** Carries out what persons ask about webhooks. */
export function actOnWebhook(book: Book, ask: WebhookAsk, by: string): AskResult {
  const { webhooks } = book.memory;
  if (ask.kind === "webhook.create") {
    if (webhooks.size >= webhookLimits.webhooksMax) {
      return refuse("invalid", `there are ${webhookLimits.webhooksMax} webhooks already`);
    }
    return answered(keep(book, created(book, ask, by)));
  }
  const before = webhooks.get(ask.webhookId);
  if (before === undefined) return refuse("not-found", `no webhook ${ask.webhookId}`);
  if (ask.kind === "webhook.remove") {
    remove(book, before);
    return { ok: true, answer: { kind: "done" } };
  }
  return answered(keep(book, changed(book, before, ask)));
}

function answered(webhook: Webhook): AskResult {
  return { ok: true, answer: { kind: "webhook", webhook } };
}

/** It is told what happens from now on; what was before is there by replay. */
function created(
  { memory, nowMs }: Book,
  ask: Extract<WebhookAsk, { readonly kind: "webhook.create" }>,
  by: string,
): Webhook {
  const { webhookId: id, label, url, filter } = ask;
  return {
    id,
    label,
    url,
    filter,
    state: "enabled",
    disabledReason: null,
    createdBy: by,
    createdAtMs: nowMs,
    secretNo: 1,
    previousSecretUntilMs: null,
    course: 1,
    toldSeq: memory.sequences.event,
    failing: null,
  };
}

function changed({ ledger, nowMs }: Book, before: Webhook, ask: ChangeAsk): Webhook {
  switch (ask.kind) {
    case "webhook.rotate": {
      const untilMs = timestampMs(nowMs + webhookLimits.rotationMs);
      return { ...before, secretNo: before.secretNo + 1, previousSecretUntilMs: untilMs };
    }
    case "webhook.replay":
      return moved(before, ledger.eventSeqBefore(ask.fromMs));
    case "webhook.change": {
      const next = { ...before, ...ask.change };
      const disabledReason = next.state === "enabled" ? null : (before.disabledReason ?? "person");
      // Another address or a new beginning: the failures of the one before are not held against it.
      return { ...moved(next, before.toldSeq), disabledReason };
    }
    default:
      return unreachable(ask);
  }
}

function moved(webhook: Webhook, toldSeq: number): Webhook {
  return { ...webhook, course: webhook.course + 1, toldSeq, failing: null };
}

/** What the notifier says after its sendings; it holds even when the process ends the next moment. */
export function takeWebhookReport(book: Book, report: WebhookReport): void {
  const before = book.memory.webhooks.get(report.webhookId);
  if (before === undefined) return;
  for (const attempt of report.attempts) book.ledger.putDelivery(before.id, attempt);
  if (report.course !== before.course) return;
  const { toldSeq, failing, disabled } = report;
  if (disabled === null) {
    remember(book, { ...before, toldSeq, failing });
    return;
  }
  const disabledReason = disabled;
  keep(book, { ...before, toldSeq, failing, state: "disabled", disabledReason });
  const { id, label } = before;
  publish(book, "webhook.disabled", null, { webhook: { id, label, reason: disabled } });
}

/** Stored, and told to the notifier. */
function keep(book: Book, webhook: Webhook): Webhook {
  remember(book, webhook);
  book.changed.webhooks.set(webhook.id, webhook);
  return webhook;
}

function remember(book: Book, webhook: Webhook): void {
  const { webhooks } = book.memory;
  const before = webhooks.get(webhook.id);
  webhooks.set(webhook.id, webhook);
  book.ledger.putWebhook(webhook);
  book.undo.push(() => {
    if (before === undefined) webhooks.delete(webhook.id);
    else webhooks.set(webhook.id, before);
  });
}

function remove(book: Book, webhook: Webhook): void {
  const { webhooks } = book.memory;
  webhooks.delete(webhook.id);
  book.ledger.dropWebhook(webhook.id);
  book.changed.webhooks.delete(webhook.id);
  book.changed.removedWebhooks.push(webhook.id);
  book.undo.push(() => webhooks.set(webhook.id, webhook));
}

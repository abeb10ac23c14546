/** Recipients as the ledger has them; the notifier says what became of each telling. */
import { recipientLimits, type Recipient } from "#domain/recipient.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import type { NotificationReport } from "#ports/webhooks.ts";
import type { Book } from "./book.ts";
import { settingNames } from "./memory.ts";
import { refuse } from "./refuse.ts";

export type RecipientAsk = Extract<Ask, { readonly kind: "recipient.put" | "recipient.remove" }>;

/** Carries out what persons ask about recipients. */
export function actOnRecipient(book: Book, ask: RecipientAsk): AskResult {
  const { recipients } = book.memory;
  if (ask.kind === "recipient.remove") {
    const before = recipients.get(ask.recipientId);
    if (before === undefined) return refuse("not-found", `no recipient ${ask.recipientId}`);
    book.ledger.dropRecipient(before.id);
    set(book, before.id, undefined);
    book.changed.removedRecipients.push(before.id);
    return done;
  }
  const { recipient, isNew } = ask;
  const before = recipients.get(recipient.id);
  if (before === undefined && !isNew) return refuse("not-found", `no recipient ${recipient.id}`);
  if (recipients.size >= recipientLimits.recipientsMax && before === undefined) {
    return refuse("invalid", `there are ${recipientLimits.recipientsMax} recipients already`);
  }
  if (recipient.meterId !== null && !book.memory.meterNoById.has(recipient.meterId)) {
    return refuse("not-found", `no meter ${recipient.meterId}`);
  }
  book.ledger.putRecipient(recipient);
  set(book, recipient.id, recipient);
  book.changed.recipients.set(recipient.id, recipient);
  return done;
}

const done: AskResult = { ok: true, answer: { kind: "done" } };

function set(book: Book, id: string, recipient: Recipient | undefined): void {
  const { recipients } = book.memory;
  const before = recipients.get(id);
  const put = (value: Recipient | undefined) =>
    void (value === undefined ? recipients.delete(id) : recipients.set(id, value));
  put(recipient);
  book.undo.push(() => put(before));
}

/** What the notifier says after it looked at events or tried to tell somebody. */
export function takeNotificationReport(book: Book, report: NotificationReport): void {
  for (const row of report.notifications) book.ledger.putNotification(row);
  if (report.toldSeq === null) return;
  book.ledger.putSetting(settingNames.notifiedSeq, String(report.toldSeq));
}

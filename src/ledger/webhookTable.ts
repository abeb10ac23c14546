/** Webhooks and what became of each sending. */
import type { DatabaseSync } from "node:sqlite";
import { webhookLimits, type DeliveryAttempt, type Webhook } from "#domain/webhook.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { Queries } from "#ports/queries.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all, one } from "./sql.ts";

type WebhookPart = Pick<
  Ledger,
  "webhooks" | "putWebhook" | "dropWebhook" | "putDelivery" | "eventSeqBefore"
>;

export function webhookTable(db: DatabaseSync): WebhookPart {
  const list = db.prepare("SELECT json FROM webhook ORDER BY id");
  const put = db.prepare("INSERT OR REPLACE INTO webhook (id, json) VALUES (?, ?)");
  const drop = db.prepare("DELETE FROM webhook WHERE id = ?");
  const putDelivery = db.prepare(
    `INSERT INTO delivery
       (webhook_id, event_seq, event_kind, at, attempt, outcome, status, reason, duration_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const dropOld = db.prepare(
    `DELETE FROM delivery WHERE webhook_id = ?1 AND no < (
       SELECT no FROM delivery WHERE webhook_id = ?1
       ORDER BY no DESC LIMIT 1 OFFSET ${webhookLimits.attemptsKept - 1})`,
  );
  const before = db.prepare(
    "SELECT seq FROM event WHERE at < ? ORDER BY at DESC, seq DESC LIMIT 1",
  );
  let puts = 0;
  return {
    webhooks: () => all<{ json: string }>(list).map(webhookOf),
    putWebhook(webhook) {
      put.run(webhook.id, JSON.stringify(webhook));
    },
    dropWebhook(id) {
      drop.run(id);
    },
    putDelivery(webhookId, row) {
      const { eventSeq, eventKind, atMs, attempt, outcome, status, reason, durationMs } = row;
      const values = [eventSeq, eventKind, atMs, attempt, outcome, status, reason, durationMs];
      putDelivery.run(webhookId, ...values);
      puts += 1;
      // Counting to the oldest kept row costs something: not with each row.
      if (puts % 256 === 0) dropOld.run(webhookId);
    },
    eventSeqBefore: (atMs) => one<{ seq: number }>(before, atMs)?.seq ?? 0,
  };
}

export function webhookQueries(
  db: DatabaseSync,
): Answers<Pick<Queries, "webhooks" | "webhook" | "deliveries">> {
  const list = db.prepare("SELECT json FROM webhook ORDER BY id");
  const byId = db.prepare("SELECT json FROM webhook WHERE id = ?");
  const deliveries = db.prepare(
    `SELECT no, event_seq AS eventSeq, event_kind AS eventKind, at AS atMs, attempt, outcome, status,
       reason, duration_ms AS durationMs
     FROM delivery WHERE webhook_id = ? AND no < ? ORDER BY no DESC LIMIT ?`,
  );
  return {
    webhooks: () => all<{ json: string }>(list).map(webhookOf),
    webhook(id) {
      const row = one<{ json: string }>(byId, id);
      return row === undefined ? null : webhookOf(row);
    },
    deliveries(webhookId, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [beforeNo] = decodeCursor(cursor, [Number.MAX_SAFE_INTEGER]);
      const rows = all<DeliveryAttempt & { no: number }>(
        deliveries,
        webhookId,
        beforeNo,
        limit + 1,
      );
      return mapPage(
        pageOf(rows, limit, ({ no }) => [no]),
        ({ no: _no, ...attempt }) => attempt,
      );
    },
  };
}

function webhookOf({ json }: { readonly json: string }): Webhook {
  return JSON.parse(json) as Webhook;
}

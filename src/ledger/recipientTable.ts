/** Recipients and what they were told. */
import type { DatabaseSync } from "node:sqlite";
import { recipientLimits, type Notification, type Recipient } from "#domain/recipient.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { Queries } from "#ports/queries.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all, one } from "./sql.ts";

interface Json {
  readonly json: string;
}

type RecipientPart = Pick<
  Ledger,
  "recipients" | "putRecipient" | "dropRecipient" | "putNotification"
>;

export function recipientTable(db: DatabaseSync): RecipientPart {
  const list = db.prepare("SELECT json FROM recipient ORDER BY id");
  const put = db.prepare("INSERT OR REPLACE INTO recipient (id, json) VALUES (?, ?)");
  const drop = db.prepare("DELETE FROM recipient WHERE id = ?");
  const putNotification = db.prepare(
    `INSERT INTO notification (id, recipient_id, waiting, json) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET waiting = excluded.waiting, json = excluded.json`,
  );
  const dropOld = db.prepare(
    `DELETE FROM notification
     WHERE no <= (SELECT max(no) FROM notification) - ${recipientLimits.notificationsKept}
       AND waiting = 0`,
  );
  let puts = 0;
  return {
    recipients: () => all<Json>(list).map(({ json }) => JSON.parse(json) as Recipient),
    putRecipient(recipient) {
      put.run(recipient.id, JSON.stringify(recipient));
    },
    dropRecipient(id) {
      drop.run(id);
    },
    putNotification(row) {
      const isWaiting = row.state === "waiting" ? 1 : 0;
      putNotification.run(row.id, row.recipientId, isWaiting, JSON.stringify(row));
      puts += 1;
      if (puts % 256 === 0) dropOld.run();
    },
  };
}

export function recipientQueries(
  db: DatabaseSync,
): Answers<
  Pick<
    Queries,
    "recipients" | "recipient" | "notifications" | "waitingNotifications" | "eventSeqBefore"
  >
> {
  const waiting = db.prepare("SELECT json FROM notification WHERE waiting = 1 ORDER BY no");
  const before = db.prepare(
    "SELECT seq FROM event WHERE at < ? ORDER BY at DESC, seq DESC LIMIT 1",
  );
  const list = db.prepare("SELECT id, json FROM recipient WHERE id > ? ORDER BY id LIMIT ?");
  const byId = db.prepare("SELECT json FROM recipient WHERE id = ?");
  const newest = db.prepare(
    "SELECT no, json FROM notification WHERE no < ? ORDER BY no DESC LIMIT ?",
  );
  const own = db.prepare(
    `SELECT no, json FROM notification WHERE recipient_id = ? AND no < ? ORDER BY no DESC LIMIT ?`,
  );
  return {
    waitingNotifications: () =>
      all<Json>(waiting).map(({ json }) => JSON.parse(json) as Notification),
    eventSeqBefore: (atMs) => one<{ seq: number }>(before, atMs)?.seq ?? 0,
    recipients(cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [afterId] = decodeCursor(cursor, [""]);
      const rows = all<Json & { id: string }>(list, afterId, limit + 1);
      return mapPage(
        pageOf(rows, limit, ({ id }) => [id]),
        ({ json }) => JSON.parse(json) as Recipient,
      );
    },
    recipient(id) {
      const row = one<Json>(byId, id);
      return row === undefined ? null : (JSON.parse(row.json) as Recipient);
    },
    notifications(recipientId, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [beforeNo] = decodeCursor(cursor, [Number.MAX_SAFE_INTEGER]);
      const rows =
        recipientId === null
          ? all<Json & { no: number }>(newest, beforeNo, limit + 1)
          : all<Json & { no: number }>(own, recipientId, beforeNo, limit + 1);
      return mapPage(
        pageOf(rows, limit, ({ no }) => [no]),
        ({ json }) => JSON.parse(json) as Notification,
      );
    },
  };
}

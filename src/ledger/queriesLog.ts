/** Reads of what is kept by sequence: events, raw uplinks, quarantine, audit. */
import type { DatabaseSync } from "node:sqlite";
import type { Queries, QuarantineView } from "#ports/queries.ts";
import { auditHead, verifyAudit } from "./audit.ts";
import { clampLimit, decodeCursor, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all, numberOf } from "./sql.ts";

type LogRead = Pick<
  Queries,
  "events" | "eventRange" | "quarantine" | "uplinks" | "audit" | "auditHead" | "verifyAudit"
>;

export function logQueries(db: DatabaseSync): Answers<LogRead> {
  const events = db.prepare("SELECT seq, json FROM event WHERE seq > ? ORDER BY seq LIMIT ?");
  const uplinks = db.prepare(
    `SELECT u.seq, u.meter_no AS meterNo, u.route, u.protocol, u.received_at AS receivedAtMs,
       u.outcome, u.bytes, m.id AS meterId
     FROM uplink AS u LEFT JOIN meter AS m ON m.no = u.meter_no
     WHERE u.seq > ? ORDER BY u.seq LIMIT ?`,
  );
  const quarantine = db.prepare(
    `SELECT q.id, q.uplink_seq AS uplinkSeq, m.id AS meterId, q.protocol, q.reason, q.detail,
       q.received_at AS receivedAtMs, u.bytes
     FROM quarantine AS q JOIN uplink AS u ON u.seq = q.uplink_seq
     LEFT JOIN meter AS m ON m.no = q.meter_no
     WHERE q.id < ? AND q.settled_at IS NULL ORDER BY q.id DESC LIMIT ?`,
  );
  const audit = db.prepare(
    `SELECT seq, at AS atMs, actor, role, act, subject, reason, detail AS detailJson
     FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`,
  );
  return {
    events: (afterSeq, limit) => all(events, afterSeq, clampLimit(limit)),
    eventRange: () => ({
      oldest: numberOf(db, "SELECT min(seq) FROM event"),
      newest: numberOf(db, "SELECT max(seq) FROM event"),
    }),
    quarantine(cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [beforeId] = decodeCursor(cursor, [Number.MAX_SAFE_INTEGER]);
      const rows = all<QuarantineView>(quarantine, beforeId, limit + 1);
      return pageOf(rows, limit, (row) => [row.id]);
    },
    uplinks: (afterSeq, limit) => all(uplinks, afterSeq, clampLimit(limit)),
    audit: (afterSeq, limit) => all(audit, afterSeq, clampLimit(limit)),
    auditHead: () => auditHead(db),
    verifyAudit: () => verifyAudit(db),
  };
}

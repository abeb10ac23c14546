/** Reads of what is kept by sequence: events, raw uplinks, quarantine, audit. */
import type { DatabaseSync } from "node:sqlite";
import type { FrameArchive } from "#archive/frameArchive.ts";
import type { UplinkRow } from "#ports/ledger.ts";
import type { Queries, QuarantineView } from "#ports/queries.ts";
import { auditHead, verifyAudit } from "./audit.ts";
import { clampLimit, decodeCursor, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all, numberOf, one } from "./sql.ts";

type NamedUplink = UplinkRow & { readonly meterId: string | null };
type LogRead = Pick<
  Queries,
  "events" | "eventRange" | "quarantine" | "uplinks" | "audit" | "auditHead" | "verifyAudit"
>;

export function logQueries(db: DatabaseSync, archive: FrameArchive): Answers<LogRead> {
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
  const byNo = db.prepare("SELECT id FROM meter WHERE no = ?");
  const nameOf = (meterNo: number | null): string | null =>
    meterNo === null ? null : (one<{ id: string }>(byNo, meterNo)?.id ?? null);
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
    uplinks(afterSeq, limitWanted) {
      const limit = clampLimit(limitWanted);
      // The ledger first: what the archive's writer removes meanwhile is in a file that is listed by then.
      const kept = all<NamedUplink>(uplinks, afterSeq, limit);
      const archived = archive.after(afterSeq, limit);
      if (archived.length === 0) return kept;
      const known = new Set(kept.map(({ seq }) => seq));
      const named = archived
        .filter(({ seq }) => !known.has(seq))
        .map((row) => ({ ...row, meterId: nameOf(row.meterNo) }));
      return [...kept, ...named].sort((one, other) => one.seq - other.seq).slice(0, limit);
    },
    audit: (afterSeq, limit) => all(audit, afterSeq, clampLimit(limit)),
    auditHead: () => auditHead(db),
    verifyAudit: () => verifyAudit(db),
  };
}

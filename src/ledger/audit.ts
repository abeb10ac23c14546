/** The audit as a hash chain: an entry that is changed, removed or moved is found and named. */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { AuditRow, AuditVerdict, Ledger } from "#ports/ledger.ts";
import { each, one } from "./sql.ts";

const genesisHash = "0".repeat(64);

const auditColumns =
  "seq, at AS atMs, actor, role, act, subject, reason, detail AS detailJson, hash";

interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** SHA-256 over the hash before and the row as a JSON array in a fixed order. */
function chainHash(before: string, seq: number, row: AuditRow): string {
  const { atMs, actor, role, act, subject, reason, detailJson } = row;
  const canonical = JSON.stringify([seq, atMs, actor, role, act, subject, reason, detailJson]);
  return createHash("sha256").update(before).update(canonical).digest("hex");
}

export function auditTable(db: DatabaseSync): Pick<Ledger, "putAudit"> {
  const head = db.prepare("SELECT seq, hash FROM audit_head WHERE one = 1");
  const moveHead = db.prepare(
    "INSERT OR REPLACE INTO audit_head (one, seq, hash) VALUES (1, ?, ?)",
  );
  const insert = db.prepare(
    `INSERT INTO audit (seq, at, actor, role, act, subject, reason, detail, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    putAudit(row) {
      const last = one<Head>(head) ?? { seq: 0, hash: genesisHash };
      const seq = last.seq + 1;
      const hash = chainHash(last.hash, seq, row);
      const { atMs, actor, role, act, subject, reason, detailJson } = row;
      insert.run(seq, atMs, actor, role, act, subject, reason, detailJson, hash);
      moveHead.run(seq, hash);
    },
  };
}

/** Names the first entry that is not as it was written; the writer may go on meanwhile. */
export function verifyAudit(db: DatabaseSync): AuditVerdict {
  // Read before the rows: what is appended later only makes the chain longer than the head says.
  const head = one<Head>(db.prepare("SELECT seq, hash FROM audit_head WHERE one = 1"));
  let before: Head = { seq: 0, hash: genesisHash };
  const rows = db.prepare(`SELECT ${auditColumns} FROM audit ORDER BY seq`);
  for (const row of each<AuditRow & Head>(rows)) {
    const seq = before.seq + 1;
    if (row.seq !== seq) return { ok: false, seq, problem: "missing" };
    const isWritten = row.hash === chainHash(before.hash, seq, row);
    const isHead = seq !== head?.seq || row.hash === head.hash;
    if (!isWritten || !isHead) return { ok: false, seq, problem: "changed" };
    before = { seq, hash: row.hash };
  }
  if (head !== undefined && head.seq > before.seq) {
    return { ok: false, seq: before.seq + 1, problem: "missing" };
  }
  return { ok: true, entries: before.seq, hash: before.hash };
}

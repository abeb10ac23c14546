/** The audit as a hash chain: an entry that is changed, removed or moved is found and named. */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { AuditHead, AuditRow, AuditVerdict, Ledger } from "#ports/ledger.ts";
import { each, one } from "./sql.ts";

const genesisHash = "0".repeat(64);

const auditColumns =
  "seq, at AS atMs, actor, role, act, subject, reason, detail AS detailJson, hash";

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
      const last = one<AuditHead>(head) ?? { seq: 0, hash: genesisHash };
      const seq = last.seq + 1;
      const hash = chainHash(last.hash, seq, row);
      const { atMs, actor, role, act, subject, reason, detailJson } = row;
      insert.run(seq, atMs, actor, role, act, subject, reason, detailJson, hash);
      moveHead.run(seq, hash);
    },
  };
}

/** The newest entry; null when there is none. */
export function auditHead(db: DatabaseSync): AuditHead | null {
  return one<AuditHead>(db.prepare("SELECT seq, hash FROM audit_head WHERE one = 1")) ?? null;
}

/**
 * Names the first entry that is not as it was written; the writer may go on meanwhile. Whoever can write the file
 * can also write a whole new chain: only copies of its head that were kept elsewhere show that.
 */
export function verifyAudit(db: DatabaseSync, copies: readonly AuditHead[] = []): AuditVerdict {
  // Read before the rows: what is appended later only makes the chain longer than the head says.
  const head = auditHead(db);
  const copied = new Map(copies.map(({ seq, hash }) => [seq, hash]));
  let before: AuditHead = { seq: 0, hash: genesisHash };
  const rows = db.prepare(`SELECT ${auditColumns} FROM audit ORDER BY seq`);
  for (const row of each<AuditRow & AuditHead>(rows)) {
    const seq = before.seq + 1;
    if (row.seq !== seq) return { ok: false, seq, problem: "missing" };
    const isWritten = row.hash === chainHash(before.hash, seq, row);
    const isHead = seq !== head?.seq || row.hash === head.hash;
    if (!isWritten || !isHead) return { ok: false, seq, problem: "changed" };
    if ((copied.get(seq) ?? row.hash) !== row.hash) return { ok: false, seq, problem: "rewritten" };
    before = { seq, hash: row.hash };
  }
  const newest = Math.max(head?.seq ?? 0, ...copied.keys());
  if (newest > before.seq) return { ok: false, seq: before.seq + 1, problem: "missing" };
  return { ok: true, entries: before.seq, hash: before.hash };
}

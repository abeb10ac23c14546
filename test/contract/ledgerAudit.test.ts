/** The audit's hash chain: each kind of meddling is found and the entry is named. */
import type { DatabaseSync } from "node:sqlite";
import { verifyAudit } from "#ledger/audit.ts";
import type { AuditHead, AuditProblem, AuditVerdict } from "#ports/ledger.ts";
import { expect, test } from "vitest";
import { openedLedger, rawLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import { auditRow, inTransaction } from "../support/ledgerRows.ts";

/** Five entries, closed and opened again in between. */
function auditedFile(): DatabaseSync {
  const directory = temporaryDirectory();
  const first = openedLedger(directory);
  inTransaction(first, () => {
    for (const act of ["meter.register", "credential.issue"]) first.putAudit(auditRow(act));
  });
  first.close();
  const second = openedLedger(directory);
  for (const act of ["alarm.acknowledge", "valve.close", "command.cancel"]) {
    inTransaction(second, () => second.putAudit(auditRow(act)));
  }
  second.close();
  return rawLedger(directory);
}

test("an untouched chain is whole, across a restart", () => {
  expect(verifyAudit(auditedFile())).toMatchObject({ ok: true, entries: 5 });
});

test.each([
  ["a changed word", "UPDATE audit SET act = 'nothing' WHERE seq = 3", 3, "changed"],
  ["a changed time", "UPDATE audit SET at = at + 1 WHERE seq = 1", 1, "changed"],
  ["a changed hash", "UPDATE audit SET hash = upper(hash) WHERE seq = 4", 4, "changed"],
  ["a removed entry", "DELETE FROM audit WHERE seq = 2", 2, "missing"],
  ["a removed first entry", "DELETE FROM audit WHERE seq = 1", 1, "missing"],
  ["a removed end", "DELETE FROM audit WHERE seq >= 4", 4, "missing"],
  ["everything removed", "DELETE FROM audit", 1, "missing"],
  [
    "two entries in each other's place",
    `UPDATE audit SET seq = -seq WHERE seq IN (2, 3);
     UPDATE audit SET seq = 5 + seq WHERE seq < 0`,
    2,
    "changed",
  ],
  [
    "an entry between two",
    `UPDATE audit SET seq = seq + 100 WHERE seq > 2;
     UPDATE audit SET seq = seq - 99 WHERE seq > 100;
     INSERT INTO audit SELECT 3, at, actor, role, act, subject, reason, detail, hash
     FROM audit WHERE seq = 2`,
    3,
    "changed",
  ],
])("%s is named", (_what, meddling, seq, problem) => {
  const db = auditedFile();
  db.exec(meddling);
  expect(verifyAudit(db)).toEqual({ ok: false, seq, problem });
});

/** 10,000 entries and the copies of the head as they are exported: every 500 entries. */
function longChain(word: string): { db: DatabaseSync; copies: readonly AuditHead[] } {
  const directory = temporaryDirectory();
  const ledger = openedLedger(directory);
  inTransaction(ledger, () => {
    for (let seq = 1; seq <= entries; seq += 1) ledger.putAudit(auditRow(`${word} ${seq}`));
  });
  ledger.close();
  const db = rawLedger(directory);
  const rows = db.prepare("SELECT seq, hash FROM audit WHERE seq % 500 = 0 ORDER BY seq").all();
  const copies = rows.map(({ seq, hash }) => ({ seq: Number(seq), hash: String(hash) }));
  return { db, copies };
}

const entries = 10_000;

/** Each way to meddle with one entry, and which entry is named. */
function meddlings(seq: number): readonly (readonly [string, number, AuditProblem])[] {
  const { max } = Math;
  return [
    [`UPDATE audit SET reason = 'x' WHERE seq = ${seq}`, seq, "changed"],
    [`DELETE FROM audit WHERE seq = ${seq}`, seq, "missing"],
    [`DELETE FROM audit WHERE seq >= ${seq}`, seq, "missing"],
    [
      `UPDATE audit SET seq = seq + 100000 WHERE seq > ${seq};
       UPDATE audit SET seq = seq - 99999 WHERE seq > 100000;
       INSERT INTO audit SELECT ${seq} + 1, at, actor, role, act, subject, reason, detail, hash
       FROM audit WHERE seq = ${seq}`,
      seq + 1,
      "changed",
    ],
    [
      `UPDATE audit SET seq = -seq WHERE seq IN (${seq}, ${max(1, seq - 1)});
       UPDATE audit SET seq = ${2 * seq - 1} + seq WHERE seq < 0`,
      max(1, seq - 1),
      "changed",
    ],
  ];
}

test("of 10,000 entries the one that was changed, removed, inserted, moved or cut off is named", () => {
  const { db, copies } = longChain("act");
  const verdictAfter = (meddling: string): AuditVerdict => {
    db.exec(`BEGIN; ${meddling}`);
    try {
      return verifyAudit(db, copies);
    } finally {
      db.exec("ROLLBACK");
    }
  };
  expect(verifyAudit(db, copies)).toMatchObject({ ok: true, entries });
  for (const seq of [2, 499, 500, 501, 4_711, 9_999, 10_000]) {
    for (const [meddling, at, problem] of meddlings(seq)) {
      expect([meddling, verdictAfter(meddling)]).toEqual([
        meddling,
        { ok: false, seq: at, problem },
      ]);
    }
  }
  const moveHead = `INSERT OR REPLACE INTO audit_head SELECT 1, seq, hash FROM audit
    ORDER BY seq DESC LIMIT 1`;
  const cut = verdictAfter(`DELETE FROM audit WHERE seq > 9900; ${moveHead}`);
  expect(cut).toEqual({ ok: false, seq: 9_901, problem: "missing" });
});

test("a chain that was written anew as a whole is shown by the copies of the head, and by nothing else", () => {
  const { copies } = longChain("act");
  const { db } = longChain("lie");
  expect(verifyAudit(db)).toMatchObject({ ok: true, entries });
  expect(verifyAudit(db, copies)).toEqual({ ok: false, seq: 500, problem: "rewritten" });
});

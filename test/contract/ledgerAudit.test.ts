/** The audit's hash chain: each kind of meddling is found and the entry is named. */
import type { DatabaseSync } from "node:sqlite";
import { verifyAudit } from "#ledger/audit.ts";
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

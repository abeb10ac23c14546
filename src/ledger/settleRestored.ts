/** What a restored ledger must know before its first start: that it is one. */
import type { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import type { Disk } from "#ports/disk.ts";
import { restoredSetting } from "#ports/ledger.ts";
import { storeSettings } from "#readings/openReadings.ts";
import { ledgerFileName, openLedger } from "./openLedger.ts";
import { numberOf } from "./sql.ts";
import { LedgerFile, unwatched } from "./sums/ledgerFile.ts";

export interface Restored {
  /** Name of the backup. */
  readonly backup: string;
  /** When it was made. */
  readonly madeAt: string;
  readonly atMs: number;
}

/**
 * Brings the ledger to this program's version, writes the restore into the audit, and marks it for the engine: what it
 * then finds on its way may long be done. Nobody is told again of what may have been told since the backup.
 */
export function settleRestored(directory: string, restored: Restored, disk: Disk): void {
  const { backup, madeAt, atMs } = restored;
  const ledger = openLedger(directory, { ...storeSettings, disk });
  ledger.begin();
  ledger.putAudit({
    atMs,
    actor: "mercaptan restore",
    role: "process",
    act: "restore",
    subject: backup,
    reason: null,
    detailJson: JSON.stringify({ madeAt }),
  });
  ledger.putSetting(restoredSetting, JSON.stringify(restored));
  ledger.commit();
  ledger.close();
  const file = new LedgerFile(join(directory, ledgerFileName), unwatched);
  skipNotices(file.db);
  file.close();
}

/** Receivers go on behind the newest event. */
function skipNotices(db: DatabaseSync): void {
  const has = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'webhook'");
  if (has.get() === undefined) return;
  const newest = numberOf(db, "SELECT max(seq) FROM event");
  db.prepare("UPDATE webhook SET json = json_set(json, '$.toldSeq', ?)").run(newest);
  db.prepare("UPDATE setting SET value = ? WHERE name = 'notify.toldSeq'").run(String(newest));
  db.exec(
    `UPDATE notification SET waiting = 0, json = json_set(json, '$.state', 'expired',
       '$.reason', 'RESTORED', '$.nextAtMs', NULL) WHERE waiting = 1`,
  );
}

/** The writer's half of the ledger on an open connection: every statement is prepared once. */
import type { DatabaseSync } from "node:sqlite";
import { invariant } from "#domain/invariant.ts";
import { dayMs } from "#domain/units.ts";
import type { Ledger, UplinkRow } from "#ports/ledger.ts";
import type { ReadingRecord } from "#readings/readingRecord.ts";
import { alarmTable } from "./alarmTable.ts";
import { auditTable } from "./audit.ts";
import { billTable } from "./billTable.ts";
import { billingTable } from "./billingTable.ts";
import { campaignTable } from "./campaignTable.ts";
import { commandTable } from "./commandTable.ts";
import { conversionTable } from "./conversionTable.ts";
import { edgeNodeTable } from "./edgeNodeTable.ts";
import { gapTable } from "./gapTable.ts";
import { guarded, writeFailed } from "./ledgerError.ts";
import { meterKeyTable } from "./meterKeyTable.ts";
import { registryTable } from "./registryTable.ts";
import { retentionTable } from "./retentionTable.ts";
import { ruleDocumentTable } from "./ruleDocumentTable.ts";
import { each, numberOf, one } from "./sql.ts";
import { recipientTable } from "./recipientTable.ts";
import { webhookTable } from "./webhookTable.ts";
import { plannedWorkTable } from "./plannedWorkTable.ts";
import { workOrderTable } from "./workOrderTable.ts";

const checkpointsPerMeterMax = 8;
const idempotencyKeptMs = dayMs;
const idempotencyRowsMax = 100_000;

/** The connection has the newest schema; closing the ledger ends with `hold.release`. */
export function ledgerOn(
  db: DatabaseSync,
  readings: ReadingRecord,
  hold: { release(): void },
): Ledger {
  const { doom, ...transaction } = transactionOn(db, readings);
  const parts = {
    ...readingPart(readings),
    ...alarmTable(db),
    ...commandTable(db),
    ...campaignTable(db),
    ...webhookTable(db),
    ...recipientTable(db),
    ...workOrderTable(db),
    ...plannedWorkTable(db),
    ...billingTable(db),
    ...billTable(db),
    ...gapTable(db),
    ...conversionTable(db),
    ...registryTable(db),
    ...meterKeyTable(db),
    ...edgeNodeTable(db),
    ...ruleDocumentTable(db),
    ...auditTable(db),
    ...retentionTable(db),
    ...uplinkTables(db),
    ...contextTables(db),
    ...logTables(db),
  };
  return {
    ...guarded(parts, doom),
    ...transaction,
    sequences: () => ({
      uplink: numberOf(db, "SELECT max(seq) FROM uplink"),
      reading: readings.newestSeq,
      event: numberOf(db, "SELECT max(seq) FROM event"),
      occurrence: numberOf(db, "SELECT max(id) FROM occurrence"),
      meter: numberOf(db, "SELECT max(no) FROM meter"),
    }),
    close() {
      transaction.rollback();
      hold.release();
    },
  };
}

type TransactionPart = Pick<Ledger, "begin" | "commit" | "rollback"> & {
  readonly doom: () => void;
};

function readingPart(
  readings: ReadingRecord,
): Pick<Ledger, "putReading" | "reviseReading" | "readingsAt" | "readingsAfter"> {
  return {
    putReading: (row) => readings.put(row),
    reviseReading: (row, reason, atMs) => readings.revise(row, reason, atMs),
    readingsAt: (meterNo, measuredAtMs) => readings.at(meterNo, measuredAtMs),
    readingsAfter: (meterNo, fromMs) => readings.after(meterNo, fromMs),
  };
}

function transactionOn(db: DatabaseSync, readings: ReadingRecord): TransactionPart {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  /** A write of the open transaction failed: what is left of it may not be committed. */
  let isDoomed = false;

  /** SQLite has already rolled back by itself after some errors (disk full). */
  function rollback(): void {
    isDoomed = false;
    readings.rolledBack();
    if (db.isTransaction) db.exec("ROLLBACK");
  }

  return {
    doom: () => {
      isDoomed = true;
    },
    begin() {
      try {
        isDoomed = false;
        begin.run();
      } catch (cause) {
        throw writeFailed("begin", cause);
      }
    },
    commit() {
      try {
        invariant(!isDoomed, "a batch of which a part could not be written is not committed");
        readings.seal();
        commit.run();
      } catch (cause) {
        rollback();
        throw writeFailed("commit", cause);
      }
      readings.committed();
    },
    rollback,
  };
}

type UplinkPart = Pick<
  Ledger,
  "putUplink" | "putQuarantine" | "uplink" | "settleUplink" | "settleQuarantine" | "quarantined"
>;

function uplinkTables(db: DatabaseSync): UplinkPart {
  const putUplink = db.prepare(
    `INSERT INTO uplink (seq, meter_no, route, protocol, received_at, outcome, bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const putQuarantine = db.prepare(
    `INSERT INTO quarantine (uplink_seq, meter_no, protocol, reason, detail, received_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const bySeq = db.prepare(
    `SELECT seq, meter_no AS meterNo, route, protocol, received_at AS receivedAtMs, outcome, bytes
     FROM uplink WHERE seq = ?`,
  );
  const settle = db.prepare("UPDATE uplink SET meter_no = ?, outcome = ? WHERE seq = ?");
  const settleQuarantine = db.prepare("UPDATE quarantine SET settled_at = ? WHERE id = ?");
  const quarantined = db.prepare(
    `SELECT uplink_seq AS uplinkSeq, meter_no AS meterNo, settled_at AS settledAtMs
     FROM quarantine WHERE id = ?`,
  );
  return {
    settleUplink(seq, meterNo, outcome) {
      settle.run(meterNo, outcome, seq);
    },
    settleQuarantine(id, atMs) {
      settleQuarantine.run(atMs, id);
    },
    quarantined: (id) => one(quarantined, id),
    putUplink({ seq, meterNo, route, protocol, receivedAtMs, outcome, bytes }) {
      putUplink.run(seq, meterNo, route, protocol, receivedAtMs, outcome, bytes);
    },
    putQuarantine({ uplinkSeq, meterNo, protocol, reason, detail, receivedAtMs }) {
      putQuarantine.run(uplinkSeq, meterNo, protocol, reason, detail, receivedAtMs);
    },
    uplink: (seq) => one<UplinkRow>(bySeq, seq),
  };
}

function contextTables(
  db: DatabaseSync,
): Pick<Ledger, "contexts" | "putContext" | "putCheckpoint" | "checkpointBefore"> {
  const contexts = db.prepare("SELECT meter_no AS meterNo, json FROM context ORDER BY meter_no");
  const putContext = db.prepare(
    `INSERT INTO context (meter_no, json) VALUES (?, ?)
     ON CONFLICT (meter_no) DO UPDATE SET json = excluded.json`,
  );
  const putCheckpoint = db.prepare(
    "INSERT OR REPLACE INTO checkpoint (meter_no, at, json) VALUES (?, ?, ?)",
  );
  const dropCheckpoints = db.prepare(
    `DELETE FROM checkpoint WHERE meter_no = ?1 AND at < (
       SELECT at FROM checkpoint WHERE meter_no = ?1
       ORDER BY at DESC LIMIT 1 OFFSET ${checkpointsPerMeterMax - 1})`,
  );
  const before = db.prepare(
    `SELECT at AS atMs, json FROM checkpoint WHERE meter_no = ? AND at < ?
     ORDER BY at DESC LIMIT 1`,
  );
  return {
    contexts: () => each<{ meterNo: number; json: string }>(contexts),
    putContext(meterNo, json) {
      putContext.run(meterNo, json);
    },
    putCheckpoint(meterNo, atMs, json) {
      putCheckpoint.run(meterNo, atMs, json);
      dropCheckpoints.run(meterNo);
    },
    checkpointBefore: (meterNo, atMs) => one<{ atMs: number; json: string }>(before, meterNo, atMs),
  };
}

function logTables(db: DatabaseSync): Pick<Ledger, "putEvent" | "putIdempotent" | "idempotent"> {
  const putEvent = db.prepare(
    "INSERT INTO event (seq, at, kind, meter_no, json) VALUES (?, ?, ?, ?, ?)",
  );
  const put = db.prepare(
    "INSERT OR REPLACE INTO idempotency (key, request_hash, response, at) VALUES (?, ?, ?, ?)",
  );
  const dropOld = db.prepare("DELETE FROM idempotency WHERE at < ?");
  const dropMany = db.prepare(
    `DELETE FROM idempotency
     WHERE id <= (SELECT max(id) FROM idempotency) - ${idempotencyRowsMax}`,
  );
  const byKey = db.prepare(
    `SELECT request_hash AS requestHash, response AS responseJson FROM idempotency WHERE key = ?`,
  );
  return {
    putEvent({ seq, json }, atMs, kind, meterNo) {
      putEvent.run(seq, atMs, kind, meterNo, json);
    },
    putIdempotent(key, requestHash, responseJson, atMs) {
      put.run(key, requestHash, responseJson, atMs);
      dropOld.run(atMs - idempotencyKeptMs);
      dropMany.run();
    },
    idempotent: (key) => one<{ requestHash: string; responseJson: string }>(byKey, key),
  };
}

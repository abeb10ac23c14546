/** The system of record on node:sqlite. Nothing is deleted yet: retention is later work. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { dayMs } from "#domain/units.ts";
import type { Ledger, UplinkRow } from "#ports/ledger.ts";
import { alarmTable } from "./alarmTable.ts";
import { auditTable } from "./audit.ts";
import { commandTable } from "./commandTable.ts";
import { damaged, guarded, isDamage, LedgerError, writeFailed } from "./ledgerError.ts";
import { migrate } from "./migrate.ts";
import { readingTable } from "./readingTable.ts";
import { registryTable } from "./registryTable.ts";
import { each, numberOf, one } from "./sql.ts";
import { lockForWriting } from "./writerLock.ts";

/** The ledger's file in the data directory. */
export const ledgerFileName = "ledger.sqlite";

const busyTimeoutMs = 5_000;
const cacheKibibytes = 64 * 1024;
/** 16 MiB: fewer checkpoints, each some 10 ms, so that none stalls the writer for long. */
const walCheckpointPages = 4_000;
const walKeptBytesMax = 64 * 1024 * 1024;
const checkpointsPerMeterMax = 2;
const idempotencyKeptMs = dayMs;
const idempotencyRowsMax = 100_000;

/** Opens the data directory for writing; at most one process may at a time. */
export function openLedger(directory: string): Ledger {
  let lock: { release(): void } | undefined;
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true });
    lock = lockForWriting(directory);
    db = openDatabase(join(directory, ledgerFileName));
    return ledgerOn(db, lock);
  } catch (cause) {
    db?.close();
    lock?.release();
    if (cause instanceof LedgerError) throw cause;
    if (isDamage(cause)) throw damaged(cause);
    throw new LedgerError(
      "LEDGER_UNUSABLE",
      `the data directory ${directory} cannot be used; check that it exists, is writable and has space`,
      { cause },
    );
  }
}

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
  try {
    db.exec(`PRAGMA page_size = 4096;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${walCheckpointPages};
      PRAGMA journal_size_limit = ${walKeptBytesMax};
      PRAGMA cache_size = -${cacheKibibytes};
      PRAGMA temp_store = MEMORY`);
    migrate(db);
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
}

function ledgerOn(db: DatabaseSync, lock: { release(): void }): Ledger {
  const { reloadGenerations, ...readings } = readingTable(db);
  const transaction = transactionOn(db, reloadGenerations);
  return {
    ...guarded({
      ...readings,
      ...alarmTable(db),
      ...commandTable(db),
      ...registryTable(db),
      ...auditTable(db),
      ...uplinkTables(db),
      ...contextTables(db),
      ...logTables(db),
    }),
    ...transaction,
    sequences: () => ({
      uplink: numberOf(db, "SELECT max(seq) FROM uplink"),
      reading: numberOf(db, "SELECT max(seq) FROM reading"),
      event: numberOf(db, "SELECT max(seq) FROM event"),
      occurrence: numberOf(db, "SELECT max(id) FROM occurrence"),
      meter: numberOf(db, "SELECT max(no) FROM meter"),
    }),
    close() {
      transaction.rollback();
      db.close();
      lock.release();
    },
  };
}

function transactionOn(
  db: DatabaseSync,
  forget: () => void,
): Pick<Ledger, "begin" | "commit" | "rollback"> {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");

  /** SQLite has already rolled back by itself after some errors (disk full). */
  function rollback(): void {
    forget();
    if (db.isTransaction) db.exec("ROLLBACK");
  }

  return {
    begin() {
      try {
        begin.run();
      } catch (cause) {
        throw writeFailed("begin", cause);
      }
    },
    commit() {
      try {
        commit.run();
      } catch (cause) {
        rollback();
        throw writeFailed("commit", cause);
      }
    },
    rollback,
  };
}

function uplinkTables(db: DatabaseSync): Pick<Ledger, "putUplink" | "putQuarantine" | "uplink"> {
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
  return {
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

/** The system of record on node:sqlite. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Ledger } from "#ports/ledger.ts";
import { damaged, isDamage, LedgerError } from "./ledgerError.ts";
import { ledgerOn } from "./ledgerOn.ts";
import { migrate } from "./migrate.ts";
import { lockForWriting } from "./writerLock.ts";

/** The ledger's file in the data directory. */
export const ledgerFileName = "ledger.sqlite";

const busyTimeoutMs = 5_000;
const cacheKibibytes = 64 * 1024;
/** 16 MiB: fewer checkpoints, each some 10 ms, so that none stalls the writer for long. */
const walCheckpointPages = 4_000;
const walKeptBytesMax = 64 * 1024 * 1024;

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
      `the data directory ${directory} cannot be used; ` +
        "check that it is a directory, is writable and has space",
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

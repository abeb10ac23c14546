/** The system of record on node:sqlite, with the reading store in its transaction. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FrameList } from "#archive/frameList.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { GasCalendarSettings } from "#readings/gasDay.ts";
import { openReadings, storeSettings, type StoreSettings } from "#readings/openReadings.ts";
import { ReadingStoreError } from "#readings/readingStoreError.ts";
import type { SegmentedReadings } from "#readings/segmentedReadings.ts";
import { damaged, isDamage, LedgerError } from "./ledgerError.ts";
import { ledgerOn } from "./ledgerOn.ts";
import { migrate } from "./migrate.ts";
import { moveReadings } from "./moveReadings.ts";
import { lockForWriting } from "./writerLock.ts";

/** The ledger's file in the data directory. */
export const ledgerFileName = "ledger.sqlite";

const busyTimeoutMs = 5_000;
const cacheKibibytes = 64 * 1024;
/** 16 MiB: fewer checkpoints, each some 10 ms, so that none stalls the writer for long. */
const walCheckpointPages = 4_000;
const walKeptBytesMax = 64 * 1024 * 1024;

/** The ledger, and the store in it for whoever sees to its flushes and merges. */
export interface OpenLedger extends Ledger {
  readonly readings: SegmentedReadings;
  /** Which raw frames are in the archive. */
  readonly frames: FrameList;
  readonly calendar: GasCalendarSettings;
  /** Writes segments at once when enough is hot: for a caller that has no worker and may wait. */
  flushFull(): void;
}

/** Opens the data directory for writing; at most one process may at a time. */
export function openLedger(directory: string, settings: StoreSettings = storeSettings): OpenLedger {
  let lock: { release(): void } | undefined;
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true });
    lock = lockForWriting(directory);
    db = openDatabase(join(directory, ledgerFileName));
    const readings = openReadings(db, directory, settings);
    moveReadings(db, readings);
    const { store } = readings;
    const ledger = ledgerOn(db, readings.record, lock);
    return {
      ...ledger,
      readings: store,
      frames: new FrameList(db),
      calendar: readings.calendar,
      flushFull: () => readings.flushFull(),
      close() {
        store.close();
        ledger.close();
      },
    };
  } catch (cause) {
    db?.close();
    lock?.release();
    if (cause instanceof LedgerError) throw cause;
    if (isDamage(cause)) throw damaged(cause);
    if (cause instanceof ReadingStoreError && cause.code === "READINGS_KEY") {
      const next = "name the file with its keys in encryption.keyFile";
      throw new LedgerError("LEDGER_KEY", `${cause.message}; ${next}`, { cause });
    }
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

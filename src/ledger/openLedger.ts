/** The system of record on node:sqlite, with the reading store in its transaction. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { FrameList } from "#archive/frameList.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { GasCalendarSettings } from "#readings/gasDay.ts";
import { openReadings, storeSettings, type StoreSettings } from "#readings/openReadings.ts";
import { ReadingStoreError } from "#readings/readingStoreError.ts";
import type { SegmentedReadings } from "#readings/segmentedReadings.ts";
import { auditTable } from "./audit.ts";
import { damaged, isDamage, LedgerError } from "./ledgerError.ts";
import { ledgerOn } from "./ledgerOn.ts";
import { migrate } from "./migrate.ts";
import { moveReadings } from "./moveReadings.ts";
import { LedgerFile, unwatched, type LedgerWatch } from "./sums/ledgerFile.ts";
import { lockForWriting } from "./writerLock.ts";

/** The ledger's file in the data directory. */
export const ledgerFileName = "ledger.sqlite";

/** The ledger, and the store in it for whoever sees to its flushes and merges. */
export interface OpenLedger extends Ledger {
  readonly readings: SegmentedReadings;
  /** Which raw frames are in the archive. */
  readonly frames: FrameList;
  readonly calendar: GasCalendarSettings;
  /** For whoever keeps it: checkpoints and the sums of its pages. */
  readonly file: LedgerFile;
  /** Writes segments at once when enough is hot: for a caller that has no worker and may wait. */
  flushFull(): void;
}

/** Opens the data directory for writing; at most one process may at a time. */
export function openLedger(
  directory: string,
  settings: StoreSettings = storeSettings,
  watch: LedgerWatch = unwatched,
): OpenLedger {
  let lock: ReturnType<typeof lockForWriting> | undefined;
  let file: LedgerFile | undefined;
  try {
    mkdirSync(directory, { recursive: true });
    const held = (lock = lockForWriting(directory));
    const opened = (file = new LedgerFile(join(directory, ledgerFileName), watch));
    const { db } = opened;
    migrate(db);
    const readings = openReadings(db, directory, auditTable(db).putAudit, settings);
    moveReadings(db, readings, () => opened.committed());
    const { store } = readings;
    const ledger = ledgerOn(db, readings.record, { release: () => release(opened, held) });
    return {
      ...ledger,
      readings: store,
      frames: new FrameList(db),
      calendar: readings.calendar,
      file: opened,
      flushFull: () => readings.flushFull(),
      commit() {
        ledger.commit();
        opened.committed();
      },
      close() {
        store.close();
        ledger.close();
      },
    };
  } catch (cause) {
    file?.abandon();
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

function release(file: LedgerFile, lock: ReturnType<typeof lockForWriting>): void {
  try {
    file.close();
  } finally {
    lock.release();
  }
}

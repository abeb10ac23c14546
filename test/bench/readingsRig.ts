/** A reading store in a folder of its own, with its worker, as a measurement needs it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { LedgerFile, unwatched } from "#ledger/sums/ledgerFile.ts";
import type { ReadingColumns } from "#ports/readingStore.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import { Manifest } from "#readings/manifest.ts";
import { planSettings, type PlanSettings } from "#readings/planWork.ts";
import { SegmentedReadings } from "#readings/segmentedReadings.ts";
import type { WorkRunner } from "#readings/work.ts";
import { workerRunner } from "#readings/workerRunner.ts";
import { fileDisk, type FileKeys } from "../../src/fileDisk.ts";
import type { ReadingWorkerData } from "../../src/readingWorker.ts";
import { startLedgerKeeper } from "../../src/startLedgerKeeper.ts";
import { makeReadingTables } from "../support/readingTables.ts";

const shanghai = { zone: "Asia/Shanghai", startMinute: 0 };

/** The first day of a month of 31, so that 30 days are closed before their month is. */
export const calendar = new GasCalendar(shanghai);
export const startMs = calendar.startOf(calendar.dayOf(Date.UTC(2026, 9, 1, 12)));

export interface OpenReadings {
  readonly store: SegmentedReadings;
  readonly db: DatabaseSync;
  readonly manifest: Manifest;
  /** As the program opens its ledger. */
  readonly file: LedgerFile;
}

/** Opens what is in the folder, or begins it. */
export function openReadings(
  folder: string,
  plan: Partial<PlanSettings>,
  fileKeys: FileKeys = null,
): OpenReadings {
  const file = new LedgerFile(databaseIn(folder), unwatched);
  const { db } = file;
  makeReadingTables(db);
  const manifest = new Manifest(db);
  const store = new SegmentedReadings({
    disk: fileDisk(fileKeys),
    folder: segmentsIn(folder),
    manifest,
    calendar,
    plan: { ...planSettings, ...plan },
    putAudit: () => undefined,
  });
  return { store, db, manifest, file };
}

export function segmentsIn(folder: string): string {
  return join(folder, "segments");
}

function databaseIn(folder: string): string {
  return join(folder, "readings.sqlite");
}

export interface ReadingsRig extends OpenReadings {
  readonly folder: string;
  readonly runner: WorkRunner;
}

/** Runs the measurement on an empty store, and removes it. */
export async function withReadings<Result>(
  plan: Partial<PlanSettings>,
  fileKeys: FileKeys,
  measure: (rig: ReadingsRig) => Promise<Result>,
): Promise<Result> {
  return withFolder(async (folder) => {
    const open = openReadings(folder, plan, fileKeys);
    const workerData: ReadingWorkerData = {
      database: databaseIn(folder),
      folder: segmentsIn(folder),
      calendar: shanghai,
      fileKeys,
    };
    const keeper = startLedgerKeeper(open.file, unwatched);
    const worker = new Worker(new URL("../../src/readingWorker.ts", import.meta.url), {
      workerData,
    });
    try {
      return await measure({ ...open, folder, runner: workerRunner(worker) });
    } finally {
      open.store.close();
      await worker.terminate();
      await keeper.stop();
      open.file.close();
    }
  });
}

/** A folder that is gone afterwards. */
export async function withFolder<Result>(
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-readings-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One batch as one transaction with one fsync. */
export function commitBatch({ store, db, file }: OpenReadings, batch: ReadingColumns): void {
  db.exec("BEGIN IMMEDIATE");
  store.append(batch);
  db.exec("COMMIT");
  store.committed();
  file.committed();
}

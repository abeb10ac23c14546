/**
 * A process with a reading store, its worker and nothing else, for tests that kill it. argv: folder, readings a batch.
 * Says a line per committed batch, and what its worker is about to do.
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { GasCalendar } from "#readings/gasDay.ts";
import { Manifest } from "#readings/manifest.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { planSettings } from "#readings/planWork.ts";
import { SegmentedReadings } from "#readings/segmentedReadings.ts";
import { workerRunner } from "#readings/workerRunner.ts";
import type { ReadingWorkerData } from "../../src/readingWorker.ts";
import { columnsFrom, shanghai } from "../support/readingStore.ts";
import { batchRows, nowOfBatch } from "../support/readingCourse.ts";
import { makeReadingTables } from "../support/readingTables.ts";

const [, , folder = "", batchText = "100"] = process.argv;
const readings = Number(batchText);

/** Written at once and in full, so that a kill cannot hold back what was committed. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const database = join(folder, "readings.sqlite");
const db = new DatabaseSync(database, { timeout: 5_000 });
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
makeReadingTables(db);
const manifest = new Manifest(db);
const parts = { disk: nodeDisk, folder: join(folder, "segments"), manifest };
const calendar = new GasCalendar(shanghai);
const plan = {
  ...planSettings,
  flushRows: 2_000,
  openDayFilesMax: 3,
  lateDayShareMax: 0,
  lateFilesMax: 1,
};
const store = new SegmentedReadings({ ...parts, calendar, plan, putAudit: () => undefined });
const data: ReadingWorkerData = {
  ...{ database, folder: parts.folder, calendar: shanghai },
  fileKeys: null,
};
const worker = new Worker(new URL("../../src/readingWorker.ts", import.meta.url), {
  workerData: data,
});
const runner = workerRunner(worker);
let at = manifest.newestBatch;
say(`open ${at} ${JSON.stringify(store.report)}`);

/** Jobs are done beside the batches, as they will be beside the engine. */
let isBusy = false;
/** Batches wait for a worker that is so far behind; else nothing but flushes would ever be due. */
const aheadMax = 40;
let maintainedAt = at;
function maintain(): void {
  if (isBusy) return;
  isBusy = true;
  const telling = {
    run: (work: Parameters<typeof runner.run>[0]) => {
      say(`work ${work.kind === "merge" ? `merge ${work.output.kind}` : work.kind}`);
      return runner.run(work);
    },
  };
  store.maintain(telling, nowOfBatch(at)).then(
    () => {
      isBusy = false;
      maintainedAt = at;
    },
    (cause: unknown) => {
      say(`failed ${cause}`);
      process.exitCode = 1;
    },
  );
}

function next(): void {
  at += 1;
  db.exec("BEGIN IMMEDIATE");
  store.append(columnsFrom(batchRows(at, readings)));
  db.exec("COMMIT");
  store.committed();
  say(`batch ${at}`);
  maintain();
  goOn();
}

function goOn(): void {
  if (at - maintainedAt < aheadMax) setImmediate(next);
  else setTimeout(goOn, 1);
}
next();

/** The reading store's worker: makes segments and roll-ups beside the writer, which lists them. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "#domain/invariant.ts";
import { GasCalendar, type GasCalendarSettings } from "#readings/gasDay.ts";
import { Manifest } from "#readings/manifest.ts";
import { runWork, segmentSettings } from "#readings/runWork.ts";
import { answerWork } from "#readings/workerRunner.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";

export interface ReadingWorkerData {
  /** The database with the hot batches; read only here. */
  readonly database: string;
  readonly folder: string;
  readonly calendar: GasCalendarSettings;
  readonly fileKeys: FileKeys;
}

invariant(parentPort !== null, "readingWorker.ts runs as a worker thread only");
const { database, folder, calendar, fileKeys } = workerData as ReadingWorkerData;
const manifest = new Manifest(new DatabaseSync(database, { readOnly: true }));
const parts = {
  disk: fileDisk(fileKeys),
  folder,
  calendar: new GasCalendar(calendar),
  manifest,
  settings: segmentSettings,
};
answerWork(parentPort, (work) => runWork(parts, work));

/** Makes one archive file beside the writer, says what it holds, and ends. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { archiveFrames, type ArchiveMade, type ArchiveWork } from "#archive/archiveFrames.ts";
import { FrameList } from "#archive/frameList.ts";
import { invariant } from "#domain/invariant.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";

export interface ArchiveWorkerData {
  /** The ledger; read only here. */
  readonly database: string;
  readonly folder: string;
  readonly fileKeys: FileKeys;
  readonly work: ArchiveWork;
}

invariant(parentPort !== null, "archiveWorker.ts runs as a worker thread only");
const { database, folder, fileKeys, work } = workerData as ArchiveWorkerData;
const db = new DatabaseSync(database, { readOnly: true });
const made: ArchiveMade | null = archiveFrames(fileDisk(fileKeys), folder, new FrameList(db), work);
db.close();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
parentPort.postMessage(made);

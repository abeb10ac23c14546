/** The query worker: answers the reads of the API beside the writer, one after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "#domain/invariant.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { answerCalls } from "#ledger/answerCalls.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";

export interface QueryWorkerData {
  readonly directory: string;
  readonly fileKeys: FileKeys;
}

invariant(parentPort !== null, "queryWorker.ts runs as a worker thread only");
const { directory, fileKeys } = workerData as QueryWorkerData;
answerCalls(parentPort, answersFrom(openForReading(directory), fileDisk(fileKeys)));

/** The billing worker: cut-offs and consumption, so that a run over all meters keeps no other read waiting. */
import { parentPort, workerData } from "node:worker_threads";
import { GasDays, type GasDaySettings } from "#billing/gasDays.ts";
import { invariant } from "#domain/invariant.ts";
import { answerCalls } from "#ledger/answerCalls.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { billingAnswers } from "./billingAnswers.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";

export interface BillingWorkerData {
  readonly directory: string;
  readonly gasDays: GasDaySettings;
  readonly fileKeys: FileKeys;
}

invariant(parentPort !== null, "billingWorker.ts runs as a worker thread only");
const { directory, gasDays, fileKeys } = workerData as BillingWorkerData;
const db = openForReading(directory);
const answers = answersFrom(db, fileDisk(fileKeys));
answerCalls(parentPort, billingAnswers(answers, billingRows(db), new GasDays(gasDays)));

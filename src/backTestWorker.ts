/** A thread of a back-test: its share of the meters, once. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "#domain/invariant.ts";
import { runPart, type BackTestPart, type BackTestPartial } from "./backTestRun.ts";

invariant(parentPort !== null, "backTestWorker.ts runs as a worker thread only");
const port = parentPort;

function tell(partial: BackTestPartial): void {
  port.postMessage(partial);
}

tell(runPart(workerData as BackTestPart));

/** The ledger keeper's thread: checkpoints and the sums of pages, beside the writer. */
import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "#domain/invariant.ts";
import { LedgerKeeper } from "#ledger/sums/ledgerKeeper.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";

export interface LedgerWorkerData {
  readonly path: string;
  readonly sumsPath: string;
}

/** One a look: also a sign of life. */
export interface LedgerWorkerReport {
  readonly damage: readonly DamagedPlace[];
  /** null: it went well. */
  readonly failure: string | null;
}

const lookEveryMs = 250;

invariant(parentPort !== null, "ledgerWorker.ts runs as a worker thread only");
const port = parentPort;
let damage: DamagedPlace[] = [];
const keeper = new LedgerKeeper({
  ...(workerData as LedgerWorkerData),
  onDamage: (places) => damage.push(...places),
});

function look(): void {
  let failure: string | null = null;
  try {
    keeper.look(performance.now());
  } catch (cause) {
    failure = String(cause);
  }
  const report: LedgerWorkerReport = { damage, failure };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  port.postMessage(report);
  damage = [];
}

const timer = setInterval(look, lookEveryMs);
port.once("message", () => {
  clearInterval(timer);
  keeper.close();
});

/** The ledger keeper on the engine's thread. When it dies or hangs, the engine checkpoints by itself from then on. */
import { performance } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import type { LedgerFile, LedgerWatch } from "#ledger/sums/ledgerFile.ts";
import type { LedgerWorkerData, LedgerWorkerReport } from "./ledgerWorker.ts";

/** 256 MiB: so much may wait in the log, unless the keeper is at it. */
const waitingFramesMax = 64_000;
const silentMsMax = 60_000;
const looksApartMs = 1_000;
/** A failure that lasts is told so often. */
const failuresApartMs = 60_000;

export interface RunningKeeper {
  /** After each batch; cheap. */
  look(): void;
  stop(): Promise<void>;
}

export function startLedgerKeeper(file: LedgerFile, watch: LedgerWatch): RunningKeeper {
  const workerData: LedgerWorkerData = file.handOver();
  let heardMs = performance.now();
  let nextLookMs = 0;
  let nextFailureMs = 0;
  let isStopping = false;
  // Its file of the ledger stays open: see `LedgerKeeper`.
  const options = { workerData, trackUnmanagedFds: false };
  const worker = new Worker(new URL("./ledgerWorker.ts", import.meta.url), options);
  worker.on("message", ({ damage, failure }: LedgerWorkerReport) => {
    heardMs = performance.now();
    if (damage.length > 0) watch.onDamage(damage);
    if (failure === null || heardMs < nextFailureMs) return;
    nextFailureMs = heardMs + failuresApartMs;
    watch.onFailure(failure);
  });
  worker.on("error", (cause) => watch.onFailure(cause));
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => {
      resolve();
      if (isStopping) return;
      watch.onFailure(
        "the ledger's keeper has ended; the engine does its work until the next start",
      );
      file.takeBack();
    });
  });
  return {
    look() {
      const nowMs = performance.now();
      if (nowMs < nextLookMs) return;
      nextLookMs = nowMs + looksApartMs;
      if (nowMs - heardMs < silentMsMax || file.waitingFrames() < waitingFramesMax) return;
      void worker.terminate();
    },
    async stop() {
      isStopping = true;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
      worker.postMessage("stop");
      await ended;
    },
  };
}

/** The engine's worker seen from the main thread: one queue in front, its reports behind. */
import { Worker } from "node:worker_threads";
import type { EngineReport } from "#engine/messages.ts";
import { EngineQueue, type QueueParts } from "#engine/uplinkQueue.ts";
import type { Directory, LedgerOpening } from "#ports/ledger.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { EngineWorkerData } from "./engineWorker.ts";

/** The ledger cannot be used: nothing can be promised, so nothing is started. */
export class EngineUnusableError extends Error {
  override readonly name = "EngineUnusableError";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface EngineHost {
  readonly queue: EngineQueue;
  readonly directory: Directory;
  /** Damaged places of its files that others met: what can be made again is. */
  noteDamage(damage: readonly DamagedPlace[]): void;
  /** Finishes what has arrived, closes the ledger, ends the thread. */
  stop(): Promise<void>;
}

type HostParts = Omit<QueueParts, "port" | "defer"> & {
  /** The thread ended by itself: the process must not go on without its writer. */
  onDeath(error: unknown): void;
  /** Damaged places of the reading store, and why a flush or merge came to nothing. */
  onLedgerOpened(opening: LedgerOpening): void;
  onStoreNote(damage: readonly DamagedPlace[], failure: string | null): void;
  onRemade(file: string): void;
  onRetired(beforeMs: number, rows: number): void;
};

const tickEveryMs = 1_000;

/**
 * Room for what the engine's batches leave behind. A batch's readings, contexts and events live until its commit: in
 * less room they are taken for lasting, copied, and cleared away at length.
 */
const youngGenerationMb = 96;

/** Starts the worker and resolves when it has read its ledger. */
export async function startEngineHost(
  data: EngineWorkerData,
  parts: HostParts,
): Promise<EngineHost> {
  const worker = new Worker(new URL("./engineWorker.ts", import.meta.url), {
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
  });
  const exited = new Promise<number>((resolve) => worker.once("exit", resolve));
  const queue = new EngineQueue({
    ...parts,
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
    port: { post: (batch, transfer) => worker.postMessage(batch, [...transfer]) },
    defer: (run) => setImmediate(run),
  });
  const directory = await new Promise<Directory>((resolve, reject) => {
    worker.once("error", reject);
    worker.on("message", (report: EngineReport) => {
      if (report.kind === "ready") resolve(report.directory);
      else if (report.kind === "unusable") {
        reject(new EngineUnusableError(report.code, report.message));
      } else if (report.kind === "ledger") parts.onLedgerOpened(report.opening);
      else if (report.kind === "store") parts.onStoreNote(report.damage, report.failure);
      else if (report.kind === "remade") parts.onRemade(report.file);
      else if (report.kind === "retired") parts.onRetired(report.beforeMs, report.rows);
      else queue.take(report);
    });
  });
  let isStopping = false;
  worker.removeAllListeners("error");
  worker.on("error", (error) => parts.onDeath(error));
  void exited.then((code) => {
    if (!isStopping) parts.onDeath(new EngineUnusableError("ENGINE_EXITED", `exit code ${code}`));
  });
  const ticker = setInterval(() => queue.tick(), tickEveryMs);
  queue.ready();
  return {
    queue,
    directory,
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
    noteDamage: (damage) => worker.postMessage({ damage }),
    async stop() {
      clearInterval(ticker);
      await queue.stop();
      isStopping = true;
      await exited;
    },
  };
}

/** One walk over all files of readings on a thread of its own, at a pace at which nobody notices it. */
import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "#domain/invariant.ts";
import { openForReading } from "#ledger/queries.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { Manifest } from "#readings/manifest.ts";
import { segmentFolder } from "#readings/openReadings.ts";
import { walkFiles } from "#readings/walkFiles.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";

export interface WalkWorkerData {
  readonly directory: string;
  readonly fileKeys: FileKeys;
}

export type WalkReport =
  | { readonly kind: "damage"; readonly places: readonly DamagedPlace[] }
  | { readonly kind: "walked"; readonly files: number };

/** A tenth of a processor, and of what the disk gives. */
const restsForWork = 9;
const workMs = 10;

invariant(parentPort !== null, "walkWorker.ts runs as a worker thread only");
const port = parentPort;
const { directory, fileKeys } = workerData as WalkWorkerData;

function tell(report: WalkReport): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  port.postMessage(report);
}

const nothing = new Int32Array(new SharedArrayBuffer(4));
let sinceMs = performance.now();

function rest(): void {
  const workedMs = performance.now() - sinceMs;
  if (workedMs < workMs) return;
  Atomics.wait(nothing, 0, 0, workedMs * restsForWork);
  sinceMs = performance.now();
}

const db = openForReading(directory);
const files = walkFiles({
  disk: fileDisk(fileKeys),
  folder: segmentFolder(directory),
  manifest: new Manifest(db),
  rest,
  onDamage: (places) => tell({ kind: "damage", places }),
});
db.close();
tell({ kind: "walked", files });

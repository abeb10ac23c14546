/** One backup on a thread of its own: it reads and hashes for minutes, and nobody may wait for it. */
import { parentPort, workerData } from "node:worker_threads";
import { makeBackup } from "#backup/makeBackup.ts";
import { invariant } from "#domain/invariant.ts";
import { fileSeal } from "#vault/fileSeal.ts";
import { billedTotals } from "./billedTotals.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";
import { systemRng } from "./systemRng.ts";

export interface BackupWorkerData {
  readonly dataDir: string;
  readonly folder: string;
  readonly keep: number;
  readonly determinants: number;
  readonly fileKeys: FileKeys;
}

/** What became of it. */
export type BackupReport =
  | {
      readonly ok: true;
      readonly name: string;
      readonly newObjects: number;
      readonly newBytes: number;
    }
  | { readonly ok: false; readonly reason: string; readonly message: string };

invariant(parentPort !== null, "backupWorker.ts runs as a worker thread only");
const { fileKeys, ...where } = workerData as BackupWorkerData;

async function report(): Promise<BackupReport> {
  try {
    const { name, newObjects, newBytes } = await makeBackup({
      ...where,
      seal: fileKeys === null ? null : fileSeal(fileKeys, systemRng),
      disk: fileDisk(fileKeys),
      billed: billedTotals,
      nowMs: Date.now,
      say: () => undefined,
    });
    return { ok: true, name, newObjects, newBytes };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "INTERNAL";
    return { ok: false, reason: code, message: String(error) };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort.postMessage(await report());

/** The frame archive on the engine's thread, with a worker for each file that it makes. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { ArchiveMade, ArchiveWork } from "#archive/archiveFrames.ts";
import { FrameKeeper, type ArchiveSettings } from "#archive/frameKeeper.ts";
import { frameFolderName, type FrameList } from "#archive/frameList.ts";
import { ledgerFileName } from "#ledger/openLedger.ts";
import type { ArchiveWorkerData } from "./archiveWorker.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";

interface ArchiveParts {
  readonly directory: string;
  readonly list: FrameList;
  readonly settings: ArchiveSettings;
  readonly fileKeys: FileKeys;
  readonly onFailure: (cause: unknown) => void;
}

/** What is being made when it stops is given up: it is not listed, so nothing is lost. */
export function startArchive(parts: ArchiveParts): {
  look(nowMs: number): Promise<void>;
  stop(): void;
} {
  const { directory, list, settings, fileKeys, onFailure } = parts;
  const folder = join(directory, frameFolderName);
  let worker: Worker | undefined;
  const archive = (work: ArchiveWork): Promise<ArchiveMade | null> => {
    const database = join(directory, ledgerFileName);
    const data: ArchiveWorkerData = { database, folder, fileKeys, work };
    const started = new Worker(new URL("./archiveWorker.ts", import.meta.url), {
      workerData: data,
    });
    worker = started;
    return new Promise((resolve, reject) => {
      started.once("message", (made: ArchiveMade | null) => resolve(made));
      started.once("error", reject);
      started.once("exit", (code) => reject(new TypeError(`the archive's worker ended: ${code}`)));
    });
  };
  const disk = fileDisk(fileKeys);
  const keeper = new FrameKeeper({ disk, folder, list, settings, archive, onFailure });
  return {
    look: (nowMs) => keeper.look(nowMs),
    stop() {
      keeper.stop();
      void worker?.terminate();
    },
  };
}

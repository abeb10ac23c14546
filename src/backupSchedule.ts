/** Backups by the settings: due when the newest one is old enough, also over restarts; a failure is an alarm. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { manifestNames } from "#backup/backupManifest.ts";
import { hourMs, minuteMs } from "#domain/units.ts";
import type { Observer } from "#ports/observer.ts";
import type { SelfWatch } from "#selfwatch/selfWatch.ts";
import type { BackupReport, BackupWorkerData } from "./backupWorker.ts";

const lookEveryMs = minuteMs;
/** After a failure; not at once, for what is broken seldom mends within a minute. */
const againAfterMs = hourMs;

export interface BackupScheduleParts {
  readonly worker: BackupWorkerData;
  readonly everyHours: number;
  readonly observer: Observer;
  readonly selfWatch: Pick<SelfWatch, "report">;
  /** The machine's clock, as the files' times are. */
  readonly nowMs: () => number;
}

/** Looks now and each minute; a backup that is being made at the end is given up. */
export function startBackups(parts: BackupScheduleParts): { stop(): Promise<void> } {
  const { worker, everyHours, observer, selfWatch, nowMs } = parts;
  let running: Worker | null = null;
  let notBeforeMs = 0;

  function look(): void {
    const ageMs = nowMs() - newestAtMs(worker.folder);
    if (ageMs < everyHours * hourMs) selfWatch.report("BACKUP", 0, {});
    else if (ageMs < Infinity && ageMs > 2 * everyHours * hourMs) {
      selfWatch.report("BACKUP", 1, { reason: `${Math.floor(ageMs / hourMs)} h` });
    }
    const isDue = ageMs >= everyHours * hourMs && nowMs() >= notBeforeMs;
    if (isDue && running === null) begin();
  }

  function begin(): void {
    const thread = new Worker(new URL("./backupWorker.ts", import.meta.url), {
      workerData: worker,
    });
    running = thread;
    let report: BackupReport = { ok: false, reason: "EXITED", message: "the thread ended" };
    thread.on("message", (message: BackupReport) => (report = message));
    thread.on(
      "error",
      (error) => (report = { ok: false, reason: "INTERNAL", message: String(error) }),
    );
    thread.once("exit", () => {
      running = null;
      follow(report);
    });
  }

  function follow(report: BackupReport): void {
    if (report.ok) {
      const { name, newObjects, newBytes } = report;
      observer.note("backup.made", { name, newObjects, newBytes });
      selfWatch.report("BACKUP", 0, {});
      return;
    }
    notBeforeMs = nowMs() + againAfterMs;
    observer.note("backup.failed", { reason: report.reason, message: report.message });
    selfWatch.report("BACKUP", 1, { reason: report.reason });
  }

  look();
  const timer = setInterval(look, lookEveryMs);
  return {
    async stop() {
      clearInterval(timer);
      await running?.terminate();
    },
  };
}

/** When the newest backup was written; long ago when there is none. */
function newestAtMs(folder: string): number {
  try {
    const newest = manifestNames(folder).at(-1);
    return newest === undefined ? -Infinity : statSync(join(folder, newest)).mtimeMs;
  } catch {
    return -Infinity;
  }
}

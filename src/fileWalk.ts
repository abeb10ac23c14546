/** The files of readings are read in full after the start and once a day: damage is met before somebody needs them. */
import { Worker } from "node:worker_threads";
import { dayMs } from "#domain/units.ts";
import type { Observer } from "#ports/observer.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { WalkReport, WalkWorkerData } from "./walkWorker.ts";

export interface FileWalkParts {
  readonly worker: WalkWorkerData;
  readonly observer: Observer;
  readonly onDamage: (places: readonly DamagedPlace[]) => void;
}

/** A walk that is under way at the end is given up. */
export function startFileWalk({ worker: workerData, observer, onDamage }: FileWalkParts): {
  stop(): Promise<void>;
} {
  let running: Worker | null = null;

  function begin(): void {
    // It may take longer than a day; then one day is left out.
    if (running !== null) return;
    const thread = new Worker(new URL("./walkWorker.ts", import.meta.url), { workerData });
    running = thread;
    thread.on("message", (report: WalkReport) => {
      if (report.kind === "damage") onDamage(report.places);
      else observer.note("readings.walked", { files: report.files });
    });
    thread.on("error", (error) => observer.note("readings.walkFailed", { message: String(error) }));
    thread.once("exit", () => (running = null));
  }

  begin();
  const timer = setInterval(begin, dayMs);
  return {
    async stop() {
      clearInterval(timer);
      await running?.terminate();
    },
  };
}

/** What the engine would feel of the store's worker, and how soon a killed store serves again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { quantilesMs, round } from "./quantiles.ts";
import { Fleet } from "./readingsLoad.ts";
import { commitBatch, openReadings, startMs, withFolder, withReadings } from "./readingsRig.ts";
import type { Report } from "./report.ts";

const hourMs = 3_600_000;
const pacedRows = 1_000;
const pacedMs = 10;
/** A reading a second of 100,000 meters, so that a gas day passes in 24 seconds. */
const pacedMeters = 100_000;
/** So that a run of half a minute has flushes, merges and a roll-up. */
const busyPlan = { flushRows: 500_000, openDayFilesMax: 2 };

/** Commits of 1,000 readings, 100 a second, while the worker flushes and merges without a pause. */
export async function commitsBesideWork(seconds: number): Promise<readonly Report[]> {
  return withReadings(busyPlan, null, async (rig) => {
    const fleet = new Fleet({ meters: pacedMeters, startMs, withOrigin: true });
    const commits: number[] = [];
    const delays: number[] = [];
    const done = { flush: 0, merge: 0, rollUp: 0, retire: 0 };
    let commitCpuUs = 0;
    const runner: typeof rig.runner = {
      run(work) {
        done[work.kind] += 1;
        return rig.runner.run(work);
      },
    };
    let work: Promise<unknown> | undefined;
    const began = performance.now();
    const isOver = (): boolean => performance.now() - began > seconds * 1_000;
    for (let hour = 0; !isOver(); hour += 1) {
      for (const batch of fleet.hour(hour, pacedRows)) {
        const due = began + commits.length * pacedMs;
        while (performance.now() < due) await new Promise((resolve) => setImmediate(resolve));
        const start = performance.now();
        const before = process.threadCpuUsage();
        commitBatch(rig, batch);
        const { user, system } = process.threadCpuUsage(before);
        commitCpuUs += user + system;
        commits.push(performance.now() - start);
        delays.push(performance.now() - due);
        work ??= rig.store.maintain(runner, startMs + hour * hourMs).finally(() => {
          work = undefined;
        });
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await work;
    const load = { readingsPerSecond: (pacedRows * 1_000) / pacedMs, withOrigin: true, ...done };
    const commitCpuMs = round(commitCpuUs / 1_000 / commits.length);
    const dueToDurableMs = quantilesMs(delays);
    const report = { ...load, ...quantilesMs(commits), commitCpuMs, dueToDurableMs };
    return [
      { figure: "commit-beside-flush-p99-ms", ...report },
      { figure: "commit-beside-flush-longest-ms", ...report },
    ];
  });
}

/** kill -9 with a full hot part and 30 segments; until the first answer of the store that is opened again. */
export async function readyAfterKill(): Promise<Report> {
  return withFolder(async (folder) => {
    const child = spawn(process.execPath, [`${import.meta.dirname}/readingsChild.ts`, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    child.kill("SIGKILL");
    await once(child, "exit");
    const start = performance.now();
    const { store, file } = openReadings(folder, {});
    const answer = store.last(1);
    const ms = round(performance.now() - start);
    const { hotRows, files } = store.report;
    store.close();
    file.close();
    const failed = answer.readings.length === 1 && line.startsWith("full ") ? 0 : 1;
    return { figure: "ready-after-kill-ms", ms, hotRows, files, failed };
  });
}

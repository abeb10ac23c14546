/** A store that is killed at any point of a flush, a merge or a roll-up: what was committed is there, once. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { verifyStore } from "#readings/verifyStore.ts";
import { batchRows, nowOfBatch } from "../support/readingCourse.ts";
import { PlainStore, storeRig } from "../support/readingStore.ts";

const child = fileURLToPath(new URL("./readingsChild.ts", import.meta.url));
const readings = 120;
/** More of them by hand: READING_KILLS=24. */
const kills = Number(process.env["READING_KILLS"] ?? 8);

/** Lines until `isEnough` says so and the process is killed. */
async function runUntil(
  folder: string,
  isEnough: (line: string, count: number) => boolean,
): Promise<readonly string[]> {
  const running = spawn(process.execPath, [child, folder, String(readings)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void running.kill("SIGKILL"));
  const lines: string[] = [];
  for await (const line of createInterface({ input: running.stdout })) {
    lines.push(line);
    if (isEnough(line, lines.length)) running.kill("SIGKILL");
  }
  if (running.exitCode === null && running.signalCode === null) await once(running, "exit");
  return lines;
}

test(
  "after kills over flush, merge and roll-up nothing is lost and nothing is there twice",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "mercaptan-readings-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const kinds = ["work flush", "work merge day", "work rollUp", "work merge month"];
    let killedIn: string[] = [];
    let committed = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const wanted = kinds[kill % kinds.length] ?? "";
      let sinceWanted = -1;
      const lines = await runUntil(folder, (line, count) => {
        if (line === wanted) sinceWanted = 0;
        else if (sinceWanted >= 0) sinceWanted += 1;
        // At once, or some batches later, while the worker is still at it or just through.
        return (sinceWanted >= 0 && sinceWanted >= kill % 5) || count > 3_000;
      });
      expect(lines.filter((line) => line.startsWith("failed"))).toEqual([]);
      if (lines.includes(wanted)) killedIn = [...killedIn, wanted];
      const last = lines.findLast((line) => line.startsWith("batch "));
      committed = Math.max(committed, Number(last?.slice(6) ?? 0));
      // The next process opens what this one left: its first line says from where it goes on.
      expect(Number(lines[0]?.split(" ")[1])).toBeGreaterThanOrEqual(0);
    }
    for (const kind of kinds) expect(killedIn).toContain(kind);
    await expectWhole(folder, committed);
  },
  60_000 + kills * 30_000,
);

/** Everything up to the last committed batch, compared with the same course kept as a list. */
async function expectWhole(folder: string, committed: number): Promise<void> {
  const rig = storeRig({
    disk: nodeDisk,
    folder: join(folder, "segments"),
    database: join(folder, "readings.sqlite"),
    plan: { lateFilesMax: 0 },
    chunkRows: 2_048,
  });
  onTestFinished(() => {
    rig.store.close();
    rig.db.close();
  });
  const newest = rig.manifest.newestBatch;
  expect(newest).toBeGreaterThanOrEqual(committed);
  expect(rig.store.report.damagedBatches).toEqual([]);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
  const plain = new PlainStore();
  for (let batch = 1; batch <= newest; batch += 1) {
    plain.add(batchRows(batch, readings).filter(({ meterNo }) => (meterNo ?? 0) % 20 === 1));
  }
  const compare = (): void => {
    for (const meterNo of plain.meterNos) {
      const { readings: found, damage } = rig.store.range(meterNo, -Infinity, Infinity);
      expect(damage).toEqual([]);
      const expected = plain
        .times(meterNo, -Infinity, Infinity)
        .map((time) => plain.versions(meterNo, time).map(({ indexMl }) => indexMl));
      expect(
        found.map(({ counts, others }) => [counts, ...others].map(({ indexMl }) => indexMl)),
      ).toEqual(expected);
    }
  };
  compare();
  await rig.store.flush(rig.runner);
  await rig.store.maintain(rig.runner, nowOfBatch(newest + 5_000));
  expect(rig.store.hotRows).toBe(0);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
  compare();
}

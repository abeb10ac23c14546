/** Processes that die, and disks that are full. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ledgerFileName } from "#ledger/openLedger.ts";
import { verifyLedger } from "#ledger/sums/verifyLedger.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { expect, onTestFinished, test } from "vitest";
import { codeOf, openedLedger, rawLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import { requireTool } from "../support/tool.ts";

const child = fileURLToPath(new URL("./ledgerChild.ts", import.meta.url));
const batch = 50;
const cycles = 5;

function start(mode: string, directory: string): ChildProcess {
  const started = spawn(process.execPath, [child, mode, directory, String(batch)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void started.kill("SIGKILL"));
  return started;
}

/** Lines of the process until `isEnough` and it is killed, and what it still managed to say. */
async function linesUntilKilled(
  running: ChildProcess,
  isEnough: (count: number) => boolean,
): Promise<readonly string[]> {
  const lines: string[] = [];
  if (running.stdout === null) return lines;
  for await (const line of createInterface({ input: running.stdout })) {
    lines.push(line);
    if (isEnough(lines.length)) running.kill("SIGKILL");
  }
  if (running.exitCode === null && running.signalCode === null) await once(running, "exit");
  return lines;
}

test("the lock of a killed writer is gone with it", async () => {
  const directory = temporaryDirectory();
  const holder = start("hold", directory);
  await linesUntilKilled(holder, (count) => {
    if (count === 1) expect(codeOf(() => openedLedger(directory))).toBe("LEDGER_UNUSABLE");
    return true;
  });
  expect(codeOf(() => openedLedger(directory))).toBe("no error");
});

test("after kill -9 nothing acknowledged is missing, and no batch is there in part", async () => {
  const directory = temporaryDirectory();
  let acknowledged = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    // Another number of batches each time, so that the kill falls at another place.
    const batches = 3 + cycle * 17;
    const lines = await linesUntilKilled(
      start("commit", directory),
      (count) => count > 1 + batches,
    );
    acknowledged = Number(lines.at(-1));
    expect(acknowledged).toBeGreaterThan(0);
    const ledger = openedLedger(directory);
    const { uplink, reading } = ledger.sequences();
    ledger.close();
    expect(uplink).toBeGreaterThanOrEqual(acknowledged);
    expect(uplink % batch).toBe(0);
    expect(reading).toBe(uplink);
  }
  const db = rawLedger(directory);
  const counted = db.prepare("SELECT count(*) AS rows, max(seq) AS newest FROM uplink").get();
  expect(counted?.["rows"]).toBe(counted?.["newest"]);
  expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
});

/** Waits as the command does, so that a writer gets on. */
const pause = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
const verdict = (directory: string) => verifyLedger(nodeDisk, directory, ledgerFileName, pause);

test("beside a keeper that checkpoints, after kill -9 every page has its sum", async () => {
  const directory = temporaryDirectory();
  for (let cycle = 0; cycle < cycles; cycle++) {
    const isEnough = (count: number) => {
      if (count === 30) expect(verdict(directory)).toMatchObject({ ok: true, damage: [] });
      return count > 40 + cycle * 60;
    };
    const lines = await linesUntilKilled(start("kept", directory), isEnough);
    expect(verdict(directory)).toMatchObject({ ok: true, damage: [] });
    const ledger = openedLedger(directory);
    expect(ledger.sequences().uplink).toBeGreaterThanOrEqual(Number(lines.at(-1)));
    ledger.close();
    expect(verdict(directory)).toMatchObject({ ok: true, frames: 0 });
  }
  expect(verdict(directory).pages).toBeGreaterThan(1_000);
}, 240_000);

test("a process that ends without closing leaves the log, not pages without sums", async () => {
  const directory = temporaryDirectory();
  await linesUntilKilled(start("leave", directory), () => false);
  const left = verdict(directory);
  expect(left).toMatchObject({ ok: true, damage: [] });
  expect(left.frames).toBeGreaterThan(0);
});

test("a commit that finds no room fails as a whole; with room the next one works", () => {
  if (requireTool("prlimit", "util-linux") === null) return;
  const directory = temporaryDirectory();
  const limit = `ulimit -S -f 4000; exec "$0" "$@"`; // 2 MB or 4 MB, by the shell's unit
  const args = ["-c", limit, process.execPath, child, "fill", directory, String(batch)];
  const { stdout } = spawnSync("bash", args, { encoding: "utf8", timeout: 20_000 });
  expect(stdout.trim().split("\n")).toEqual([
    "open",
    "LEDGER_WRITE_FAILED",
    "kept 0 of the failed batch",
    `then ${batch}`,
  ]);
});

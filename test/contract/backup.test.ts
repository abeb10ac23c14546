/** Backups of a real ledger: whole, incremental, sealed, damaged at every object, and restored with proof. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { manifestNames, objectPath, readManifest } from "#backup/backupManifest.ts";
import { makeBackup } from "#backup/makeBackup.ts";
import { restoreBackup } from "#backup/restoreBackup.ts";
import { verifyBackups } from "#backup/verifyBackup.ts";
import { minuteMs } from "#domain/units.ts";
import type { FileSeal } from "#ports/fileSeal.ts";
import { protocolByName } from "#protocols/registry.ts";
import { plainDisk } from "#readings/openReadings.ts";
import { fileSeal } from "#vault/fileSeal.ts";
import { billedTotals } from "../../src/billedTotals.ts";
import { systemRng } from "../../src/systemRng.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";
import { listReadingFile, temporaryDirectory, rawLedger } from "../support/ledgerFiles.ts";

const seal = fileSeal([systemRng.bytes(32)], systemRng);
const otherSeal = fileSeal([systemRng.bytes(32)], systemRng);
const silent = () => undefined;
let folder: string;
let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  folder = join(temporaryDirectory(), "backups");
  engine = new EngineUnderTest();
  onTestFinished(() => engine.close());
  meterNo = engine.register("M0001");
  report("100.000", []);
  writeFileSync(join(engine.directory, "pepper.key"), "a secret");
  writeFileSync(join(engine.directory, "influx.cursor"), '{"seq":1}');
});

/** One uplink five minutes later. */
function report(volumeM3: string, status: readonly string[], reachable = false): void {
  engine.nowMs += 5 * minuteMs;
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3, status, valve: "open" });
  engine.uplinks([{ meterNo, bytes, reachable }]);
}

function backup(with_: FileSeal | null = null, keep = 10) {
  engine.nowMs += minuteMs;
  const { directory: dataDir, nowMs } = engine;
  return makeBackup({
    dataDir,
    folder,
    seal: with_,
    disk: plainDisk,
    billed: billedTotals,
    nowMs: () => nowMs,
    keep,
    determinants: 1_000,
    say: silent,
  });
}

function restore(with_: FileSeal | null = null, wanted?: string) {
  const dataDir = join(temporaryDirectory(), "data");
  const { nowMs } = engine;
  restoreBackup({
    folder,
    wanted,
    dataDir,
    seal: with_,
    disk: plainDisk,
    billed: billedTotals,
    nowMs,
    say: silent,
  });
  return dataDir;
}

function codeOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
  return "no error";
}

/** An engine on what was restored. */
function engineOn(directory: string): EngineUnderTest {
  const inherited = { directory, nowMs: engine.nowMs, idsUsed: 1_000 };
  const restored = new EngineUnderTest(protocolByName, inherited);
  onTestFinished(() => restored.close());
  return restored;
}

test("a backup beside an open ledger comes back with the same registers, rows and audit", async () => {
  const { manifest } = await backup();
  expect(manifest).toMatchObject({
    leftOut: ["pepper.key"],
    totals: {
      registers: 1,
      registerSumMl: "100000000",
      rows: { meter: 1, uplink: 1, reading_batch: 1 },
    },
  });
  report("101.000", []);
  const directory = restore();
  expect(existsSync(join(directory, "pepper.key"))).toBe(false);
  expect(readFileSync(join(directory, "influx.cursor"), "utf8")).toBe('{"seq":1}');
  const restored = engineOn(directory);
  expect(restored.readings()).toHaveLength(1);
  expect(restored.rows("SELECT act, subject FROM audit ORDER BY seq DESC LIMIT 1")).toMatchObject([
    { act: "restore" },
  ]);
  expect(restored.rows("SELECT kind FROM event ORDER BY seq DESC LIMIT 2")).toEqual([
    { kind: "system.started" },
    { kind: "system.restored" },
  ]);
  restored.restart();
  const kinds = restored.rows("SELECT kind FROM event WHERE kind = 'system.restored'");
  expect(kinds).toHaveLength(1);
});

test("nothing that waited or was on its way leaves again after a restore", async () => {
  const other = engine.register("M0002");
  const third = engine.register("M0003");
  const close = (meterId: string) =>
    engine.ask({ kind: "valve.close", meterId, reason: "no contract", expiresInMs: 3_600_000 });
  report("100.000", ["leak"]);
  close("M0002");
  close("M0003");
  engine.uplinks([{ meterNo: third, bytes: jsonBytes({ valve: "open" }), reachable: true }]);
  const states = (of: EngineUnderTest) =>
    of.rows("SELECT meter_no AS no, state, detail FROM command ORDER BY meter_no");
  expect(states(engine)).toMatchObject([
    { no: meterNo, state: "queued" },
    { no: other, state: "queued" },
    { no: third, state: "sent" },
  ]);
  await backup();
  const restored = engineOn(restore());
  expect(states(restored)).toEqual([
    { no: meterNo, state: "cancelled", detail: "restored" },
    { no: other, state: "cancelled", detail: "restored" },
    { no: third, state: "unknown", detail: "restart" },
  ]);
  const contacts = [meterNo, other, third].map((no) => ({ kind: "contact", meterNo: no }) as const);
  const answer = restored.notices(...contacts);
  expect(answer).toMatchObject({ kind: "committed", downlinks: [] });
});

test("whoever waited to be told when the backup was made is not told again", async () => {
  const db = rawLedger(engine.directory);
  db.exec(`INSERT INTO webhook (id, json) VALUES ('w', '{"id":"w","toldSeq":0}');
    INSERT INTO setting (name, value) VALUES ('notify.toldSeq', '0');
    INSERT INTO notification (id, recipient_id, waiting, json) VALUES
      ('n', 'r', 1, '{"id":"n","state":"waiting","nextAtMs":5}')`);
  await backup();
  const restored = rawLedger(restore());
  const newest = restored.prepare("SELECT max(seq) AS seq FROM event").get()?.["seq"];
  expect(newest).toBeGreaterThan(0);
  const told = "SELECT json_extract(json, '$.toldSeq') AS seq FROM webhook";
  expect(restored.prepare(told).all()).toEqual([{ seq: newest }]);
  const people = "SELECT value FROM setting WHERE name = 'notify.toldSeq'";
  expect(restored.prepare(people).all()).toEqual([{ value: String(newest) }]);
  const waiting = "SELECT waiting, json_extract(json, '$.state') AS state FROM notification";
  expect(restored.prepare(waiting).all()).toEqual([{ waiting: 0, state: "expired" }]);
});

test("only what is new is copied, and the oldest backup goes with what only it needs", async () => {
  listFile("segment-1", "one");
  const first = await backup();
  expect(first.newObjects).toBe(3);
  listFile("segment-2", "two");
  const second = await backup();
  // The ledger, and the file that was not there.
  expect(second.newObjects).toBe(2);
  const third = await backup(null, 2);
  expect(third).toMatchObject({ prunedBackups: 1 });
  expect(manifestNames(folder)).toEqual([second.name, third.name]);
  const ledgerOf = ({ manifest }: typeof first) =>
    manifest.files.find(({ path }) => path === "ledger.sqlite")?.sha256 ?? "";
  expect(existsSync(objectPath(folder, ledgerOf(first)))).toBe(false);
  expect(verifyBackups(folder, undefined, silent)).toMatchObject({ ok: true, backups: 2 });
  const directory = restore(null, second.name);
  expect(readFileSync(join(directory, "readings", "segment-1"), "utf8")).toBe("one");
});

/** A file that the ledger lists and nobody changes, as the reading store has them. */
function listFile(name: string, text: string): void {
  mkdirSync(join(engine.directory, "readings"), { recursive: true });
  writeFileSync(join(engine.directory, "readings", name), text);
  listReadingFile(engine.directory, name);
}

test("sealed: nothing is readable without the key, secrets come along, and the wrong key is named", async () => {
  const { manifest } = await backup(seal);
  expect(manifest).toMatchObject({ leftOut: [] });
  for (const { sha256 } of manifest.files) {
    const bytes = readFileSync(objectPath(folder, sha256));
    expect(bytes.subarray(0, 8).toString()).toBe("MERCSEAL");
    expect(bytes.includes("a secret")).toBe(false);
  }
  expect(verifyBackups(folder, undefined, silent)).toMatchObject({ ok: true });
  expect(codeOf(() => restore())).toBe("BACKUP_KEY");
  expect(codeOf(() => restore(otherSeal))).toBe("BACKUP_KEY");
  const directory = restore(seal);
  expect(readFileSync(join(directory, "pepper.key"), "utf8")).toBe("a secret");
  expect(statSync(join(directory, "pepper.key")).mode & 0o077).toBe(0);
});

test.each(["plain", "sealed"])(
  "one flipped byte anywhere in a %s backup is found and named",
  async (kind) => {
    const with_ = kind === "sealed" ? seal : null;
    const { name, manifest } = await backup(with_);
    const paths = manifest.files.map((file) => ({
      path: file.path,
      at: objectPath(folder, file.sha256),
    }));
    for (const { path, at } of [...paths, { path: name, at: join(folder, name) }]) {
      const bytes = readFileSync(at);
      for (const place of [0, bytes.length >> 1, bytes.length - 1]) {
        const flipped = Buffer.from(bytes);
        flipped[place] = (flipped[place] ?? 0) ^ 1;
        writeFileSync(at, flipped);
        expect(verifyBackups(folder, undefined, silent)).toMatchObject({
          ok: false,
          backup: name,
          path,
        });
        expect(codeOf(() => restore(with_))).toBe("BACKUP_DAMAGED");
      }
      rmSync(at);
      if (path !== name) {
        const missing = { ok: false, path, problem: "is missing" };
        expect(verifyBackups(folder, undefined, silent)).toMatchObject(missing);
        expect(codeOf(() => restore(with_))).toBe("BACKUP_DAMAGED");
      }
      writeFileSync(at, bytes);
    }
    expect(verifyBackups(folder, undefined, silent)).toMatchObject({ ok: true });
  },
);

test("a restore overwrites nothing, and leaves nothing when it fails", async () => {
  const { manifest } = await backup();
  const dataDir = temporaryDirectory();
  writeFileSync(join(dataDir, "something"), "else");
  const { nowMs } = engine;
  const parts = {
    folder,
    wanted: undefined,
    dataDir,
    seal: null,
    disk: plainDisk,
    billed: billedTotals,
    nowMs,
    say: silent,
  };
  expect(codeOf(() => restoreBackup(parts))).toBe("RESTORE_NOT_EMPTY");
  rmSync(join(dataDir, "something"));
  const ledger = manifest.files.find(({ path }) => path === "ledger.sqlite")?.sha256 ?? "";
  const bytes = readFileSync(objectPath(folder, ledger));
  rmSync(objectPath(folder, ledger));
  expect(codeOf(() => restoreBackup(parts))).toBe("BACKUP_DAMAGED");
  expect(existsSync(join(dataDir, "ledger.sqlite"))).toBe(false);
  writeFileSync(objectPath(folder, ledger), bytes);
  // What an interrupted restore left is no hindrance.
  mkdirSync(join(dataDir, ".restoring"));
  restoreBackup(parts);
  expect(existsSync(join(dataDir, "ledger.sqlite"))).toBe(true);
  expect(existsSync(join(dataDir, ".restoring"))).toBe(false);
});

test("a backup that is not there, a folder that is none, and two at the same time", async () => {
  expect(codeOf(() => restore())).toBe("BACKUP_UNUSABLE");
  mkdirSync(folder);
  expect(codeOf(() => restore())).toBe("BACKUP_NOT_FOUND");
  const one = backup();
  await expect(backup()).rejects.toMatchObject({ code: "BACKUP_UNUSABLE" });
  const { name } = await one;
  expect(codeOf(() => restore(null, "2031"))).toBe("BACKUP_NOT_FOUND");
  expect(readManifest(folder, name).totals.registers).toBe(1);
});

/** The record of readings under a key: flushed, read, backed up and restored; without the key a clear refusal. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeBackup } from "#backup/makeBackup.ts";
import { restoreBackup } from "#backup/restoreBackup.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { storeSettings } from "#readings/openReadings.ts";
import { fileSeal } from "#vault/fileSeal.ts";
import { billedTotals } from "../../src/billedTotals.ts";
import { fileDisk } from "../../src/fileDisk.ts";
import { systemRng } from "../../src/systemRng.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";
import { codeOf, temporaryDirectory } from "../support/ledgerFiles.ts";

const keys = [systemRng.bytes(32), systemRng.bytes(32)] as const;
const plan = { ...storeSettings.plan, flushRows: 1 };

/** A data directory whose readings have all been flushed into files under the key. */
function sealedDirectory(): { readonly directory: string; readonly nowMs: number } {
  const engine = new EngineUnderTest();
  onTestFinished(() => engine.close());
  const meterNo = engine.register("M0001");
  for (let hour = 1; hour <= 30; hour += 1) {
    engine.nowMs += 3_600_000;
    const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: `${100 + hour}.000` });
    engine.uplinks([{ meterNo, bytes }]);
  }
  engine.ledger.close();
  const settings = { ...storeSettings, plan, disk: fileDisk([keys[0]]) };
  const ledger = openLedger(engine.directory, settings);
  ledger.flushFull();
  ledger.close();
  engine.ledger = openLedger(engine.directory, settings);
  return { directory: engine.directory, nowMs: engine.nowMs };
}

function registersOf(directory: string, fileKeys: readonly Uint8Array[] | null, atMs: number) {
  const db = openForReading(directory);
  try {
    return answersFrom(db, fileDisk(fileKeys)).registersAt(atMs, null, null, 10).items;
  } finally {
    db.close();
  }
}

test("flushed files are sealed, are read with the key, and refused without it by name", () => {
  const { directory, nowMs } = sealedDirectory();
  const files = readdirSync(join(directory, "readings")).filter((name) => name !== "unlisted");
  expect(files.length).toBeGreaterThan(0);
  for (const name of files) {
    const head = readFileSync(join(directory, "readings", name))
      .subarray(0, 8)
      .toString();
    expect(head).toBe("MERCSEAL");
  }
  expect(registersOf(directory, [keys[1], keys[0]], nowMs)).toMatchObject([
    { indexMl: 130_000_000 },
  ]);
  expect(() => registersOf(directory, null, nowMs)).toThrow("READINGS_KEY");
});

test("a service without the key does not start, and says what is missing", () => {
  const engine = new EngineUnderTest();
  onTestFinished(() => engine.close());
  const meterNo = engine.register("M0001");
  engine.uplinks([{ meterNo, bytes: jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1" }) }]);
  engine.ledger.close();
  const sealed = openLedger(engine.directory, {
    ...storeSettings,
    plan,
    disk: fileDisk([keys[0]]),
  });
  sealed.flushFull();
  sealed.close();
  expect(codeOf(() => openLedger(engine.directory))).toBe("LEDGER_KEY");
  engine.ledger = openLedger(engine.directory, { ...storeSettings, disk: fileDisk([keys[0]]) });
});

test("a backup of it keeps the files as they are, and is restored with the same key", async () => {
  const { directory, nowMs } = sealedDirectory();
  const folder = join(temporaryDirectory(), "backups");
  const seal = fileSeal([keys[0]], systemRng);
  const disk = fileDisk([keys[0]]);
  const say = () => undefined;
  const common = { folder, seal, disk, billed: billedTotals, say };
  const { manifest } = await makeBackup({
    ...common,
    dataDir: directory,
    nowMs: () => nowMs,
    keep: 3,
    determinants: 1_000,
  });
  const segments = manifest.files.filter(({ path }) => path.startsWith("readings/"));
  expect(segments.length).toBeGreaterThan(0);
  expect(
    segments.every(({ isSealed, bytes, objectBytes }) => !isSealed && bytes === objectBytes),
  ).toBe(true);
  expect(manifest.totals).toMatchObject({ registers: 1, registerSumMl: "130000000" });
  const dataDir = join(temporaryDirectory(), "restored");
  restoreBackup({ ...common, wanted: undefined, dataDir, nowMs });
  expect(existsSync(join(dataDir, segments[0]?.path ?? ""))).toBe(true);
  expect(registersOf(dataDir, [keys[0]], nowMs)).toMatchObject([{ indexMl: 130_000_000 }]);
});

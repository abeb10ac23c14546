/** A restore whose bills would differ is refused, and says in what: copies that were tampered with for real. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { manifestText, objectPath, readManifest } from "#backup/backupManifest.ts";
import { makeBackup, type BackupDone } from "#backup/makeBackup.ts";
import { restoreBackup } from "#backup/restoreBackup.ts";
import { dayMs, hourMs, timestampMs, volumeMl } from "#domain/units.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { ledgerFileName, openLedger } from "#ledger/openLedger.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { defaultGasDays, GasDays } from "#billing/gasDays.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import { Manifest } from "#readings/manifest.ts";
import { plainDisk, segmentFolder } from "#readings/openReadings.ts";
import { localRunner, segmentSettings } from "#readings/runWork.ts";
import { billedTotals } from "../../src/billedTotals.ts";
import { billingAnswers } from "../../src/billingAnswers.ts";
import { temporaryDirectory } from "../support/ledgerFiles.ts";
import { inTransaction, meterRow, readingRow } from "../support/ledgerRows.ts";

const meters = 3;
const days = 33;
const calendar = new GasCalendar({ zone: "Asia/Shanghai", startMinute: 0 });
/** An hour before the gas month, so that all of it has its opening register. */
const firstMs = calendar.startOf(calendar.dayOf(Date.UTC(2026, 9, 1, 12))) - hourMs;
const endMs = firstMs + days * dayMs;

/** A month of three meters in segments and roll-ups, a bill of it, and one open conflict. */
async function livedThrough(directory: string, oddMl: number): Promise<void> {
  const ledger = openLedger(directory);
  const database = new DatabaseSync(join(directory, ledgerFileName), { readOnly: true });
  const runner = localRunner({
    disk: plainDisk,
    folder: segmentFolder(directory),
    calendar,
    manifest: new Manifest(database),
    settings: segmentSettings,
  });
  inTransaction(ledger, () => {
    for (let no = 1; no <= meters; no += 1) ledger.putMeter(meterRow(no));
  });
  let seq = 0;
  for (let hour = 0; hour < days * 24; hour += 24) {
    inTransaction(ledger, () => {
      for (let of = hour; of < hour + 24; of += 1) {
        for (let meterNo = 1; meterNo <= meters; meterNo += 1) {
          const measuredAtMs = timestampMs(firstMs + of * hourMs);
          // The register at the end of the seventeenth, of one meter.
          const isOdd = meterNo === 2 && of === 17 * 24 + 1;
          const indexMl = volumeMl(of * meterNo * 10_000 + (isOdd ? oddMl : 0));
          seq += 1;
          ledger.putReading(readingRow(seq, 0, { meterNo, indexMl, measuredAtMs }));
        }
      }
    });
  }
  await ledger.readings.flush(runner);
  await ledger.readings.maintain(runner, endMs + 2 * dayMs);
  database.close();
  const db = openForReading(directory);
  const billing = billingAnswers(answersFrom(db), billingRows(db), new GasDays(defaultGasDays));
  const [from, to] = [{ atMs: firstMs + hourMs }, { atMs: firstMs + hourMs + 31 * dayMs }];
  const determinant = billing.meterConsumption("M0001", from, to);
  db.close();
  inTransaction(ledger, () => {
    if (determinant !== null) ledger.putDeterminant("2026-10", 1, determinant, "tester", endMs);
    ledger.putConflict(3, firstMs + 5 * dayMs, endMs);
  });
  ledger.close();
}

const lived = mkdtempSync(join(tmpdir(), "mercaptan-lived-"));
beforeAll(() => livedThrough(lived, 0), 60_000);
afterAll(() => rmSync(lived, { recursive: true }));

async function backedUp(
  directory = lived,
  determinants = 1_000,
): Promise<{ folder: string; done: BackupDone }> {
  const folder = join(temporaryDirectory(), "backups");
  const nowMs = () => endMs + 3 * dayMs;
  const common = { seal: null, disk: plainDisk, billed: billedTotals, say: () => undefined };
  const done = await makeBackup({
    ...common,
    dataDir: directory,
    folder,
    nowMs,
    keep: 3,
    determinants,
  });
  return { folder, done };
}

/** Puts another object in the place of a file, and writes the manifest anew: only the totals stay. */
function exchange(folder: string, name: string, path: string, bytes: Uint8Array): void {
  const manifest = readManifest(folder, name);
  const files = manifest.files.map((file) => {
    if (file.path !== path) return file;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const object = objectPath(folder, sha256);
    mkdirSync(dirname(object), { recursive: true });
    writeFileSync(object, bytes);
    return { ...file, sha256, objectBytes: bytes.length };
  });
  writeFileSync(join(folder, name), manifestText({ ...manifest, files }));
}

/** The ledger of the backup, changed by a statement. */
function meddled(folder: string, { name, manifest }: BackupDone, sql: string): void {
  const sha256 = manifest.files.find(({ path }) => path === ledgerFileName)?.sha256 ?? "";
  const copy = join(temporaryDirectory(), ledgerFileName);
  writeFileSync(copy, readFileSync(objectPath(folder, sha256)));
  const db = new DatabaseSync(copy);
  expect(db.prepare(sql).run().changes).toBe(1);
  db.close();
  exchange(folder, name, ledgerFileName, readFileSync(copy));
}

function refusal(folder: string): string {
  const dataDir = join(temporaryDirectory(), "data");
  const common = { seal: null, disk: plainDisk, billed: billedTotals, say: () => undefined };
  try {
    restoreBackup({ ...common, folder, wanted: undefined, dataDir, nowMs: endMs });
  } catch (error) {
    expect(existsSync(join(dataDir, ledgerFileName))).toBe(false);
    return String(error);
  }
  return "restored";
}

test("what was backed up is restored, with the volumes of its month and days", async () => {
  const { folder, done } = await backedUp();
  const { billed = {} } = done.manifest.totals;
  // 31 days of 24 hours with 10, 20 and 30 litres.
  expect(billed["gas month 2026-10"]).toMatchObject({
    meters: 3,
    volumeMl: String(31 * 24 * 60_000),
    openConflicts: 1,
  });
  expect(billed["gas day 2026-10-17"]).toMatchObject({ meters: 3, volumeMl: "1440000" });
  expect(billed["determinants of gas month 2026-10"]).toMatchObject({
    meters: 3,
    volumeMl: String(31 * 24 * 60_000),
    withoutVolume: 0,
  });
  expect(billed["frozen determinants"]).toMatchObject({
    determinants: 1,
    volumeMl: String(31 * 24 * 10_000),
  });
  expect(refusal(folder)).toBe("restored");
});

test("one register of one day that differs is told with its day", async () => {
  const { folder, done } = await backedUp();
  const otherDirectory = temporaryDirectory();
  await livedThrough(otherDirectory, 1_000);
  const other = await backedUp(otherDirectory);
  const differing = other.done.manifest.files.filter(({ path, sha256 }) =>
    done.manifest.files.every((file) => file.path !== path || file.sha256 !== sha256),
  );
  for (const { path, sha256 } of differing) {
    exchange(folder, done.name, path, readFileSync(objectPath(other.folder, sha256)));
  }
  expect(refusal(folder)).toContain(
    "RESTORE_DIFFERS: gas day 2026-10-17, volumeMl: 1440000 in the backup, 1441000 restored",
  );
});

test.each([
  ["a frozen determinant", "UPDATE determinant SET volume_ml = volume_ml + 1", "volumeMl"],
  ["its text", "UPDATE determinant SET json = replace(json, 'exact', 'exakt')", "sha256"],
])("%s that differs is told", async (_what, sql, figure) => {
  const { folder, done } = await backedUp();
  meddled(folder, done, sql);
  expect(refusal(folder)).toContain(`RESTORE_DIFFERS: frozen determinants, ${figure}: `);
});

test("a conflict that somebody settled is told with its month", async () => {
  const { folder, done } = await backedUp();
  meddled(folder, done, "UPDATE register_conflict SET settled_at = 1");
  expect(refusal(folder)).toContain(
    "RESTORE_DIFFERS: gas month 2026-10, openConflicts: 1 in the backup, 0 restored",
  );
});

test.each([
  [1, 1],
  // Every second one, and the one with the open conflict.
  [2, 2],
  [10_000_000, 3],
])("a backup with determinants of %i is compared by as many", async (determinants, compared) => {
  const { folder, done } = await backedUp(lived, determinants);
  const { billed = {} } = done.manifest.totals;
  for (const period of ["gas month 2026-10", "gas day 2026-11-02"]) {
    expect(billed[`determinants of ${period}`]).toMatchObject({ meters: compared });
  }
  expect(refusal(folder)).toBe("restored");
});

test("a backup without determinants is compared by all else", async () => {
  const { folder, done } = await backedUp(lived, 0);
  const names = Object.keys(done.manifest.totals.billed ?? {});
  expect(names).toContain("gas month 2026-10");
  expect(names.filter((name) => name.startsWith("determinants"))).toEqual([]);
  expect(refusal(folder)).toBe("restored");
});

test("a backup that does not say of how many was made with 1,000", async () => {
  for (const [made, said] of [
    [1_000, "restored"],
    [1, "RESTORE_DIFFERS: determinants of gas month 2026-10, meters: 1 in the backup, 3 restored"],
  ] as const) {
    const { folder, done } = await backedUp(lived, made);
    const { determinants, ...unsaid } = readManifest(folder, done.name);
    expect(determinants).toBe(made);
    writeFileSync(join(folder, done.name), manifestText(unsaid));
    expect(refusal(folder)).toContain(said);
  }
});

/** A backup from before its readings were retired is whole, comes back with all of them, and they can go again. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeBackup } from "#backup/makeBackup.ts";
import { manifestNames } from "#backup/backupManifest.ts";
import { restoreBackup } from "#backup/restoreBackup.ts";
import { verifyBackups } from "#backup/verifyBackup.ts";
import { dayMs } from "#domain/units.ts";
import { answersFrom, followReadings, openForReading } from "#ledger/queries.ts";
import { plainDisk } from "#readings/openReadings.ts";
import { billedTotals } from "../../src/billedTotals.ts";
import { temporaryDirectory } from "../support/ledgerFiles.ts";
import { letGo, putOldReadings } from "../support/oldReadings.ts";

const fromMs = Date.UTC(2014, 0, 5);
const nowMs = fromMs + 150 * dayMs;
const keepMs = 60 * dayMs;
const silent = () => undefined;

/** Readings of the first meter at the beginning, what a verification finds, and what is listed. */
function stateOf(directory: string) {
  const db = openForReading(directory);
  const answers = answersFrom(db, plainDisk);
  const followed = followReadings(db, plainDisk);
  const { items } = answers.readings("M0001", fromMs, fromMs + 30 * dayMs, null, 1_000);
  const verdict = followed.verify();
  const last = answers.latestReading("M0002")?.indexMl;
  followed.close();
  db.close();
  return { early: items.length, damage: verdict.damage, last };
}

test("backup, retirement, restore, retirement again", async () => {
  const dataDir = temporaryDirectory();
  const folder = join(temporaryDirectory(), "backups");
  const backup = (keep: number, atMs: number) =>
    makeBackup({
      dataDir,
      folder,
      seal: null,
      disk: plainDisk,
      billed: billedTotals,
      nowMs: () => atMs,
      keep,
      determinants: 1_000,
      say: silent,
    });
  putOldReadings(dataDir, fromMs);
  await letGo(dataDir, nowMs, Infinity);
  await backup(2, nowMs);
  const before = stateOf(dataDir);
  expect(before).toMatchObject({ early: 3, damage: [] });

  await letGo(dataDir, nowMs, keepMs);
  const after = stateOf(dataDir);
  expect(after).toMatchObject({ early: 0, damage: [], last: before.last });
  await backup(2, nowMs + 1_000);
  const common = { folder, seal: null, disk: plainDisk, billed: billedTotals, say: silent };
  const options = { ...common, nowMs: nowMs + 2_000 };
  const older = join(temporaryDirectory(), "older");
  const [oldest = ""] = [...manifestNames(folder)].sort();
  restoreBackup({ ...options, dataDir: older, wanted: oldest });
  expect(stateOf(older)).toEqual(before);
  await letGo(older, nowMs, keepMs);
  expect(stateOf(older)).toEqual(after);

  const newer = join(temporaryDirectory(), "newer");
  restoreBackup({ ...options, dataDir: newer, wanted: undefined });
  expect(stateOf(newer)).toEqual(after);
  // The objects of retired files go with the last backup that needs them.
  await backup(1, nowMs + 3_000);
  expect(verifyBackups(folder, undefined, silent)).toMatchObject({ ok: true, backups: 1 });

  // Nobody has reported since: all months go, and a backup still comes to totals.
  await letGo(dataDir, nowMs + 400 * dayMs, keepMs);
  await backup(1, nowMs + 400 * dayMs);
  expect(stateOf(dataDir)).toMatchObject({ early: 0, damage: [], last: before.last });
});

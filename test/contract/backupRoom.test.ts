/** A disk that fills up while it is backed up to, or restored to: said as that, and nothing half made counts. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { manifestNames } from "#backup/backupManifest.ts";
import { makeBackup } from "#backup/makeBackup.ts";
import { restoreBackup } from "#backup/restoreBackup.ts";
import { plainDisk } from "#readings/openReadings.ts";
import { billedTotals } from "../../src/billedTotals.ts";
import { openedLedger, rawLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import { smallDisk } from "../support/smallDisk.ts";

const common = { seal: null, disk: plainDisk, billed: billedTotals, say: () => undefined };
const nowMs = Date.UTC(2026, 10, 28);

/** A ledger of some ten mebibytes. */
function largeLedger(): string {
  const directory = temporaryDirectory();
  openedLedger(directory).close();
  const db = rawLedger(directory);
  db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO setting (name, value) SELECT 'filler.' || i, hex(zeroblob(1000)) FROM n`);
  return directory;
}

function backup(dataDir: string, folder: string) {
  return makeBackup({
    ...common,
    dataDir,
    folder,
    keep: 3,
    determinants: 1_000,
    nowMs: () => nowMs,
  });
}

test("a disk that is full in the middle is no damage", async () => {
  const small = smallDisk(6);
  if (small === null) return;
  onTestFinished(() => small.remove());
  const dataDir = largeLedger();
  const full = join(small.folder, "backups");
  await expect(backup(dataDir, full)).rejects.toMatchObject({ code: "BACKUP_NO_ROOM" });
  expect(manifestNames(full)).toEqual([]);
  expect(existsSync(join(full, ".work"))).toBe(false);

  const folder = join(temporaryDirectory(), "backups");
  await backup(dataDir, folder);
  const target = join(small.folder, "restored");
  const restore = (into: string) =>
    restoreBackup({ ...common, folder, wanted: undefined, dataDir: into, nowMs });
  expect(() => restore(target)).toThrow(/BACKUP_NO_ROOM: .* the backup needs \d+ MiB there/);
  expect(readdirSync(target)).toEqual([]);
  // It was not at fault.
  small.enlarge(64);
  restore(target);
  expect(existsSync(join(target, "ledger.sqlite"))).toBe(true);
});

test("where there is no ledger nothing is begun", async () => {
  const folder = join(temporaryDirectory(), "backups");
  const nothing = temporaryDirectory();
  await expect(backup(nothing, folder)).rejects.toMatchObject({ code: "BACKUP_NO_LEDGER" });
  expect(existsSync(folder)).toBe(false);
});

/** On a real ledger: months of readings go together with their entry in the audit, or not at all. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dayMs, hourMs } from "#domain/units.ts";
import { verifyAudit } from "#ledger/audit.ts";
import { ledgerFileName, openLedger } from "#ledger/openLedger.ts";
import { openForReading } from "#ledger/queries.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import { Manifest } from "#readings/manifest.ts";
import { plainDisk, segmentFolder, storeSettings } from "#readings/openReadings.ts";
import { localRunner, segmentSettings } from "#readings/runWork.ts";
import { inTransaction, meterRow, readingRow, startMs } from "../support/ledgerRows.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mercaptan-retired-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const keptDays = 4_018;
const laterMs = startMs + (keptDays + 62) * dayMs;
const readings = 40;

/** Forty hours of one meter, long ago; `retire` lets them go. */
function filled() {
  const plan = { ...storeSettings.plan, keepMs: keptDays * dayMs };
  const ledger = openLedger(directory, { ...storeSettings, plan });
  inTransaction(ledger, () => {
    ledger.putMeter(meterRow(1));
    for (let seq = 1; seq <= readings; seq += 1) ledger.putReading(readingRow(seq, seq * hourMs));
  });
  const folder = segmentFolder(directory);
  const calendar = new GasCalendar(ledger.calendar);
  const db = openForReading(directory);
  const manifest = new Manifest(db);
  const parts = { disk: plainDisk, folder, calendar, manifest, settings: segmentSettings };
  const runner = localRunner(parts);
  return { ledger, folder, db, manifest, runner };
}

test("what went is in the audit: months, readings, setting, and every file with its hash", async () => {
  const { ledger, folder, db, manifest, runner } = filled();
  await ledger.readings.maintain(runner, startMs + 62 * dayMs);
  const goes = manifest.files().filter(({ kind, toDay }) => {
    const isLastDay = toDay === Math.max(...manifest.files().map((file) => file.toDay));
    return kind !== "rollup" || !isLastDay;
  });
  const hashes = goes.map(({ name, rows, bytes }) => {
    const content = readFileSync(join(folder, name));
    return { name, rows, bytes, sha256: createHash("sha256").update(content).digest("hex") };
  });
  await ledger.readings.maintain(runner, laterMs);
  const rows = db.prepare("SELECT * FROM audit WHERE act = 'retention.sweep'").all();
  expect(rows).toMatchObject([
    { at: laterMs, actor: "retention", role: "process", subject: "readings", reason: null },
  ]);
  const detail: unknown = JSON.parse(String(rows[0]?.["detail"]));
  const last = manifest.files().find(({ kind }) => kind === "last");
  expect(detail).toEqual({
    months: ["2026-11"],
    readings,
    olderThan: "2026-11-30T16:00:00.000Z",
    setting: { "retention.readingsDays": keptDays },
    kept: { file: last?.name, readings: 1 },
    files: hashes,
  });
  expect(hashes.map(({ name }) => name.split(".").at(-1))).toContain("month");
  for (const { name } of goes) expect(readdirSync(folder)).not.toContain(name);
  expect(verifyAudit(db)).toMatchObject({ ok: true });
  db.close();
  ledger.close();
});

test("an entry that cannot be written leaves every file listed and in its place", async () => {
  const { ledger, folder, db, manifest, runner } = filled();
  await ledger.readings.maintain(runner, startMs + 62 * dayMs);
  const before = manifest.files();
  const other = new DatabaseSync(join(directory, ledgerFileName));
  other.exec(
    `CREATE TRIGGER refused BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END`,
  );
  await expect(ledger.readings.maintain(runner, laterMs)).rejects.toThrow("full");
  expect(manifest.files()).toEqual(before);
  for (const { name } of before) expect(readdirSync(folder)).toContain(name);
  other.exec("DROP TRIGGER refused");
  other.close();
  await ledger.readings.maintain(runner, laterMs);
  expect(manifest.files().some(({ kind }) => kind === "last")).toBe(true);
  expect(db.prepare("SELECT count(*) AS n FROM audit").get()).toEqual({ n: 1 });
  db.close();
  ledger.close();
});

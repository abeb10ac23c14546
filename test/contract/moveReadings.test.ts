/** A ledger that kept its readings as rows is taken over whole, at once or in several starts. */
import { readFileSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import type { StoredReading } from "#domain/reading.ts";
import { minuteMs } from "#domain/units.ts";
import { migrate } from "#ledger/migrate.ts";
import { moveReadings } from "#ledger/moveReadings.ts";
import { openReadings } from "#readings/openReadings.ts";
import { expect, test } from "vitest";
import { auditTable } from "#ledger/audit.ts";
import { openedLedger, rawLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import { readingRow, startMs } from "../support/ledgerRows.ts";
import { storedReadings } from "../support/storedReadings.ts";

const migrations = new URL("../../src/ledger/migrations/", import.meta.url);
/** The first that knows the reading store. */
const storeVersion = 20;

/** As the program before wrote it: its migrations, its statements. */
function formerLedger(directory: string, rows: readonly StoredReading[]): DatabaseSync {
  const db = new DatabaseSync(join(directory, "ledger.sqlite"));
  db.exec(`PRAGMA journal_mode = WAL; CREATE TABLE migration (
    version INTEGER PRIMARY KEY, file TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
  ) STRICT`);
  for (const file of readdirSync(migrations).sort()) {
    const version = Number(file.slice(0, 4));
    if (version >= storeVersion) continue;
    db.exec(readFileSync(new URL(file, migrations), "utf8"));
    db.prepare("INSERT INTO migration (version, file) VALUES (?, ?)").run(version, file);
  }
  const insert = db.prepare(
    `INSERT INTO reading (seq, meter_no, measured_at, received_at, device_at, index_ml, raw_count,
       raw_exponent, flow_ml_per_hour, temperature_centi_c, pressure_pa, battery_mv, battery_pct,
       signal_dbm, valve, status, quality, flags, uplink_seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  db.exec("BEGIN");
  for (const r of rows) {
    insert.run(
      ...[r.seq, r.meterNo, r.measuredAtMs, r.receivedAtMs, r.deviceAtMs, r.indexMl, r.rawCount],
      ...[r.rawExponent, r.flowMlPerHour, r.temperatureCentiC, r.pressurePa, r.batteryMv],
      ...[r.batteryPct, r.signalDbm, r.valve, r.status, r.quality, r.flags, r.uplinkSeq],
    );
  }
  db.exec("COMMIT");
  return db;
}

function manyRows(count: number): readonly StoredReading[] {
  return Array.from({ length: count }, (_none, place) =>
    readingRow(place + 1, ((place * 7919) % (90 * 24 * 60)) * minuteMs, {
      meterNo: 1 + (place % 50),
      valve: place % 3 === 0 ? "closed" : null,
    }),
  );
}

test("rows and what they were before become versions of the store, and the tables are gone", () => {
  const directory = temporaryDirectory();
  const rows = manyRows(100);
  const db = formerLedger(directory, rows);
  const [first] = rows;
  // The ledger holds the last of three versions; it kept the other two with the reasons.
  const former = { ...first, quality: "raw", flags: 0 };
  const between = { ...first, quality: "suspect", flags: 128 };
  const revise = db.prepare(
    "INSERT INTO reading_revision (reading_seq, at, reason, former) VALUES (1, ?, ?, ?)",
  );
  revise.run(startMs + 1, "refolded", JSON.stringify(former));
  revise.run(startMs + 2, "completed", JSON.stringify(between));
  db.close();

  const ledger = openedLedger(directory);
  expect(storedReadings(directory)).toEqual(rows);
  expect(ledger.sequences().reading).toBe(100);
  const [reading] = ledger.readings.range(1, startMs - 1, startMs).readings;
  expect(reading?.counts).toMatchObject({ quality: "validated", revisedAtMs: startMs + 2 });
  expect(reading?.others).toHaveLength(2);
  expect(reading?.others).toMatchObject(
    [former, between].map(({ quality, flags }) => ({ quality, flags })),
  );
  const raw = rawLedger(directory);
  const left =
    "SELECT name FROM sqlite_schema WHERE name GLOB 'reading' OR name GLOB 'reading_re*n'";
  expect(raw.prepare(left).all()).toEqual([{ name: "reading_reason" }]);
  expect(raw.prepare("SELECT reason FROM reading_reason ORDER BY no").all()).toEqual([
    { reason: "refolded" },
    { reason: "completed" },
  ]);
});

test("a move that is broken off goes on at the next start: no reading is lost or doubled", () => {
  const directory = temporaryDirectory();
  const rows = manyRows(20_000);
  formerLedger(directory, rows).close();
  const db = rawLedger(directory);
  migrate(db);
  const readings = openReadings(db, directory, auditTable(db).putAudit);
  const breakOff = (): never => {
    throw new Error("the power went off");
  };
  expect(() => moveReadings(db, { ...readings, flushFull: breakOff })).toThrow("power");
  const rest = Number(db.prepare("SELECT count(*) AS n FROM reading").get()?.["n"]);
  expect(rest).toBeGreaterThan(0);
  expect(rest).toBeLessThan(20_000);
  readings.store.close();

  openedLedger(directory);
  expect(storedReadings(directory)).toEqual(rows);
});

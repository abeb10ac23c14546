/** Opening the system of record, and its transactions, on real files. */
import { chmodSync, readFileSync, writeFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ledgerOn } from "#ledger/ledgerOn.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { openReadings } from "#readings/openReadings.ts";
import type { Ledger } from "#ports/ledger.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { auditTable } from "#ledger/audit.ts";
import {
  codeOf,
  ledgerOfVersion,
  openedLedger,
  rawLedger,
  temporaryDirectory,
} from "../support/ledgerFiles.ts";
import { inTransaction, readingRow, startMs, uplinkRow } from "../support/ledgerRows.ts";

let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
});

const opened = (): Ledger => openedLedger(directory);

describe("opening", () => {
  test("an empty directory gets every migration once, and opens again", () => {
    opened().close();
    opened().close();
    const versions = rawLedger(directory).prepare("SELECT version FROM migration").all();
    const files = readdirSync(new URL("../../src/ledger/migrations/", import.meta.url));
    expect(versions).toEqual(files.map((_, place) => ({ version: place + 1 })));
  });

  test("rule documents that were noted before there was a table for them are in it", () => {
    const db = ledgerOfVersion(directory, 11);
    const document = { version: "7", all: {}, sizes: {}, siteClasses: {}, areas: {}, meters: {} };
    const history = JSON.stringify([
      { fromMs: 1_000, document },
      { fromMs: 2_000, document: null },
    ]);
    db.prepare("INSERT INTO setting VALUES ('rules.history', ?)").run(history);
    db.close();
    const ledger = opened();
    const nobody = { role: null, reason: null, previewedAtMs: null };
    const file = { source: "file", by: "settings file", ...nobody };
    expect(ledger.newestRules(9)).toEqual([
      { no: 2, document: null, inForceAtMs: 2_000, ...file },
      { no: 1, document: { ...document, hash: "" }, inForceAtMs: 1_000, ...file },
    ]);
    expect(ledger.setting("rules.history")).toBeUndefined();
    ledger.close();
  });

  test("it is a write-ahead ledger with strict tables that fsyncs each commit", () => {
    opened().close();
    const db = rawLedger(directory);
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    const loose = db.prepare("SELECT name FROM pragma_table_list WHERE NOT strict").all();
    const ours = loose.filter(({ name }) => !String(name).startsWith("sqlite_"));
    expect(ours).toEqual([]);
  });

  test("a ledger of a newer program is refused and left alone", () => {
    opened().close();
    rawLedger(directory).exec("INSERT INTO migration (version, file) VALUES (9999, 'later.sql')");
    expect(codeOf(opened)).toBe("LEDGER_TOO_NEW");
    expect(codeOf(opened)).toBe("LEDGER_TOO_NEW");
  });

  test("a second writer is refused as long as the first lives", () => {
    const first = opened();
    expect(codeOf(opened)).toBe("LEDGER_UNUSABLE");
    first.close();
    expect(codeOf(opened)).toBe("no error");
  });

  test("a directory that is a file, or may not be written, is unusable", () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    expect(codeOf(() => openLedger(file))).toBe("LEDGER_UNUSABLE");
    if (process.getuid?.() === 0) return; // root may write everywhere
    chmodSync(directory, 0o500);
    expect(codeOf(() => openLedger(directory))).toBe("LEDGER_UNUSABLE");
    chmodSync(directory, 0o700);
  });

  test("a damaged file is named as damage, and stays as it is", () => {
    const path = join(directory, "ledger.sqlite");
    const garbage = Buffer.alloc(8_192, 0x5a);
    writeFileSync(path, garbage);
    expect(codeOf(opened)).toBe("LEDGER_CORRUPT");
    expect(readFileSync(path)).toEqual(garbage);
  });

  test("a file with a damaged schema is named as damage", () => {
    opened().close();
    const path = join(directory, "ledger.sqlite");
    const bytes = readFileSync(path);
    bytes.fill(0xff, 100, 4_096);
    writeFileSync(path, bytes);
    expect(codeOf(opened)).toBe("LEDGER_CORRUPT");
  });
});

describe("one transaction", () => {
  test("look-ups see what is not committed yet; a roll-back leaves nothing", () => {
    const ledger = opened();
    ledger.begin();
    ledger.putUplink(uplinkRow(1));
    ledger.putReading(readingRow(1, 0));
    expect(ledger.readingsAt(1, startMs)).toEqual([readingRow(1, 0)]);
    expect(ledger.uplink(1)).toEqual(uplinkRow(1));
    ledger.rollback();
    expect(ledger.readingsAt(1, startMs)).toEqual([]);
    expect(ledger.sequences()).toEqual({
      uplink: 0,
      reading: 0,
      event: 0,
      occurrence: 0,
      meter: 0,
    });
    inTransaction(ledger, () => ledger.putReading(readingRow(1, 0)));
    expect(ledger.readingsAt(1, startMs)).toHaveLength(1);
  });

  test("another connection sees the batch after the commit, never before", () => {
    const ledger = opened();
    const reader = rawLedger(directory);
    const count = reader.prepare("SELECT count(*) AS uplinks FROM uplink");
    ledger.begin();
    ledger.putUplink(uplinkRow(1));
    expect(count.get()).toEqual({ uplinks: 0 });
    ledger.commit();
    expect(count.get()).toEqual({ uplinks: 1 });
  });

  test("a commit that fails keeps nothing of the batch and the ledger usable", () => {
    const ledger = opened();
    ledger.begin();
    ledger.putUplink(uplinkRow(1));
    // No uplink 99: the foreign key is checked by the commit itself.
    ledger.putQuarantine({ ...quarantined, uplinkSeq: 99 });
    expect(codeOf(() => ledger.commit())).toBe("LEDGER_WRITE_FAILED");
    expect(ledger.uplink(1)).toBeUndefined();
    inTransaction(ledger, () => {
      ledger.putQuarantine({ ...quarantined, uplinkSeq: 1 });
      ledger.putUplink(uplinkRow(1));
    });
    expect(ledger.uplink(1)).toBeDefined();
  });

  test("a batch of which one write failed cannot be committed", () => {
    const ledger = opened();
    ledger.begin();
    ledger.putUplink(uplinkRow(1));
    expect(codeOf(() => ledger.putUplink(uplinkRow(1)))).toBe("LEDGER_WRITE_FAILED");
    expect(codeOf(() => ledger.commit())).toBe("LEDGER_WRITE_FAILED");
    expect(ledger.uplink(1)).toBeUndefined();
  });

  test("a full ledger refuses the batch as a whole, and works again when there is room", () => {
    opened().close();
    const db = rawLedger(directory);
    const { record } = openReadings(db, directory, auditTable(db).putAudit);
    const ledger = ledgerOn(db, record, { release: () => undefined });
    const pages = Number(db.prepare("PRAGMA page_count").get()?.["page_count"]);
    db.exec(`PRAGMA max_page_count = ${pages + 4}`);
    const bytes = new Uint8Array(4_000);
    const writeTwenty = (): void => {
      for (let seq = 1; seq <= 20; seq++) ledger.putUplink(uplinkRow(seq, { bytes }));
    };
    ledger.begin();
    expect(codeOf(writeTwenty)).toBe("LEDGER_WRITE_FAILED");
    expect(codeOf(() => ledger.commit())).toBe("LEDGER_WRITE_FAILED");
    expect(ledger.sequences().uplink).toBe(0);
    db.exec(`PRAGMA max_page_count = ${pages + 1_000}`);
    inTransaction(ledger, writeTwenty);
    expect(ledger.sequences().uplink).toBe(20);
  });

  const quarantined = {
    meterNo: 1,
    protocol: "json",
    reason: "TRUNCATED",
    detail: "needed 4 bytes more",
    receivedAtMs: startMs,
  } as const;
});

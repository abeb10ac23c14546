/** Ledgers in directories that are gone when the test is over. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LedgerError } from "#ledger/ledgerError.ts";
import { ledgerFileName, openLedger, type OpenLedger } from "#ledger/openLedger.ts";
import { expect, onTestFinished } from "vitest";

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-ledger-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The ledger of a directory; closed when the test is over. */
export function openedLedger(directory: string): OpenLedger {
  const ledger = openLedger(directory);
  let isClosed = false;
  const close = (): void => {
    if (!isClosed) ledger.close();
    isClosed = true;
  };
  onTestFinished(close);
  return { ...ledger, close };
}

/** The code of the LedgerError that the act throws. */
export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(LedgerError);
    return error instanceof LedgerError ? error.code : "another error";
  }
  return "no error";
}

/** The ledger's file without the program, for looking and for meddling. */
export function rawLedger(directory: string): DatabaseSync {
  const path = join(directory, "ledger.sqlite");
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  onTestFinished(() => db.close());
  return db;
}

const migrations = new URL("../../src/ledger/migrations/", import.meta.url);

/** A ledger as an older program left it; to be closed before a newer one opens it. */
export function ledgerOfVersion(directory: string, version: number): DatabaseSync {
  const db = new DatabaseSync(join(directory, "ledger.sqlite"));
  db.exec(`CREATE TABLE migration (
    version INTEGER PRIMARY KEY, file TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
  ) STRICT`);
  for (const file of readdirSync(migrations).sort()) {
    const number = Number(file.slice(0, 4));
    if (number > version) continue;
    db.exec(readFileSync(new URL(file, migrations), "utf8"));
    db.prepare("INSERT INTO migration (version, file) VALUES (?, ?)").run(number, file);
  }
  return db;
}

/** Makes the ledger list a file of the reading store, whose table it may not have yet. */
export function listReadingFile(directory: string, name: string): void {
  const db = new DatabaseSync(join(directory, ledgerFileName));
  db.prepare(
    `INSERT INTO reading_file (kind, name, from_day, to_day, from_ms, to_ms, row_count, chunk_count,
       size, first_ms, last_ms, first_seq, last_seq, reason, made_from, repeated)
     VALUES ('day', ?, 0, 1, 0, 1, 0, 0, 3, 0, 1, 0, 0, 'flush', '[]', 0)`,
  ).run(name);
  db.close();
}

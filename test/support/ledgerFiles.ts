/** Ledgers in directories that are gone when the test is over. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LedgerError } from "#ledger/ledgerError.ts";
import { openLedger } from "#ledger/openLedger.ts";
import type { Ledger } from "#ports/ledger.ts";
import { expect, onTestFinished } from "vitest";

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-ledger-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The ledger of a directory; closed when the test is over. */
export function openedLedger(directory: string): Ledger {
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

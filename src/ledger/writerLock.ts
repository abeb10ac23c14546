/** One writer per data directory, also against another process. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isBusy, LedgerError } from "./ledgerError.ts";

/**
 * Node has no file locks but SQLite's, so an empty SQLite file is held in an exclusive transaction.
 * The operating system releases it however the process ends, kill -9 included.
 */
export function lockForWriting(directory: string): { release(): void } {
  const lock = new DatabaseSync(join(directory, "writer.lock"), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    if (!isBusy(cause)) throw cause;
    throw new LedgerError(
      "LEDGER_UNUSABLE",
      `another process is writing to ${directory}; stop it, or choose another data directory`,
      { cause },
    );
  }
  return { release: () => lock.close() };
}

/** A small reading store in segments, and one flipped byte in it. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hourMs } from "#domain/units.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { storeSettings } from "#readings/openReadings.ts";
import { inTransaction, meterRow, readingRow } from "./ledgerRows.ts";

export const storedCount = 40;

/** Hourly readings of one meter over two gas days, in segments. */
export function storeReadings(directory: string): void {
  const plan = { ...storeSettings.plan, flushRows: storedCount };
  const ledger = openLedger(directory, { ...storeSettings, plan });
  inTransaction(ledger, () => {
    ledger.putMeter(meterRow(1));
    for (let seq = 1; seq <= storedCount; seq += 1) {
      ledger.putReading(readingRow(seq, seq * hourMs));
    }
  });
  ledger.flushFull();
  ledger.close();
}

/** Behind the header and the chunk's head, so within its first frame. */
const flippedPlace = 48 + 64 + 10;

/** The first of the store's files whose name ends so is damaged; its name. */
export function flipFirst(dataDir: string, end = ""): string {
  const folder = join(dataDir, "readings");
  const [file = ""] = filesOf(dataDir).filter((name) => name.endsWith(end));
  const path = join(folder, file);
  const bytes = readFileSync(path);
  bytes[flippedPlace] = (bytes[flippedPlace] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return file;
}

/** Names of the store's files, in order. */
export function filesOf(dataDir: string, folder = ""): readonly string[] {
  const path = join(dataDir, "readings", folder);
  if (!existsSync(path)) return [];
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
}

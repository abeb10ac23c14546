/** The tables of the reading store as the ledger's migration makes them, on a database of a test's own. */
import { readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

const migrations = ["0020_reading_store.sql", "0029_retired_readings.sql"].map(
  (name) => new URL(`../../src/ledger/migrations/${name}`, import.meta.url),
);

/** Makes them where they are missing. */
export function makeReadingTables(db: DatabaseSync): void {
  const made = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'reading_batch'").get();
  if (made !== undefined) return;
  for (const migration of migrations) db.exec(readFileSync(migration, "utf8"));
}

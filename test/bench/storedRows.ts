/** What the ledger holds once the program has ended. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

export function storedRows(dataDir: string): {
  readonly uplinks: number;
  readonly readings: number;
} {
  const ledger = new DatabaseSync(join(dataDir, "ledger.sqlite"), { readOnly: true });
  const count = (table: string): number =>
    (ledger.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { readonly n: number }).n;
  const rows = { uplinks: count("uplink"), readings: count("reading") };
  ledger.close();
  return rows;
}

/** What the ledger holds once the program has ended. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { storedReadings } from "../support/storedReadings.ts";

export function storedRows(dataDir: string): {
  readonly uplinks: number;
  readonly readings: number;
} {
  const ledger = new DatabaseSync(join(dataDir, "ledger.sqlite"), { readOnly: true });
  const uplinks = Number(ledger.prepare("SELECT count(*) AS n FROM uplink").get()?.["n"]);
  ledger.close();
  return { uplinks, readings: storedReadings(dataDir).length };
}

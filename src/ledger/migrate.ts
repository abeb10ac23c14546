/** Brings a ledger to this program's version: numbered SQL files, each once, in one transaction. */
import { readdirSync, readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { LedgerError } from "./ledgerError.ts";
import { numberOf } from "./sql.ts";

const folder = new URL("./migrations/", import.meta.url);

interface Migration {
  readonly version: number;
  readonly file: string;
}

function migrations(): readonly Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort()
    .map((file) => ({ version: Number(file.slice(0, 4)), file }));
}

/** Applies what is missing. A ledger that a newer program wrote is left alone and refused. */
export function migrate(db: DatabaseSync): void {
  db.exec(`CREATE TABLE IF NOT EXISTS migration (
    version INTEGER PRIMARY KEY, file TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
  ) STRICT`);
  const known = migrations();
  const newest = known.at(-1)?.version ?? 0;
  const present = numberOf(db, "SELECT max(version) FROM migration");
  if (present > newest) {
    throw new LedgerError(
      "LEDGER_TOO_NEW",
      `the data directory has version ${present}, this program knows ${newest}; ` +
        "start the newer program",
    );
  }
  const record = db.prepare("INSERT INTO migration (version, file) VALUES (?, ?)");
  db.exec("BEGIN IMMEDIATE");
  for (const { version, file } of known.filter((migration) => migration.version > present)) {
    db.exec(readFileSync(new URL(file, folder), "utf8"));
    record.run(version, file);
  }
  db.exec("COMMIT");
}

/** What a ledger comes to: by it a restore proves that it is the same. */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Disk } from "#ports/disk.ts";
import { answersFrom } from "#ledger/queries.ts";

export interface Totals {
  /** Meters that have a register at the cut-off, the sum of these, and a hash over all of them. */
  readonly registers: number;
  readonly registerSumMl: string;
  readonly registersSha256: string;
  readonly newestReadingSeq: number;
  /** Rows of every table. */
  readonly rows: Readonly<Record<string, number>>;
}

const pageRows = 1_000;

/** Walks all registers at the instant, and counts all tables. */
export function totalsOf(db: DatabaseSync, disk: Disk, cutOffMs: number, tick: () => void): Totals {
  const answers = answersFrom(db, disk);
  const hash = createHash("sha256");
  let registers = 0;
  let sumMl = 0n;
  for (let after: string | null = null; ;) {
    const page = answers.registersAt(cutOffMs, null, after, pageRows);
    for (const { meterId, indexMl, measuredAtMs, quality } of page.items) {
      registers += 1;
      sumMl += BigInt(indexMl);
      hash.update(`${meterId} ${indexMl} ${measuredAtMs} ${quality}\n`);
    }
    tick();
    if (page.next === null) break;
    after = page.next;
  }
  return {
    registers,
    registerSumMl: String(sumMl),
    registersSha256: hash.digest("hex"),
    newestReadingSeq: answers.newestReadingSeq(),
    rows: rowsOf(db),
  };
}

/** What of two totals is not the same, in words; null: nothing. */
export function differenceOf(wanted: Totals, found: Totals): string | null {
  const { rows: wantedRows, ...wantedFigures } = wanted;
  const { rows: foundRows, ...foundFigures } = found;
  const one: Readonly<Record<string, unknown>> = { ...wantedFigures, ...wantedRows };
  const other: Readonly<Record<string, unknown>> = { ...foundFigures, ...foundRows };
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (one[name] === other[name]) continue;
    return `${name}: ${String(one[name])} in the backup, ${String(other[name])} restored`;
  }
  return null;
}

function rowsOf(db: DatabaseSync): Readonly<Record<string, number>> {
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all()
    .map((row) => String(row["name"]));
  const counts = tables.map((table): [string, number] => {
    const row = db.prepare(`SELECT count(*) AS n FROM "${table}"`).get();
    return [table, Number(row?.["n"] ?? 0)];
  });
  return Object.fromEntries(counts);
}

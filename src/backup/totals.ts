/** What a ledger comes to: by it a restore proves that it is the same. */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Disk } from "#ports/disk.ts";
import { answersFrom } from "#ledger/queries.ts";

/** Named figures: counts, sums as decimal text, and hashes. */
export type Figures = Readonly<Record<string, number | string>>;

/** By what they are of: "gas month 2026-10", "frozen determinants". */
export type BilledTotals = Readonly<Record<string, Figures>>;

export interface Totals {
  /** Meters that have a register at the cut-off, the sum of these, and a hash over all of them. */
  readonly registers: number;
  readonly registerSumMl: string;
  readonly registersSha256: string;
  readonly newestReadingSeq: number;
  /** Rows of every table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Missing in a backup of an earlier program. */
  readonly billed?: BilledTotals;
}

/** What totals are of. */
export interface TotalsScope {
  /** Instant of the registers. */
  readonly cutOffMs: number;
  /** Of so many meters evenly spread, and of as many that need care, billing's own determinants are made; 0: none. */
  readonly determinants: number;
}

export interface TotalsParts {
  /** With the keys of the files that are sealed where they lie. */
  readonly disk: Disk;
  /** What bills are and would be made from. */
  readonly billed: (
    db: DatabaseSync,
    disk: Disk,
    scope: TotalsScope,
    tick: () => void,
  ) => BilledTotals;
  readonly say: (what: string, done: number, of: number) => void;
}

const pageRows = 1_000;

/** Walks all registers at the instant, what is billed, and counts all tables. */
export function totalsOf(
  db: DatabaseSync,
  { disk, billed, say }: TotalsParts,
  scope: TotalsScope,
): Totals {
  const answers = answersFrom(db, disk);
  const hash = createHash("sha256");
  let registers = 0;
  let sumMl = 0n;
  for (let after: string | null = null; ;) {
    const page = answers.registersAt(scope.cutOffMs, null, after, pageRows);
    for (const { meterId, indexMl, measuredAtMs, quality } of page.items) {
      registers += 1;
      sumMl += BigInt(indexMl);
      hash.update(`${meterId} ${indexMl} ${measuredAtMs} ${quality}\n`);
    }
    say("registers", registers, 0);
    if (page.next === null) break;
    after = page.next;
  }
  return {
    registers,
    registerSumMl: String(sumMl),
    registersSha256: hash.digest("hex"),
    newestReadingSeq: answers.newestReadingSeq(),
    rows: rowsOf(db),
    billed: billed(db, disk, scope, () => say("billing totals", 0, 0)),
  };
}

/** What of two totals is not the same, in words; null: nothing. */
export function differenceOf(wanted: Totals, found: Totals): string | null {
  const { rows: wantedRows, billed: wantedBilled, ...wantedFigures } = wanted;
  const { rows: foundRows, billed: foundBilled = {}, ...foundFigures } = found;
  const billed = wantedBilled ?? foundBilled;
  const groups: readonly (readonly [string, Figures, Figures])[] = [
    ...[...new Set([...Object.keys(billed), ...Object.keys(foundBilled)])].map(
      (name) => [name, billed[name] ?? {}, foundBilled[name] ?? {}] as const,
    ),
    ["ledger", wantedFigures, foundFigures],
    ["rows of table", wantedRows, foundRows],
  ];
  for (const [group, one, other] of groups) {
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
      if (one[name] === other[name]) continue;
      return `${group}, ${name}: ${String(one[name])} in the backup, ${String(other[name])} restored`;
    }
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

/** Rows of the ledger into a file, a page at a time. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import {
  billingInstantQuery,
  consumptionCsv,
  consumptionCsvHeading,
  consumptionJson,
} from "#api/json/billing.ts";
import { readingCsv, readingCsvHeading, readingJson } from "#api/json/reading.ts";
import { GasDays } from "#billing/gasDays.ts";
import { ConfigError } from "#config/configError.ts";
import { loadConfig } from "#config/loadConfig.ts";
import { loadFileKeys } from "#config/secrets.ts";
import type { Config } from "#config/schema.ts";
import type { BillingInstant } from "#domain/billing.ts";
import { consumptionColumns, readingColumns, type MeterReading } from "#export/columns.ts";
import { ParquetFile, type ParquetColumn } from "#export/parquetFile.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import type { Determinant } from "#domain/billing.ts";
import type { Page } from "#ports/queries.ts";
import { billingAnswers } from "./billingAnswers.ts";
import { fileDisk } from "./fileDisk.ts";
import { gasDaysOf } from "./openBilling.ts";
import { progressLine } from "./progressLine.ts";

export interface ExportFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly from: string;
  readonly to: string;
  readonly area?: string;
  readonly format: "csv" | "ndjson" | "parquet";
  readonly out: string;
  readonly json?: boolean;
}

export type ExportKind = "readings" | "consumption";

const rowsPerLook = 1_000;

/** Rows of one kind, and how each looks. */
interface Export<Row> {
  readonly page: (after: string | null) => Page<Row>;
  readonly json: (row: Row) => unknown;
  readonly csvHeading: string;
  readonly csv: (row: Row) => string;
  readonly columns: readonly ParquetColumn<Row>[];
}

/** Ends with a sentence, or with an error that names the option. */
export function runExport(
  what: ExportKind,
  { config: file, dataDir, ...flags }: ExportFlags,
): void {
  const config = loadConfig({ flags: { config: file, dataDir } });
  const from = instantOf("--from", flags.from);
  const to = instantOf("--to", flags.to);
  if ("atMs" in from !== "atMs" in to) wrong("--to", "give both as dates or both as instants");
  const db = openForReading(config.dataDir);
  try {
    if (what === "readings") write(what, flags, readingsOf(config, db, from, to, flags.area));
    else write(what, flags, consumptionOf(config, db, from, to, flags.area));
  } finally {
    db.close();
  }
}

function instantOf(where: string, text: string): BillingInstant {
  const parsed = billingInstantQuery.safeParse(text);
  if (parsed.success) return parsed.data;
  return wrong(where, "must be a date such as 2026-11-01 or RFC 3339 with an offset");
}

function wrong(where: string, message: string): never {
  throw new ConfigError([{ where, message }]);
}

type Database = ReturnType<typeof openForReading>;

function readingsOf(
  config: Config,
  db: Database,
  from: BillingInstant,
  to: BillingInstant,
  area: string | undefined,
): Export<MeterReading> {
  const answers = answersFrom(db, fileDisk(loadFileKeys(config)));
  const days = new GasDays(gasDaysOf(config.gasDay));
  const fromMs = days.instantOf(from, area ?? "");
  const toMs = days.instantOf(to, area ?? "");
  if (fromMs >= toMs) wrong("--from", "must lie before --to");
  answers.requireReadings(fromMs);
  return {
    page: (after) => answers.readingsOfAll(fromMs, toMs, area ?? null, after, rowsPerLook),
    json: ({ meterId, ...reading }) => readingJson(meterId, reading),
    csvHeading: readingCsvHeading,
    csv: ({ meterId, ...reading }) => readingCsv(meterId, reading),
    columns: readingColumns,
  };
}

function consumptionOf(
  config: Config,
  db: Database,
  from: BillingInstant,
  to: BillingInstant,
  area: string | undefined,
): Export<Determinant> {
  const days = new GasDays(gasDaysOf(config.gasDay));
  const billing = billingAnswers(
    answersFrom(db, fileDisk(loadFileKeys(config))),
    billingRows(db),
    days,
  );
  return {
    page: (after) => billing.consumption(from, to, area ?? null, after, rowsPerLook),
    json: consumptionJson,
    csvHeading: consumptionCsvHeading,
    csv: consumptionCsv,
    columns: consumptionColumns,
  };
}

/** Under another name until it is whole; nothing is ever overwritten. */
function write<Row>(what: ExportKind, { out, format, json }: ExportFlags, rows: Export<Row>): void {
  const progress = progressLine("export");
  const part = `${out}.part`;
  const target = openNew(out, part);
  let written = 0;
  try {
    const sink = (bytes: Uint8Array) => writeAll(target, bytes);
    written = pour(rows, format, sink, (count) => progress.say(`${what}, rows`, count, 0));
    fsyncSync(target);
    renameSync(part, out);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  } finally {
    closeSync(target);
    progress.end();
  }
  const said = { what, out, format, rows: written };
  const sentence = `${written} rows of ${what} in ${out}`;
  process.stdout.write(`${json === true ? JSON.stringify(said) : sentence}\n`);
}

function openNew(out: string, part: string): number {
  if (existsSync(out)) wrong("--out", `${out} exists`);
  try {
    return openSync(part, "wx", 0o600);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    return wrong("--out", `${part} cannot be made (${code})`);
  }
}

function pour<Row>(
  { page, json, csvHeading, csv, columns }: Export<Row>,
  format: ExportFlags["format"],
  sink: (bytes: Uint8Array) => void,
  tick: (count: number) => void,
): number {
  const parquet = format === "parquet" ? new ParquetFile(columns, sink) : null;
  const lineOf = format === "csv" ? csv : (row: Row) => `${JSON.stringify(json(row))}\n`;
  if (format === "csv") sink(Buffer.from(csvHeading));
  let count = 0;
  for (let after: string | null = null; ;) {
    const { items, next }: Page<Row> = page(after);
    if (parquet !== null) for (const row of items) parquet.add(row);
    else if (items.length > 0) sink(Buffer.from(items.map(lineOf).join("")));
    count += items.length;
    tick(count);
    if (next === null) break;
    after = next;
  }
  parquet?.end();
  return count;
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

/** Rows that are given out as JSON by page, or as NDJSON or CSV in one stream. */
import type { Page } from "#ports/queries.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiOptions } from "../options.ts";
import { allPages, chooseFormat, mediaTypes, sendRaw, streamOf, type Format } from "./routes.ts";

export interface RowSource<Row, Shown> {
  readonly page: (after: string | null, rows: number) => Promise<Page<Row>>;
  readonly json: (row: Row) => Shown;
  readonly csvHeading: string;
  readonly csv: (row: Row) => string;
}

export interface AskedRows {
  readonly cursor?: string | undefined;
  readonly limit: number;
  readonly format?: Format | undefined;
}

/** JSON by page; the others as one stream, a page after the other, so that a city never stands in memory. */
export async function answerRows<Row, Shown>(
  request: FastifyRequest,
  reply: FastifyReply,
  { limits }: ApiOptions,
  { cursor, limit, format: wanted }: AskedRows,
  { page, json, csvHeading, csv }: RowSource<Row, Shown>,
): Promise<{ items: Shown[]; next: string | null } | undefined> {
  const format = chooseFormat(request, wanted, ["ndjson", "csv"]);
  if (format === "json") {
    const { items, next } = await page(cursor ?? null, limit);
    return { items: items.map(json), next };
  }
  const isCsv = format === "csv";
  const lineOf = isCsv ? csv : (row: Row) => `${JSON.stringify(json(row))}\n`;
  async function* lines(): AsyncGenerator<string> {
    if (isCsv) yield csvHeading;
    for await (const rows of allPages((after) => page(after, limits.billingRowsPerLook))) {
      if (rows.length > 0) yield rows.map(lineOf).join("");
    }
  }
  await sendRaw(reply, mediaTypes[format], streamOf(lines()));
  return undefined;
}

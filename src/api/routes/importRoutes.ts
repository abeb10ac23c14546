/** Many meters at once: CSV, NDJSON or a JSON array; every row has its own result. */
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { ask } from "../ask.ts";
import { decodeUtf8, parseJson } from "../body.ts";
import { parseCsv } from "../csv.ts";
import { problemOf } from "../errors.ts";
import { meterDraft, meterDraftSchema } from "../json/meter.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError, type ProblemItem } from "../problems.ts";
import { idempotencyHeaders, mediaTypes, type Routes } from "./routes.ts";

const rowResultSchema = z.object({
  /** Counted from 1; a CSV's heading does not count. */
  row: z.number(),
  id: z.string().nullable(),
  result: z.enum(["created", "refused"]),
  /** The problem's word, as in `type` of a problem. */
  problem: z.string().nullable(),
  detail: z.string().nullable(),
});
type RowResult = z.infer<typeof rowResultSchema>;

const importResultSchema = z.object({
  created: z.number(),
  refused: z.number(),
  items: z.array(rowResultSchema),
});

/** `POST /v1/meters/import`. */
export function importRoutes(app: Routes, options: ApiOptions): void {
  const { limits } = options;
  // A scope of its own: only this route takes these content types.
  void app.register(async (scope: Routes) => {
    const parseAs = { parseAs: "buffer", bodyLimit: limits.importBytesMax } as const;
    scope.addContentTypeParser(mediaTypes.csv, parseAs, async (_request: unknown, bytes: Buffer) =>
      csvRows(decodeUtf8(bytes)),
    );
    scope.addContentTypeParser(
      mediaTypes.ndjson,
      parseAs,
      async (_request: unknown, bytes: Buffer) =>
        decodeUtf8(bytes)
          .split("\n")
          .filter((line) => line.trim() !== "")
          .map((line) => parseJson(line, limits.jsonDepthMax)),
    );
    scope.post(
      "/v1/meters/import",
      {
        bodyLimit: limits.importBytesMax,
        handlerTimeout: limits.bulkHandlerTimeoutMs,
        config: { permission: "meters.write" },
        schema: {
          tags: ["meters"],
          summary: "Registers many meters; each row succeeds or is refused on its own",
          description:
            "Rows are as the body of POST /v1/meters. CSV has a heading line of the same names, with " +
            "longitude, latitude and crs for the position; an empty cell is an absent one.",
          consumes: Object.values(mediaTypes),
          headers: idempotencyHeaders,
          body: z.array(z.unknown()).max(limits.importRowsMax),
          response: { 200: importResultSchema },
        },
      },
      async (request) => {
        const items: RowResult[] = [];
        const rows = request.body;
        for (let from = 0; from < rows.length; from += limits.importRowsInFlightMax) {
          const some = rows.slice(from, from + limits.importRowsInFlightMax);
          const results = some.map(async (row, at) =>
            importRow(options, request, row, from + at + 1),
          );
          items.push(...(await Promise.all(results)));
        }
        const created = items.filter((item) => item.result === "created").length;
        return { created, refused: items.length - created, items };
      },
    );
  });
}

async function importRow(
  options: ApiOptions,
  request: FastifyRequest,
  content: unknown,
  row: number,
): Promise<RowResult> {
  const parsed = meterDraftSchema.safeParse(content);
  if (!parsed.success) {
    const detail = parsed.error.issues
      .map((issue) => `/${issue.path.join("/")}: ${issue.message}`)
      .join("; ");
    return { row, id: idOf(content), result: "refused", problem: "invalid-request", detail };
  }
  const { id } = parsed.data;
  try {
    const wanted = {
      kind: "meter.register",
      meter: meterDraft(parsed.data, options.profiles),
    } as const;
    const part = { name: String(row), content };
    await ask(options, request, wanted, "meter", { mayReplay: true, part });
    return { row, id, result: "created", problem: null, detail: null };
  } catch (error) {
    const problem = problemOf(error);
    // A store that is down refuses every row: one 503 says that better than 50,000 lines.
    if (problem.code === "store-unavailable" || problem.code === "internal") throw problem;
    return { row, id, result: "refused", problem: problem.code, detail: problem.message };
  }
}

function idOf(content: unknown): string | null {
  if (typeof content !== "object" || content === null || !("id" in content)) return null;
  return typeof content.id === "string" ? content.id.slice(0, 64) : null;
}

const numberColumns = new Set([
  "quantumMl",
  "registerRangeMl",
  "reportEverySeconds",
  "pilotMlPerHour",
  "selfClosesAfterDays",
  "longitude",
  "latitude",
]);

/** CSV rows as the objects that JSON would have; what a cell may say is decided by the schema. */
function csvRows(text: string): readonly unknown[] {
  const parsed = parseCsv(text);
  if (!parsed.ok) {
    const error: ProblemItem = { in: "body", pointer: "", detail: "a quote out of place" };
    throw new ProblemError("invalid-request", `CSV row ${parsed.fault.row} is not CSV`, {
      errors: [error],
    });
  }
  const [heading = [], ...rows] = parsed.value;
  return rows.map((cells) => {
    const named = cells.flatMap((cell, at): [string, unknown][] =>
      cell === "" ? [] : [[heading[at] ?? `column ${at + 1}`, cell]],
    );
    const row = new Map(named.map(([name, cell]) => [name, cellValue(name, String(cell))]));
    const position = Object.fromEntries(
      ["longitude", "latitude", "crs"].flatMap((name) =>
        row.has(name) ? [[name, row.get(name)] as const] : [],
      ),
    );
    for (const name of Object.keys(position)) row.delete(name);
    if (Object.keys(position).length > 0) row.set("position", position);
    return Object.fromEntries(row);
  });
}

function cellValue(column: string, cell: string): unknown {
  if (numberColumns.has(column)) return Number(cell);
  if (column === "critical" && (cell === "true" || cell === "false")) return cell === "true";
  return cell;
}

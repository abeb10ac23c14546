/** Readings and registers of one meter, and the cut-off of all meters for billing. */
import type { RegisterView } from "#ports/queries.ts";
import { formatInstant } from "#domain/units.ts";
import { z } from "zod";
import { csvLine } from "../csv.ts";
import {
  areaSchema,
  cursorQuery,
  idParams,
  instantQuery,
  limitQuery,
  pageOf,
} from "../json/common.ts";
import { readingJson, readingSchema, registerJson, registerSchema } from "../json/reading.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { knownMeter } from "./meterRoutes.ts";
import {
  allPages,
  chooseFormat,
  formats,
  mediaTypes,
  sendRaw,
  streamOf,
  type Routes,
} from "./routes.ts";

const historyQuery = z.strictObject({
  from: instantQuery.optional(),
  to: instantQuery.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
});

const cutOffQuery = z.strictObject({
  at: instantQuery.optional(),
  area: areaSchema.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
  format: z.enum(formats).optional(),
});

/** Readings, latest reading, register at an instant, and the cut-off. */
export function readingRoutes(app: Routes, options: ApiOptions): void {
  meterReadingRoutes(app, options);
  registerRoutes(app, options);
}

function meterReadingRoutes(app: Routes, options: ApiOptions): void {
  const { clock, limits, queries } = options;
  app.get(
    "/v1/meters/:id/readings",
    {
      config: { permission: "readings.read" },
      schema: {
        tags: ["readings"],
        summary: "Readings by measured time; `from` inclusive, `to` exclusive",
        params: idParams,
        querystring: historyQuery,
        response: { 200: pageOf(readingSchema) },
      },
    },
    async (request) => {
      const { cursor = null, limit } = request.query;
      const toMs = request.query.to ?? clock.nowMs() + limits.readingsAheadMs;
      const fromMs = request.query.from ?? toMs - limits.readingsRangeMsMax;
      if (fromMs >= toMs || toMs - fromMs > limits.readingsRangeMsMax) {
        throw new ProblemError("invalid-request", "the range is empty or too long", {
          errors: [{ in: "query", pointer: "/from", detail: "at most 400 days before `to`" }],
        });
      }
      const { meter } = await knownMeter(options, request.params.id);
      const { items, next } = await queries.readings(meter.id, fromMs, toMs, cursor, limit);
      return { items: items.map((reading) => readingJson(meter.id, reading)), next };
    },
  );
  app.get(
    "/v1/meters/:id/readings/latest",
    {
      config: { permission: "readings.read" },
      schema: {
        tags: ["readings"],
        summary: "The reading with the newest measured time",
        params: idParams,
        response: { 200: readingSchema },
      },
    },
    async (request) => {
      const { meter } = await knownMeter(options, request.params.id);
      const reading = await queries.latestReading(meter.id);
      if (reading === null) throw new ProblemError("not-found", "it has not reported yet");
      return readingJson(meter.id, reading);
    },
  );
}

function registerRoutes(app: Routes, options: ApiOptions): void {
  const { clock, limits, queries } = options;
  app.get(
    "/v1/meters/:id/register",
    {
      config: { permission: "registers.read" },
      schema: {
        tags: ["readings"],
        summary: "The register at an instant, and how it was obtained",
        params: idParams,
        querystring: z.strictObject({ at: instantQuery.optional() }),
        response: { 200: registerSchema },
      },
    },
    async (request) => {
      const { meter } = await knownMeter(options, request.params.id);
      const view = await queries.registerAt(meter.id, request.query.at ?? clock.nowMs());
      if (view === null) {
        throw new ProblemError("not-found", "there is no trusted reading at or before then");
      }
      return registerJson(view);
    },
  );
  app.get(
    "/v1/billing/registers",
    {
      handlerTimeout: limits.bulkHandlerTimeoutMs,
      config: { permission: "billing.read" },
      schema: {
        tags: ["billing"],
        summary:
          "The registers of all meters at an instant: JSON by page, NDJSON and CSV as one stream",
        querystring: cutOffQuery,
        produces: Object.values(mediaTypes),
        response: { 200: pageOf(registerSchema) },
      },
    },
    async (request, reply) => {
      const { at = clock.nowMs(), area = null, cursor = null, limit } = request.query;
      const format = chooseFormat(request, request.query.format, ["ndjson", "csv"]);
      if (format === "json") {
        const { items, next } = await queries.registersAt(at, area, cursor, limit);
        return { items: items.map(registerJson), next };
      }
      const pages = allPages(async (after) =>
        queries.registersAt(at, area, after, limits.pageRowsMax),
      );
      return sendRaw(reply, mediaTypes[format], streamOf(registerLines(pages, format)));
    },
  );
}

async function* registerLines(
  pages: AsyncIterable<readonly RegisterView[]>,
  format: "ndjson" | "csv",
): AsyncGenerator<string> {
  if (format === "csv") {
    yield csvLine(["meterId", "at", "volumeM3", "quality", "method", "measuredAt"]);
  }
  for await (const page of pages) {
    if (page.length === 0) continue;
    yield page
      .map((view) => {
        const json = registerJson(view);
        if (format === "ndjson") return `${JSON.stringify(json)}\n`;
        const { meterId, volumeM3, quality, method } = json;
        const measuredAt = formatInstant(view.measuredAtMs);
        return csvLine([meterId, json.at, volumeM3, quality, method, measuredAt]);
      })
      .join("");
  }
}

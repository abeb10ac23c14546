/** Readings of one meter. */
import { z } from "zod";
import { readingsDaysMin } from "#domain/retention.ts";
import { dayMs } from "#domain/units.ts";
import {
  areaSchema,
  cursorQuery,
  idParams,
  instantQuery,
  limitQuery,
  pageOf,
} from "../json/common.ts";
import { readingCsv, readingCsvHeading, readingJson, readingSchema } from "../json/reading.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { answerRows } from "./answerRows.ts";
import { knownMeter } from "./meterRoutes.ts";
import { formats, mediaTypes, type Routes } from "./routes.ts";

const historyQuery = z.strictObject({
  from: instantQuery.optional(),
  to: instantQuery.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
});

const bulkQuery = z.strictObject({
  from: instantQuery,
  to: instantQuery,
  area: areaSchema.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
  format: z.enum(formats).optional(),
});

/** Readings in a span of time: of one meter, of all, and the latest one. */
export function readingRoutes(app: Routes, options: ApiOptions): void {
  bulkRoute(app, options);
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
      await checkRange(options, fromMs, toMs);
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

function bulkRoute(app: Routes, options: ApiOptions): void {
  const { limits, queries } = options;
  app.get(
    "/v1/readings",
    {
      handlerTimeout: limits.bulkHandlerTimeoutMs,
      config: { permission: "billing.read" },
      schema: {
        tags: ["readings"],
        summary:
          "Readings of all meters in a span of measured time: JSON by page, NDJSON and CSV as one stream",
        querystring: bulkQuery,
        produces: Object.values(mediaTypes),
        response: { 200: pageOf(readingSchema) },
      },
    },
    async (request, reply) => {
      const { from, to, area = null, ...asked } = request.query;
      await checkRange(options, from, to);
      return answerRows(request, reply, options, asked, {
        page: (after, rows) => queries.readingsOfAll(from, to, area, after, rows),
        json: ({ meterId, ...reading }) => readingJson(meterId, reading),
        csvHeading: readingCsvHeading,
        csv: ({ meterId, ...reading }) => readingCsv(meterId, reading),
      });
    },
  );
}

async function checkRange(
  { limits, queries, clock }: ApiOptions,
  fromMs: number,
  toMs: number,
): Promise<void> {
  if (!(fromMs < toMs && toMs - fromMs <= limits.readingsRangeMsMax)) {
    throw new ProblemError("invalid-request", "the range is empty or too long", {
      errors: [{ in: "query", pointer: "/from", detail: "at most 400 days before `to`" }],
    });
  }
  // Nothing younger is ever retired.
  if (fromMs < clock.nowMs() - readingsDaysMin * dayMs) await queries.requireReadings(fromMs);
}

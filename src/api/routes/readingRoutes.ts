/** Readings of one meter. */
import { z } from "zod";
import { cursorQuery, idParams, instantQuery, limitQuery, pageOf } from "../json/common.ts";
import { readingJson, readingSchema } from "../json/reading.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { knownMeter } from "./meterRoutes.ts";
import type { Routes } from "./routes.ts";

const historyQuery = z.strictObject({
  from: instantQuery.optional(),
  to: instantQuery.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
});

/** Readings in a span of time, and the latest one. */
export function readingRoutes(app: Routes, options: ApiOptions): void {
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

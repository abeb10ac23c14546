/** Key figures of the alarms after EEMUA 191 and ISA-18.2. */
import type { AlarmEvent } from "#domain/alarmEvent.ts";
import { dayMs, formatInstant } from "#domain/units.ts";
import { z } from "zod";
import { areaSchema, instantJson, instantQuery } from "../json/common.ts";
import { apiLimits } from "../limits.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import type { Routes } from "./routes.ts";

const figureQuery = z.strictObject({
  /** Seven days back, when it is left out. */
  from: instantQuery.optional(),
  to: instantQuery.optional(),
  area: areaSchema.optional(),
  /** People who share the load. */
  operators: z.coerce.number().int().min(1).max(1_000).default(1),
});

const figuresSchema = z.object({
  from: instantJson,
  to: instantJson,
  rang: z.number(),
  per10Minutes: z.number(),
  perHour: z.number(),
  perDay: z.number(),
  load: z.enum(["acceptable", "manageable", "over-demanding", "unacceptable"]),
  peakIn10Minutes: z.number(),
  peakInHour: z.number(),
  floodShare: z.number(),
  byPriority: z.record(z.enum(["1", "2", "3", "4"]), z.number()),
  chattering: z.number(),
  top: z.array(
    z.object({
      meterId: z.string().nullable(),
      rule: z.string(),
      rang: z.number(),
      share: z.number(),
    }),
  ),
  unanswered: z.number(),
  /** As it stands now, whatever the span is. */
  now: z.object({
    standing: z.number(),
    stale: z.number(),
    shelved: z.number(),
    suppressed: z.number(),
    outOfService: z.number(),
  }),
});

/** The figures of a span; the alarms room has the arithmetic. */
export type FiguresOf = (
  events: readonly AlarmEvent[],
  span: { readonly fromMs: number; readonly toMs: number; readonly operators: number },
) => Omit<z.infer<typeof figuresSchema>, "from" | "to" | "now">;

/** `/v1/alarm-figures`. */
export function figureRoutes(app: Routes, options: ApiOptions): void {
  const { queries, clock, figuresOf } = options;
  app.get(
    "/v1/alarm-figures",
    {
      config: { permission: "alarms.read" },
      schema: {
        tags: ["alarms"],
        summary: "Key figures after EEMUA 191 and ISA-18.2: rates, floods, chattering, top ten",
        querystring: figureQuery,
        response: { 200: figuresSchema },
      },
    },
    async (request) => {
      const { area = null, operators } = request.query;
      const toMs = request.query.to ?? clock.nowMs();
      const fromMs = request.query.from ?? toMs - 7 * dayMs;
      if (fromMs >= toMs || toMs - fromMs > apiLimits.figureDaysMax * dayMs) {
        const detail = `a span of at most ${apiLimits.figureDaysMax} days that begins before it ends`;
        throw new ProblemError("invalid", detail);
      }
      const limit = apiLimits.figureEventsMax;
      const events = await queries.alarmEvents(fromMs, toMs, area, limit + 1);
      if (events.length > limit) {
        throw new ProblemError(
          "invalid",
          `more than ${limit} alarm events: ask for a shorter span`,
        );
      }
      return {
        from: formatInstant(fromMs),
        to: formatInstant(toMs),
        ...figuresOf(events, { fromMs, toMs, operators }),
        now: await queries.alarmStanding(clock.nowMs() - dayMs, area),
      };
    },
  );
}

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

const proposalSchema = z.object({
  meterId: z.string().nullable(),
  rule: z.string(),
  rang: z.number(),
  kind: z.enum(["dead-band", "off-delay", "on-delay", "inspect"]),
  delaySeconds: z.number().nullable(),
  /** How often it would have rung with it, by the same events. */
  wouldHaveRung: z.number(),
  because: z.string(),
});

/** What could be done about the loudest sources; the alarms room has the arithmetic. */
export type ProposalsOf = (
  events: readonly AlarmEvent[],
) => readonly z.infer<typeof proposalSchema>[];

/** `/v1/alarm-figures` and below. */
export function figureRoutes(app: Routes, options: ApiOptions): void {
  const { queries, clock, figuresOf, proposalsOf } = options;
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
      const { operators } = request.query;
      const { fromMs, toMs, area, events } = await eventsOf(options, request.query);
      return {
        from: formatInstant(fromMs),
        to: formatInstant(toMs),
        ...figuresOf(events, { fromMs, toMs, operators }),
        now: await queries.alarmStanding(clock.nowMs() - dayMs, area),
      };
    },
  );
  app.get(
    "/v1/alarm-figures/proposals",
    {
      config: { permission: "alarms.read" },
      schema: {
        tags: ["alarms"],
        summary: "What could be done about the loudest sources; nothing is changed by itself",
        querystring: figureQuery,
        response: { 200: z.object({ items: z.array(proposalSchema) }) },
      },
    },
    async (request) => {
      const { events } = await eventsOf(options, request.query);
      return { items: [...proposalsOf(events)] };
    },
  );
}

/** The alarm events of the span that is asked for, or a problem. */
async function eventsOf({ queries, clock }: ApiOptions, query: z.infer<typeof figureQuery>) {
  const { area = null } = query;
  const toMs = query.to ?? clock.nowMs();
  const fromMs = query.from ?? toMs - 7 * dayMs;
  if (fromMs >= toMs || toMs - fromMs > apiLimits.figureDaysMax * dayMs) {
    const detail = `a span of at most ${apiLimits.figureDaysMax} days that begins before it ends`;
    throw new ProblemError("invalid", detail);
  }
  const limit = apiLimits.figureEventsMax;
  const events = await queries.alarmEvents(fromMs, toMs, area, limit + 1);
  if (events.length > limit) {
    throw new ProblemError("invalid", `more than ${limit} alarm events: ask for a shorter span`);
  }
  return { fromMs, toMs, area, events };
}

/** The alarm list, one alarm's explanation, and what an operator does with it. */
import { alarmStates, type Priority } from "#domain/alarm.ts";
import type { AlarmView } from "#ports/queries.ts";
import type { Ask } from "#ports/requests.ts";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { mayContact } from "../access.ts";
import { ask } from "../ask.ts";
import {
  acknowledgeSchema,
  alarmDetailSchema,
  alarmJson,
  alarmSchema,
  commentSchema,
  familyJson,
  resetSchema,
  shelveSchema,
  unshelveSchema,
} from "../json/alarm.ts";
import {
  areaSchema,
  cursorQuery,
  idSchema,
  limitQuery,
  ownIdParams,
  ownIdSchema,
  pageOf,
  wordList,
} from "../json/common.ts";
import { readingJson } from "../json/reading.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const listQuery = z.strictObject({
  state: wordList(alarmStates).optional(),
  priority: wordList(["1", "2", "3", "4"]).optional(),
  area: areaSchema.optional(),
  meterId: idSchema.optional(),
  historical: z.enum(["true", "false"]).optional(),
  parentId: ownIdSchema.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
});

const priorities: Readonly<Record<"1" | "2" | "3" | "4", Priority>> = { 1: 1, 2: 2, 3: 3, 4: 4 };

/** `/v1/alarms` and below. */
export function alarmRoutes(app: Routes, options: ApiOptions): void {
  readRoutes(app, options);
  actRoutes(app, options);
}

function readRoutes(app: Routes, options: ApiOptions): void {
  const { queries, limits, describeAlarm } = options;
  app.get(
    "/v1/alarms",
    {
      config: { permission: "alarms.read" },
      schema: {
        tags: ["alarms"],
        summary: "Alarms; `state` and `priority` take several words, separated by commas",
        querystring: listQuery,
        response: { 200: pageOf(alarmSchema) },
      },
    },
    async (request) => {
      const {
        state,
        priority,
        area,
        meterId,
        historical,
        parentId,
        cursor = null,
        limit,
      } = request.query;
      const filter = {
        states: state ?? null,
        priorities: priority?.map((digit) => priorities[digit]) ?? null,
        area: area ?? null,
        meterId: meterId ?? null,
        historical: historical === undefined ? null : historical === "true",
        ...(parentId === undefined ? {} : { parentId }),
      };
      const { items, next } = await queries.alarms(filter, cursor, limit);
      const contact = mayContact(request);
      return { items: items.map((view) => alarmJson(view, describeAlarm, contact)), next };
    },
  );
  app.get(
    "/v1/alarms/:id",
    {
      config: { permission: "alarms.read" },
      schema: {
        tags: ["alarms"],
        summary: "One alarm, with the readings that explain it",
        params: ownIdParams,
        response: { 200: alarmDetailSchema },
      },
    },
    async (request) => {
      const view = await knownAlarm(options, request.params.id);
      const readings = await queries.alarmReadings(view.alarm.id, limits.explanationRowsMax);
      const family = await queries.alarmFamily(view.alarm.id, limits.explanationRowsMax);
      const meterId = view.meter?.id ?? "";
      return {
        ...alarmJson(view, describeAlarm, mayContact(request)),
        readings: readings.map((reading) => readingJson(meterId, reading)),
        ...familyJson(family),
      };
    },
  );
}

type Act = (
  request: FastifyRequest,
  alarmId: string,
  wanted: Ask,
) => Promise<z.infer<typeof alarmSchema>>;

const common = {
  tags: ["alarms"],
  headers: idempotencyHeaders,
  params: ownIdParams,
  response: { 200: alarmSchema },
};

function actRoutes(app: Routes, options: ApiOptions): void {
  const act: Act = async (request, alarmId, wanted) => {
    await ask(options, request, wanted, "alarm");
    const view = await knownAlarm(options, alarmId);
    return alarmJson(view, options.describeAlarm, mayContact(request));
  };

  app.post(
    "/v1/alarms/:id/acknowledge",
    {
      config: { permission: "alarms.acknowledge" },
      schema: {
        ...common,
        summary: "Seen by a person; refused with 409 when the alarm was raised again meanwhile",
        body: acknowledgeSchema,
      },
    },
    async (request) => {
      const alarmId = request.params.id;
      return act(request, alarmId, { kind: "alarm.acknowledge", alarmId, ...request.body });
    },
  );
  app.post(
    "/v1/alarms/:id/reset",
    {
      config: { permission: "alarms.reset" },
      schema: { ...common, summary: "Ends a latched alarm", body: resetSchema },
    },
    async (request) => {
      const alarmId = request.params.id;
      return act(request, alarmId, { kind: "alarm.reset", alarmId, ...request.body });
    },
  );
  shelfRoutes(app, act);
  app.post(
    "/v1/alarms/:id/comment",
    {
      config: { permission: "alarms.comment" },
      schema: { ...common, summary: "Adds a comment", body: commentSchema },
    },
    async (request) => {
      const alarmId = request.params.id;
      return act(request, alarmId, { kind: "alarm.comment", alarmId, ...request.body });
    },
  );
}

function shelfRoutes(app: Routes, act: Act): void {
  app.post(
    "/v1/alarms/:id/shelve",
    {
      config: { permission: "alarms.shelve" },
      schema: {
        ...common,
        summary:
          "Hidden for a time, with a reason; the record goes on. Priority 1 is never shelved",
        body: shelveSchema,
      },
    },
    async (request) => {
      const alarmId = request.params.id;
      const { reason, occurrence, until, forSeconds = 0, untilReturn } = request.body;
      const timed = until === undefined ? { inMs: forSeconds * 1_000 } : { atMs: until };
      const end = untilReturn === true ? ({ onReturn: true } as const) : timed;
      return act(request, alarmId, { kind: "alarm.shelve", alarmId, occurrence, reason, end });
    },
  );
  app.post(
    "/v1/alarms/:id/unshelve",
    {
      config: { permission: "alarms.shelve" },
      schema: {
        ...common,
        summary: "Back into sight before its time; rings when its condition holds",
        body: unshelveSchema,
      },
    },
    async (request) => {
      const alarmId = request.params.id;
      return act(request, alarmId, { kind: "alarm.unshelve", alarmId, ...request.body });
    },
  );
}

async function knownAlarm(options: ApiOptions, id: string): Promise<AlarmView> {
  const view = await options.queries.alarm(id);
  if (view === null) throw new ProblemError("not-found", `there is no alarm ${id}`);
  return view;
}

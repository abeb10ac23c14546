/** Planned work that explains alarms for a time: planned, extended, ended; with what it hid. */
import { publicWork, workKinds, workLimits, workStates } from "#domain/plannedWork.ts";
import { z } from "zod";
import { ask } from "../ask.ts";
import {
  areaSchema,
  cursorQuery,
  idSchema,
  instantJson,
  instantQuery,
  limitQuery,
  ownIdParams,
  pageOf,
  reasonSchema,
  text,
} from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const workSchema = z.object({
  id: z.string(),
  kind: z.enum(workKinds),
  state: z.enum(workStates),
  areas: z.array(areaSchema),
  meterIds: z.array(idSchema),
  responsible: z.string(),
  reason: z.string(),
  from: instantJson,
  to: instantJson,
  endedAt: instantJson.nullable(),
  trace: z.array(
    z.object({
      at: instantJson,
      by: z.string(),
      act: z.string(),
      reason: z.string().nullable(),
      to: instantJson,
    }),
  ),
});

/** How many alarms it hid, and how many of them it still hides; `GET /v1/alarms?parentId=` lists them. */
const workDetailSchema = workSchema.extend({
  alarms: z.object({ total: z.number(), hidden: z.number() }),
});

const planSchema = z
  .strictObject({
    kind: z.enum(workKinds),
    areas: z.array(areaSchema).max(workLimits.areasMax).default([]),
    meterIds: z.array(idSchema).max(workLimits.metersMax).default([]),
    from: instantQuery,
    to: instantQuery,
    responsible: text(128),
    reason: reasonSchema,
  })
  .refine(({ areas, meterIds }) => areas.length + meterIds.length > 0, "name areas or meters");

const tags = ["planned work"];

/** `/v1/planned-works`. */
export function plannedWorkRoutes(app: Routes, options: ApiOptions): void {
  readRoutes(app, options);
  planRoute(app, options);
  changeRoutes(app, options);
}

function readRoutes(app: Routes, options: ApiOptions): void {
  const { queries, clock } = options;
  app.get(
    "/v1/planned-works",
    {
      config: { permission: "works.read" },
      schema: {
        tags,
        summary: "Planned works, the latest beginning first; `ended` false: those nobody has ended",
        querystring: z.strictObject({
          ended: z.enum(["true", "false"]).optional(),
          cursor: cursorQuery.optional(),
          limit: limitQuery,
        }),
        response: { 200: pageOf(workSchema) },
      },
    },
    async (request) => {
      const { ended, cursor = null, limit } = request.query;
      const isOpen = ended === undefined ? null : ended === "false";
      const { items, next } = await queries.plannedWorks({ isOpen }, cursor, limit);
      return { items: items.map((work) => publicWork(work, clock.nowMs())), next };
    },
  );
  app.get(
    "/v1/planned-works/:id",
    {
      config: { permission: "works.read" },
      schema: {
        tags,
        summary: "One planned work, with the number of alarms that it hid",
        params: ownIdParams,
        response: { 200: workDetailSchema },
      },
    },
    async (request) => detail(options, request.params.id),
  );
}

function planRoute(app: Routes, options: ApiOptions): void {
  const { rng, clock } = options;
  app.post(
    "/v1/planned-works",
    {
      config: { permission: "works.plan" },
      schema: {
        tags,
        summary: "Plans work in areas or at meters, for a time",
        headers: idempotencyHeaders,
        body: planSchema,
        response: { 201: workDetailSchema },
      },
    },
    async (request, reply) => {
      const plannedWorkId = `pw_${rng.uuidV7(clock.nowMs())}`;
      const { from, to, reason, ...same } = request.body;
      const planned = { ...same, reason, fromMs: from, toMs: to };
      const wanted = { kind: "plannedWork.plan", plannedWorkId, work: planned, reason } as const;
      const { work } = await ask(options, request, wanted, "plannedWork");
      reply.code(201).header("location", `/v1/planned-works/${work.id}`);
      return detail(options, work.id);
    },
  );
}

function changeRoutes(app: Routes, options: ApiOptions): void {
  const common = {
    tags,
    headers: idempotencyHeaders,
    params: ownIdParams,
    response: { 200: workDetailSchema },
  };
  app.post(
    "/v1/planned-works/:id/extend",
    {
      config: { permission: "works.plan" },
      schema: {
        ...common,
        summary: "Another end; what rings already goes on ringing",
        body: z.strictObject({ to: instantQuery, reason: reasonSchema }),
      },
    },
    async (request) => {
      const { to: toMs, reason } = request.body;
      const plannedWorkId = request.params.id;
      const wanted = { kind: "plannedWork.extend", plannedWorkId, toMs, reason } as const;
      await ask(options, request, wanted, "plannedWork");
      return detail(options, plannedWorkId);
    },
  );
  app.post(
    "/v1/planned-works/:id/end",
    {
      config: { permission: "works.plan" },
      schema: {
        ...common,
        summary: "It is over, or called off; what still stands rings",
        body: z.strictObject({ reason: reasonSchema }),
      },
    },
    async (request) => {
      const plannedWorkId = request.params.id;
      const { reason } = request.body;
      const wanted = { kind: "plannedWork.end", plannedWorkId, reason } as const;
      await ask(options, request, wanted, "plannedWork");
      return detail(options, plannedWorkId);
    },
  );
}

async function detail({ queries, clock }: ApiOptions, id: string) {
  const view = await queries.plannedWork(id);
  if (view === null) throw new ProblemError("not-found", `there is no planned work ${id}`);
  return { ...publicWork(view.work, clock.nowMs()), alarms: view.alarms };
}

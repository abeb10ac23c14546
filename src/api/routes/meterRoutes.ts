/** The registry of meters. */
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { MeterView } from "#ports/queries.ts";
import { mayContact } from "../access.ts";
import { ask } from "../ask.ts";
import { areaSchema, cursorQuery, idParams, limitQuery, pageOf } from "../json/common.ts";
import {
  meterChange,
  meterChangeSchema,
  meterDraft,
  meterDraftSchema,
  meterEtag,
  meterJson,
  meterSchema,
} from "../json/meter.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { idempotencyHeaders, ifMatchHeaders, type Routes } from "./routes.ts";

const listQuery = z.strictObject({
  cursor: cursorQuery.optional(),
  limit: limitQuery,
  area: areaSchema.optional(),
});

/** The meter, or 404. */
export async function knownMeter(options: ApiOptions, id: string): Promise<MeterView> {
  const view = await options.queries.meter(id);
  if (view === null) throw new ProblemError("not-found", `there is no meter ${id}`);
  return view;
}

/** `/v1/meters` and `/v1/meters/{id}`. */
export function meterRoutes(app: Routes, options: ApiOptions): void {
  readRoutes(app, options);
  writeRoutes(app, options);
}

function readRoutes(app: Routes, options: ApiOptions): void {
  const { queries } = options;

  app.get(
    "/v1/meters",
    {
      config: { permission: "meters.read" },
      schema: {
        tags: ["meters"],
        summary: "The meters, in id order",
        querystring: listQuery,
        response: { 200: pageOf(meterSchema) },
      },
    },
    async (request) => {
      const { cursor = null, limit, area = null } = request.query;
      const { items, next } = await queries.meters(cursor, limit, area);
      return { items: items.map((view) => meterJson(view, mayContact(request))), next };
    },
  );

  app.get(
    "/v1/meters/:id",
    {
      config: { permission: "meters.read" },
      schema: {
        tags: ["meters"],
        summary: "One meter",
        params: idParams,
        response: { 200: meterSchema },
      },
    },
    async (request, reply) => {
      const view = await knownMeter(options, request.params.id);
      reply.header("etag", meterEtag(view.meter));
      return meterJson(view, mayContact(request));
    },
  );
}

function writeRoutes(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/meters",
    {
      config: { permission: "meters.write" },
      schema: {
        tags: ["meters"],
        summary: "Registers a meter",
        headers: idempotencyHeaders,
        body: meterDraftSchema,
        response: { 201: meterSchema },
      },
    },
    async (request, reply) => {
      const wanted = {
        kind: "meter.register",
        meter: meterDraft(request.body, options.profiles),
      } as const;
      const { meter } = await ask(options, request, wanted, "meter");
      const view = { meter, lastSeenAtMs: null, valve: null };
      reply.code(201).header("location", `/v1/meters/${meter.id}`).header("etag", meterEtag(meter));
      return meterJson(view, mayContact(request));
    },
  );

  app.patch(
    "/v1/meters/:id",
    {
      config: { permission: "meters.write" },
      schema: {
        tags: ["meters"],
        summary: "Changes a meter; If-Match is required",
        headers: ifMatchHeaders,
        params: idParams,
        body: meterChangeSchema,
        response: { 200: meterSchema },
      },
    },
    async (request, reply) => {
      const meterId = request.params.id;
      const ifVersion = versionOf(request);
      const view = await knownMeter(options, meterId);
      const wanted = {
        kind: "meter.change",
        meterId,
        ifVersion,
        change: meterChange(request.body),
      } as const;
      const { meter } = await ask(options, request, wanted, "meter");
      reply.header("etag", meterEtag(meter));
      return meterJson({ ...view, meter }, mayContact(request));
    },
  );
}

/** The version that If-Match names (RFC 9110 13.1.1); null for `*`. A weak tag never matches. */
function versionOf(request: FastifyRequest): number | null {
  const given = request.headers["if-match"];
  if (given === undefined) {
    throw new ProblemError("precondition-required", "send the ETag that you read as If-Match");
  }
  if (given === "*") return null;
  const version = /^"(\d{1,15})"$/.exec(given)?.[1];
  if (version === undefined) {
    throw new ProblemError("version-conflict", "If-Match is not an ETag of this meter");
  }
  return Number(version);
}

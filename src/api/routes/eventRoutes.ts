/** What happened, by sequence: events, raw frames, quarantine and the audit. */
import { uplinkOutcomes } from "#domain/quarantine.ts";
import { formatInstant } from "#domain/units.ts";
import { z } from "zod";
import { ask } from "../ask.ts";
import { cursorQuery, instantJson, limitQuery, pageOf, sequenceQuery } from "../json/common.ts";
import { quarantineJson, quarantineSchema, uplinkJson, uplinkSchema } from "../json/frames.ts";
import { apiLimits } from "../limits.ts";
import type { ApiOptions } from "../options.ts";
import { chooseFormat, idempotencyHeaders, mediaTypes, sendRaw, type Routes } from "./routes.ts";

const eventQuery = z.strictObject({
  after: sequenceQuery.default(0),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(apiLimits.eventRowsMax)
    .default(apiLimits.eventRowsDefault),
  format: z.enum(["json", "ndjson"]).optional(),
});
const sequencePageQuery = z.strictObject({ after: sequenceQuery.default(0), limit: limitQuery });

/** The public event object; what else it holds depends on its kind. */
const eventSchema = z.looseObject({ seq: z.number(), at: instantJson, kind: z.string() });

const auditSchema = z.object({
  seq: z.number(),
  at: instantJson,
  actor: z.string(),
  role: z.string(),
  act: z.string(),
  subject: z.string(),
  reason: z.string().nullable(),
  detail: z.unknown(),
});

const verdictSchema = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), entries: z.number(), hash: z.string() }),
  z.object({
    ok: z.literal(false),
    seq: z.number(),
    problem: z.enum(["changed", "missing", "rewritten"]),
  }),
]);

/**
 * Items by sequence; `last` is where to go on, the request's own `after` when there is nothing new.
 */
function sequenceOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), last: z.number() });
}

/** `/v1/events`, `/v1/audit` and its verification. */
export function eventRoutes(app: Routes, options: ApiOptions): void {
  const { queries } = options;
  app.get(
    "/v1/events",
    {
      config: { permission: "events.read" },
      schema: {
        tags: ["events"],
        summary: "Every alarm, command and system event behind `after`, in sequence, no gaps",
        querystring: eventQuery,
        produces: [mediaTypes.json, mediaTypes.ndjson],
        response: { 200: sequenceOf(eventSchema) },
      },
    },
    async (request, reply) => {
      const { after, limit } = request.query;
      const events = await queries.events(after, limit);
      const last = events.at(-1)?.seq ?? after;
      // The stored text is the public object already: it is passed on as it is, not read and
      // written again.
      if (chooseFormat(request, request.query.format, ["ndjson"]) === "ndjson") {
        return sendRaw(reply, mediaTypes.ndjson, events.map(({ json }) => `${json}\n`).join(""));
      }
      const items = events.map(({ json }) => json).join(",");
      return sendRaw(reply, mediaTypes.json, `{"items":[${items}],"last":${last}}`);
    },
  );
  app.get(
    "/v1/audit",
    {
      config: { permission: "audit.read" },
      schema: {
        tags: ["audit"],
        summary: "Who did what, in sequence",
        querystring: sequencePageQuery,
        response: { 200: sequenceOf(auditSchema) },
      },
    },
    async (request) => {
      const { after, limit } = request.query;
      const rows = await queries.audit(after, limit);
      const items = rows.map(({ atMs, detailJson, ...same }) => ({
        ...same,
        at: formatInstant(atMs),
        detail: JSON.parse(detailJson) as unknown,
      }));
      return { items, last: items.at(-1)?.seq ?? after };
    },
  );
  app.get(
    "/v1/audit/verify",
    {
      config: { permission: "audit.read" },
      schema: {
        tags: ["audit"],
        summary: "Walks the whole chain of hashes and names the first entry that is not as written",
        response: { 200: verdictSchema },
      },
    },
    async () => queries.verifyAudit(),
  );
  frameRoutes(app, options);
}

const quarantineParams = z.strictObject({
  id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
});

function redecodeRoute(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/quarantine/:id/redecode",
    {
      config: { permission: "frames.redecode" },
      schema: {
        tags: ["frames"],
        summary: "Decodes a frame once more, with the keys and the profile that are on file now",
        description:
          "What it says is recorded at its own time, as history: it never rings late and never " +
          "moves a valve. 409 names the reason when it still cannot be used.",
        headers: idempotencyHeaders,
        params: quarantineParams,
        response: {
          200: z.object({ uplinkSeq: z.number(), outcome: z.enum(uplinkOutcomes) }),
        },
      },
    },
    async (request) => {
      const wanted = { kind: "quarantine.redecode", quarantineId: request.params.id } as const;
      const { seq, outcome } = await ask(options, request, wanted, "uplink");
      return { uplinkSeq: seq, outcome };
    },
  );
}

function frameRoutes(app: Routes, options: ApiOptions): void {
  const { limits, queries } = options;
  redecodeRoute(app, options);
  app.get(
    "/v1/uplinks",
    {
      config: { permission: "frames.read" },
      schema: {
        tags: ["frames"],
        summary: "Raw frames behind `after`, in sequence; a page may end before `limit`",
        querystring: sequencePageQuery,
        response: { 200: sequenceOf(uplinkSchema) },
      },
    },
    async (request) => {
      const { after, limit } = request.query;
      const rows = await queries.uplinks(after, Math.min(limit, limits.rawFrameRowsMax));
      return { items: rows.map(uplinkJson), last: rows.at(-1)?.seq ?? after };
    },
  );
  app.get(
    "/v1/quarantine",
    {
      config: { permission: "frames.read" },
      schema: {
        tags: ["frames"],
        summary: "Frames that could not be used, and why; a page may end before `limit`",
        querystring: z.strictObject({ cursor: cursorQuery.optional(), limit: limitQuery }),
        response: { 200: pageOf(quarantineSchema) },
      },
    },
    async (request) => {
      const { cursor = null, limit } = request.query;
      const rows = Math.min(limit, limits.rawFrameRowsMax);
      const { items, next } = await queries.quarantine(cursor, rows);
      return { items: items.map(quarantineJson), next };
    },
  );
}

/** Whom events are told over HTTP, what became of each sending, and the secrets, each shown once. */
import {
  deliveryOutcomes,
  disabledReasons,
  publicWebhook,
  webhookStates,
  type EventFilter,
} from "#domain/webhook.ts";
import type { Priority } from "#domain/alarm.ts";
import { formatInstant } from "#domain/units.ts";
import { z } from "zod";
import { ask } from "../ask.ts";
import {
  areaSchema,
  cursorQuery,
  instantJson,
  instantQuery,
  limitQuery,
  ownIdParams,
  pageOf,
  text,
} from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import type { Routes } from "./routes.ts";

const kindSchema = z
  .string()
  .regex(/^[A-Za-z]{1,20}\.(\*|[A-Za-z-]{1,30})$/, "as alarm.raised or alarm.*");
const prioritySchema = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);

const filterShape = {
  kinds: z.array(kindSchema).max(64),
  priorities: z.array(prioritySchema).max(4),
  areas: z.array(areaSchema).max(200),
};
const urlSchema = text(2_000);

const createSchema = z.strictObject({
  label: text(64),
  url: urlSchema,
  kinds: filterShape.kinds.default([]),
  priorities: filterShape.priorities.default([]),
  areas: filterShape.areas.default([]),
});

const changeSchema = z
  .strictObject({
    label: text(64),
    url: urlSchema,
    ...filterShape,
    state: z.enum(webhookStates),
  })
  .partial();

const webhookSchema = z.object({
  id: z.string(),
  label: z.string(),
  url: z.string(),
  kinds: z.array(z.string()),
  priorities: z.array(z.number()),
  areas: z.array(z.string()),
  state: z.enum(webhookStates),
  disabledReason: z.enum(disabledReasons).nullable(),
  createdBy: z.string(),
  createdAt: instantJson,
  previousSecretUntil: instantJson.nullable(),
  /** The last event that is settled for it. */
  toldSeq: z.number(),
  failing: z
    .object({ since: instantJson, attempts: z.number(), nextAt: instantJson, reason: z.string() })
    .nullable(),
});
const shownOnceSchema = webhookSchema.extend({ secret: z.string() });

const deliverySchema = z.object({
  eventSeq: z.number(),
  kind: z.string(),
  at: instantJson,
  attempt: z.number(),
  outcome: z.enum(deliveryOutcomes),
  status: z.number().nullable(),
  reason: z.string(),
  durationMs: z.number(),
});

const tags = ["webhooks"];

/** `/v1/webhooks` and below. */
export function webhookRoutes(app: Routes, options: ApiOptions): void {
  readRoutes(app, options);
  writeRoutes(app, options);
  secretRoutes(app, options);
}

function readRoutes(app: Routes, options: ApiOptions): void {
  const { queries } = options;
  app.get(
    "/v1/webhooks",
    {
      config: { permission: "webhooks.read" },
      schema: {
        tags,
        summary: "Receivers of events, without their secrets",
        response: { 200: z.object({ items: z.array(webhookSchema) }) },
      },
    },
    async () => ({ items: (await queries.webhooks()).map(publicWebhook) }),
  );
  app.get(
    "/v1/webhooks/:id",
    {
      config: { permission: "webhooks.read" },
      schema: {
        tags,
        summary: "One receiver, and how far it has been told",
        params: ownIdParams,
        response: { 200: webhookSchema },
      },
    },
    async (request) => publicWebhook(await known(options, request.params.id)),
  );
  app.get(
    "/v1/webhooks/:id/deliveries",
    {
      config: { permission: "webhooks.read" },
      schema: {
        tags,
        summary: "Every sending and what came of it, the newest first",
        params: ownIdParams,
        querystring: z.strictObject({ cursor: cursorQuery.optional(), limit: limitQuery }),
        response: { 200: pageOf(deliverySchema) },
      },
    },
    async (request) => {
      await known(options, request.params.id);
      const { cursor = null, limit } = request.query;
      const { items, next } = await queries.deliveries(request.params.id, cursor, limit);
      const shown = items.map(({ atMs, eventKind, ...rest }) => {
        return { ...rest, kind: eventKind, at: formatInstant(atMs) };
      });
      return { items: shown, next };
    },
  );
}

function writeRoutes(app: Routes, options: ApiOptions): void {
  app.patch(
    "/v1/webhooks/:id",
    {
      config: { permission: "webhooks.write" },
      schema: {
        tags,
        summary: "Changes a receiver; `state` switches it off and on, and it goes on where it was",
        params: ownIdParams,
        body: changeSchema,
        response: { 200: webhookSchema },
      },
    },
    async (request) => {
      const { kinds, priorities, areas, ...rest } = request.body;
      if (rest.url !== undefined) checkUrl(options, rest.url);
      const { id } = request.params;
      const before = await known(options, id);
      const filter = filterOf({ kinds, priorities, areas }, before.filter);
      const change = { ...defined(rest), filter };
      const wanted = { kind: "webhook.change", webhookId: id, change } as const;
      return publicWebhook((await ask(options, request, wanted, "webhook")).webhook);
    },
  );
  app.delete(
    "/v1/webhooks/:id",
    {
      config: { permission: "webhooks.write" },
      schema: {
        tags,
        summary: "Ends it; its sendings stay on record",
        params: ownIdParams,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const webhookId = request.params.id;
      await ask(options, request, { kind: "webhook.remove", webhookId }, "done");
      return reply.code(204).send();
    },
  );
  app.post(
    "/v1/webhooks/:id/replay",
    {
      config: { permission: "webhooks.replay" },
      schema: {
        tags,
        summary: "Tells everything since an instant once more, with the same ids",
        params: ownIdParams,
        body: z.strictObject({ from: instantQuery }),
        response: { 200: webhookSchema },
      },
    },
    async (request) => {
      const webhookId = request.params.id;
      const wanted = { kind: "webhook.replay", webhookId, fromMs: request.body.from } as const;
      return publicWebhook((await ask(options, request, wanted, "webhook")).webhook);
    },
  );
}

/** Answers that hold a secret are not kept for a repetition: it is shown once. */
function secretRoutes(app: Routes, options: ApiOptions): void {
  const { webhooks, rng, clock } = options;
  const once = { mayReplay: false };
  app.post(
    "/v1/webhooks",
    {
      config: { permission: "webhooks.write" },
      schema: {
        tags,
        summary: "A new receiver; its secret is shown once, and events are told from now on",
        body: createSchema,
        response: { 201: shownOnceSchema },
      },
    },
    async (request, reply) => {
      const { label, url, ...filter } = request.body;
      checkUrl(options, url);
      const webhookId = `wh_${rng.uuidV7(clock.nowMs())}`;
      const wanted = { kind: "webhook.create", webhookId, label, url, filter } as const;
      const { webhook } = await ask(options, request, wanted, "webhook", once);
      reply.code(201).header("location", `/v1/webhooks/${webhookId}`);
      return { ...publicWebhook(webhook), secret: webhooks.secretOf(webhookId, webhook.secretNo) };
    },
  );
  app.post(
    "/v1/webhooks/:id/rotate",
    {
      config: { permission: "webhooks.rotate" },
      schema: {
        tags,
        summary: "A new secret, shown once; for a day the one before signs as well",
        params: ownIdParams,
        response: { 200: shownOnceSchema },
      },
    },
    async (request) => {
      const webhookId = request.params.id;
      const wanted = { kind: "webhook.rotate", webhookId } as const;
      const { webhook } = await ask(options, request, wanted, "webhook", once);
      return { ...publicWebhook(webhook), secret: webhooks.secretOf(webhookId, webhook.secretNo) };
    },
  );
}

async function known({ queries }: ApiOptions, id: string) {
  const webhook = await queries.webhook(id);
  if (webhook === null) throw new ProblemError("not-found", `there is no webhook ${id}`);
  return webhook;
}

function checkUrl({ webhooks }: ApiOptions, url: string): void {
  const fault = webhooks.urlFault(url);
  if (fault === null) return;
  throw new ProblemError("invalid-request", "the address cannot be called", {
    errors: [{ in: "body", pointer: "/url", detail: fault }],
  });
}

interface GivenFilter {
  readonly kinds: string[] | undefined;
  readonly priorities: Priority[] | undefined;
  readonly areas: string[] | undefined;
}

function filterOf(given: GivenFilter, before: EventFilter): EventFilter {
  return {
    kinds: given.kinds ?? before.kinds,
    priorities: given.priorities ?? before.priorities,
    areas: given.areas ?? before.areas,
  };
}

/** Without the keys that were not given. */
function defined<Given extends object>(given: Given) {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Given]?: NonNullable<Given[Key]> };
}

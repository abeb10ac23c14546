/** People who are told by short message and mail, and what became of each telling. */
import {
  publicNotification,
  publicRecipient,
  recipientKinds,
  type DutyHours,
  type Recipient,
} from "#domain/recipient.ts";
import { deliveryOutcomes } from "#domain/webhook.ts";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { mayContact } from "../access.ts";
import { ask } from "../ask.ts";
import {
  areaSchema,
  cursorQuery,
  idSchema,
  instantJson,
  limitQuery,
  ownIdParams,
  ownIdSchema,
  pageOf,
  text,
} from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import type { Routes } from "./routes.ts";

const tags = ["recipients"];
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "as 08:00");
const prioritySchema = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);
/** Control characters would make two headers of one. */
const mailSchema = z.email().max(200);
const phoneSchema = z.string().regex(/^\+[1-9]\d{6,14}$/, "as +8613800000000");

const bodySchema = z
  .strictObject({
    kind: z.enum(recipientKinds),
    label: text(64),
    phone: phoneSchema.nullable().default(null),
    mail: mailSchema.nullable().default(null),
    language: z.enum(["zh", "en"]).default("zh"),
    meterId: idSchema.nullable().default(null),
    kinds: z
      .array(z.string().regex(/^(alarm|workOrder)\.(\*|[a-z_]{1,20})$/, "as alarm.raised"))
      .max(32)
      .default(["alarm.raised", "alarm.reraised", "alarm.escalated", "alarm.unanswered"]),
    priorities: z.array(prioritySchema).max(4).default([1, 2]),
    areas: z.array(areaSchema).max(200).default([]),
    hours: z
      .strictObject({
        from: clockTime,
        to: clockTime,
        days: z.array(z.int().min(1).max(7)).max(7).default([]),
      })
      .nullable()
      .default(null),
  })
  .refine(({ phone, mail }) => phone !== null || mail !== null, "give a phone or a mail")
  .refine(
    ({ kind, meterId }) => kind !== "customer" || meterId !== null,
    "a customer has a meterId",
  );

const recipientSchema = z.object({
  id: z.string(),
  kind: z.enum(recipientKinds),
  label: z.string(),
  /** Masked for roles without the permission to see contacts. */
  phone: z.string().nullable(),
  mail: z.string().nullable(),
  language: z.string(),
  meterId: z.string().nullable(),
  kinds: z.array(z.string()),
  priorities: z.array(z.number()),
  areas: z.array(z.string()),
  hours: z.object({ from: z.string(), to: z.string(), days: z.array(z.number()) }).nullable(),
});

const notificationSchema = z.object({
  id: z.string(),
  eventSeq: z.number(),
  kind: z.string(),
  recipientId: z.string(),
  way: z.enum(["sms", "mail"]),
  state: z.enum(["waiting", "expired", ...deliveryOutcomes]),
  attempts: z.number(),
  reason: z.string(),
  receipt: z.string().nullable(),
  madeAt: instantJson,
  nextAt: instantJson.nullable(),
});

/** `/v1/recipients` and below, `/v1/notifications`. */
export function recipientRoutes(app: Routes, options: ApiOptions): void {
  readRoutes(app, options);
  writeRoutes(app, options);
}

function readRoutes(app: Routes, { queries }: ApiOptions): void {
  app.get(
    "/v1/recipients",
    {
      config: { permission: "recipients.read" },
      schema: {
        tags,
        summary: "People who are told by short message or mail",
        querystring: z.strictObject({ cursor: cursorQuery.optional(), limit: limitQuery }),
        response: { 200: pageOf(recipientSchema) },
      },
    },
    async (request) => {
      const { cursor = null, limit } = request.query;
      const { items, next } = await queries.recipients(cursor, limit);
      const contact = mayContact(request);
      return { items: items.map((one) => publicRecipient(one, contact)), next };
    },
  );
  app.get(
    "/v1/notifications",
    {
      config: { permission: "recipients.read" },
      schema: {
        tags,
        summary: "What people were told, and what became of it, the newest first",
        querystring: z.strictObject({
          recipientId: ownIdSchema.optional(),
          cursor: cursorQuery.optional(),
          limit: limitQuery,
        }),
        response: { 200: pageOf(notificationSchema) },
      },
    },
    async (request) => {
      const { recipientId = null, cursor = null, limit } = request.query;
      const { items, next } = await queries.notifications(recipientId, cursor, limit);
      return { items: items.map(publicNotification), next };
    },
  );
}

function writeRoutes(app: Routes, options: ApiOptions): void {
  const { rng, clock, queries } = options;
  const put = async (request: FastifyRequest, recipient: Recipient, isNew: boolean) => {
    // An answer that is kept for a repetition would hold a telephone number.
    await ask(options, request, { kind: "recipient.put", recipient, isNew }, "done", {
      mayReplay: false,
    });
    return publicRecipient(recipient, mayContact(request));
  };
  app.post(
    "/v1/recipients",
    {
      config: { permission: "recipients.write" },
      schema: {
        tags,
        summary: "Somebody more is told",
        body: bodySchema,
        response: { 201: recipientSchema },
      },
    },
    async (request, reply) => {
      const id = `rc_${rng.uuidV7(clock.nowMs())}`;
      const shown = await put(request, recipientOf(id, request.body), true);
      reply.code(201).header("location", `/v1/recipients/${id}`);
      return shown;
    },
  );
  app.put(
    "/v1/recipients/:id",
    {
      config: { permission: "recipients.write" },
      schema: {
        tags,
        summary: "Replaces what is known of somebody",
        params: ownIdParams,
        body: bodySchema,
        response: { 200: recipientSchema },
      },
    },
    async (request) => put(request, recipientOf(request.params.id, request.body), false),
  );
  app.delete(
    "/v1/recipients/:id",
    {
      config: { permission: "recipients.write" },
      schema: {
        tags,
        summary: "Is told no more; the number and address are gone",
        params: ownIdParams,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { id: recipientId } = request.params;
      if ((await queries.recipient(recipientId)) === null) {
        throw new ProblemError("not-found", `there is no recipient ${recipientId}`);
      }
      await ask(options, request, { kind: "recipient.remove", recipientId }, "done");
      return reply.code(204).send();
    },
  );
}

function recipientOf(id: string, body: z.infer<typeof bodySchema>): Recipient {
  const { kinds, priorities, areas, hours, ...rest } = body;
  return { id, ...rest, filter: { kinds, priorities, areas }, hours: hours && dutyOf(hours) };
}

function dutyOf({ from, to, days }: { from: string; to: string; days: number[] }): DutyHours {
  return { fromMinute: minuteOf(from), toMinute: minuteOf(to), days };
}

function minuteOf(time: string): number {
  const [hour = "0", minute = "0"] = time.split(":");
  return Number(hour) * 60 + Number(minute);
}

/** Who may come in: credentials of meters and gateways, the gateways' lists, and API keys. */
import { roles } from "#domain/role.ts";
import { z } from "zod";
import { callerOf } from "../access.ts";
import { makeApiKey } from "../apiKeys.ts";
import { ask } from "../ask.ts";
import { idParams, idSchema, ownIdParams, text } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { knownMeter } from "./meterRoutes.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const shownOnce =
  "The secret is in this answer and nowhere else. Idempotency-Key has no effect here: a secret " +
  "cannot be given twice, so repeat the request and revoke what is not needed.";

const secretSchema = z.object({ username: z.string(), secret: z.string() });
const gatewaySchema = z.strictObject({
  id: idSchema,
  /** The meters that may be reported through it. */
  meterIds: z.array(idSchema).max(2_000),
});
const keySchema = z.object({ id: z.string(), role: z.enum(roles), label: z.string() });

/** Credentials, gateways and keys. */
export function keyRoutes(app: Routes, options: ApiOptions): void {
  credentialRoutes(app, options, "meter");
  credentialRoutes(app, options, "gateway");
  gatewayRoutes(app, options);
  apiKeyRoutes(app, options);
}

async function requireHolder(options: ApiOptions, id: string, kind: "meter" | "gateway") {
  if (kind === "meter") {
    await knownMeter(options, id);
    return;
  }
  const gateways = await options.queries.gateways();
  if (!gateways.some((gateway) => gateway.id === id)) {
    throw new ProblemError("not-found", `there is no gateway ${id}`);
  }
}

function credentialRoutes(app: Routes, options: ApiOptions, kind: "meter" | "gateway"): void {
  const url = `/v1/${kind}s/:id/credentials`;
  app.post(
    url,
    {
      config: { permission: "credentials.write" },
      schema: {
        tags: ["keys"],
        summary: `Issues a secret for a ${kind}, shown once`,
        description: `${shownOnce} Earlier secrets stay valid until they are revoked.`,
        params: idParams,
        response: { 201: secretSchema },
      },
    },
    async (request, reply) => {
      const username = request.params.id;
      await requireHolder(options, username, kind);
      const { secret, secretHash } = options.issueSecret(username, kind);
      const credential = { username, kind, secretHash };
      const wanted = { kind: "credential.issue", credential } as const;
      await ask(options, request, wanted, "done", { mayReplay: false });
      reply.code(201);
      return { username, secret };
    },
  );
  app.delete(
    url,
    {
      config: { permission: "credentials.write" },
      schema: {
        tags: ["keys"],
        summary: `Revokes every secret of a ${kind}`,
        params: idParams,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const username = request.params.id;
      await requireHolder(options, username, kind);
      await ask(options, request, { kind: "credential.revoke", username }, "done");
      return reply.code(204).send();
    },
  );
}

function gatewayRoutes(app: Routes, options: ApiOptions): void {
  app.get(
    "/v1/gateways",
    {
      config: { permission: "gateways.read" },
      schema: {
        tags: ["gateways"],
        summary: "The gateways and the meters under each",
        response: { 200: z.object({ items: z.array(gatewaySchema) }) },
      },
    },
    async () => {
      const gateways = await options.queries.gateways();
      return { items: gateways.map(({ id, meterIds }) => ({ id, meterIds: [...meterIds] })) };
    },
  );
  app.post(
    "/v1/gateways",
    {
      config: { permission: "gateways.write" },
      schema: {
        tags: ["gateways"],
        summary: "Registers a gateway, or replaces its list of meters",
        headers: idempotencyHeaders,
        body: gatewaySchema,
        response: { 201: gatewaySchema },
      },
    },
    async (request, reply) => {
      await ask(options, request, { kind: "gateway.put", gateway: request.body }, "done");
      reply.code(201);
      return request.body;
    },
  );
}

function apiKeyRoutes(app: Routes, options: ApiOptions): void {
  const { apiKeys, rng } = options;
  app.get(
    "/v1/keys",
    {
      config: { permission: "keys.read" },
      schema: {
        tags: ["keys"],
        summary: "The API keys, without what they open",
        response: { 200: z.object({ items: z.array(keySchema) }) },
      },
    },
    async () => ({ items: apiKeys.list().map(({ id, role, label }) => ({ id, role, label })) }),
  );
  app.post(
    "/v1/keys",
    {
      config: { permission: "keys.write" },
      schema: {
        tags: ["keys"],
        summary: "Issues an API key, shown once",
        description: shownOnce,
        body: z.strictObject({ role: z.enum(roles), label: text(64) }),
        response: { 201: keySchema.extend({ key: z.string() }) },
      },
    },
    async (request, reply) => {
      const { role, label } = request.body;
      const { key, row } = makeApiKey(rng, role, label);
      const wanted = { kind: "apiKey.issue", apiKey: row } as const;
      await ask(options, request, wanted, "done", { mayReplay: false });
      reply.code(201);
      return { id: row.id, role, label, key };
    },
  );
  app.delete(
    "/v1/keys/:id",
    {
      config: { permission: "keys.write" },
      schema: {
        tags: ["keys"],
        summary: "Revokes an API key; live connections made with it end",
        params: ownIdParams,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (id === callerOf(request).id) {
        // Else the last administrator could lock everybody out.
        throw new ProblemError("not-allowed-in-state", "a key cannot revoke itself");
      }
      await ask(options, request, { kind: "apiKey.revoke", id }, "done");
      return reply.code(204).send();
    },
  );
}

/** Rule documents: which are in force, what another one would change, and putting it in force. */
import type { RuleDocument, RuleRecord } from "#domain/ruleDocument.ts";
import { roles } from "#domain/role.ts";
import { formatInstant } from "#domain/units.ts";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { ask } from "../ask.ts";
import { cursorQuery, instantJson, limitQuery, pageOf, reasonSchema } from "../json/common.ts";
import { ruleValueSchema } from "../json/explanation.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const recordSchema = z.object({
  no: z.number(),
  /** null: the factory's rules. */
  version: z.string().nullable(),
  hash: z.string().nullable(),
  source: z.enum(["file", "api"]),
  /** null: nobody was shown it before. */
  previewedAt: instantJson.nullable(),
  inForceAt: instantJson,
  by: z.string(),
  role: z.enum(roles).nullable(),
  reason: z.string().nullable(),
  document: z.unknown(),
});

const previewSchema = z.object({
  version: z.string(),
  hash: z.string(),
  /** The first time that anybody was shown this content. */
  previewedAt: instantJson,
  /** To be given back when it is put in force. */
  replaces: z.number(),
  meters: z.number(),
  rules: z.array(z.string()).readonly(),
  changes: z.array(
    z.object({
      rule: z.string(),
      name: z.string(),
      before: ruleValueSchema,
      after: ruleValueSchema,
      meters: z.number(),
      examples: z.array(z.string()).readonly(),
    }),
  ),
  isCut: z.boolean(),
});

function recordJson(record: RuleRecord): z.infer<typeof recordSchema> {
  const { document, previewedAtMs, inForceAtMs, no, source, by, role, reason } = record;
  return {
    no,
    version: document?.version ?? null,
    hash: document?.hash ?? null,
    source,
    previewedAt: previewedAtMs === null ? null : formatInstant(previewedAtMs),
    inForceAt: formatInstant(inForceAtMs),
    by,
    role,
    reason,
    document,
  };
}

/** The document in the text, or a problem that names every mistake with its line and column. */
export function readRuleDocument(options: ApiOptions, yaml: string): RuleDocument {
  const rules = options.ruleBook.read(yaml);
  if (rules.ok) return rules.document;
  throw new ProblemError("invalid", "the rule document cannot be used", {
    errors: rules.problems.map(({ where, message }) => ({
      in: "body",
      pointer: "/yaml",
      detail: `${where}: ${message}`,
    })),
  });
}

async function newestOf({ queries }: ApiOptions): Promise<RuleRecord | null> {
  return (await queries.ruleRecords(null, 1)).items[0] ?? null;
}

/** `/v1/rules` and below. */
export function ruleRoutes(app: Routes, options: ApiOptions): void {
  const { queries, limits } = options;
  const text = z.string().min(1).max(limits.ruleDocumentBytesMax);
  app.get(
    "/v1/rules",
    {
      config: { permission: "rules.read" },
      schema: {
        tags: ["rules"],
        summary: "Every change of the rules, the newest first; the first one is in force",
        querystring: z.strictObject({ cursor: cursorQuery.optional(), limit: limitQuery }),
        response: { 200: pageOf(recordSchema) },
      },
    },
    async ({ query: { cursor = null, limit } }) => {
      const { items, next } = await queries.ruleRecords(cursor, limit);
      return { items: items.map(recordJson), next };
    },
  );
  app.post(
    "/v1/rules/preview",
    {
      config: { permission: "rules.write" },
      bodyLimit: limits.ruleDocumentBytesMax,
      schema: {
        tags: ["rules"],
        summary: "What this document would change, and for which meters; changes nothing",
        body: z.strictObject({ yaml: text }),
        response: { 200: previewSchema },
      },
    },
    async (request) => {
      const document = readRuleDocument(options, request.body.yaml);
      const { preview } = await ask(
        options,
        request,
        { kind: "rules.preview", document },
        "rulePreview",
        { mayReplay: false },
      );
      const newest = await newestOf(options);
      const { meters, rules, changes, isCut } = options.ruleBook.changes(
        newest?.document ?? null,
        document,
      );
      return {
        version: document.version,
        hash: document.hash,
        previewedAt: formatInstant(preview.previewedAtMs),
        replaces: newest?.no ?? 0,
        ...{ meters, rules, isCut },
        changes: [...changes],
      };
    },
  );
  putRoutes(app, options, text);
}

const signed = {
  /** What the preview said, so that nobody overwrites what he has not seen. */
  replaces: z.int().min(0),
  reason: reasonSchema,
};

function putRoutes(app: Routes, options: ApiOptions, text: z.ZodString): void {
  const common = {
    tags: ["rules"],
    headers: idempotencyHeaders,
    response: { 200: recordSchema },
  };
  app.post(
    "/v1/rules",
    {
      config: { permission: "rules.write" },
      bodyLimit: options.limits.ruleDocumentBytesMax,
      schema: {
        ...common,
        summary: "Puts a document in force that was previewed; signed by the key that asks",
        body: z.strictObject({ yaml: text, ...signed }),
      },
    },
    async (request) => {
      const { yaml, replaces, reason } = request.body;
      const document = readRuleDocument(options, yaml);
      return put(options, request, { kind: "rules.put", document, replaces, reason });
    },
  );
  app.post(
    "/v1/rules/factory",
    {
      config: { permission: "rules.write" },
      schema: {
        ...common,
        summary: "Back to the factory's rules",
        body: z.strictObject(signed),
      },
    },
    async (request) => put(options, request, { kind: "rules.factory", ...request.body }),
  );
}

async function put(
  options: ApiOptions,
  request: FastifyRequest,
  wanted: Parameters<typeof ask>[2],
): Promise<z.infer<typeof recordSchema>> {
  const { record } = await ask(options, request, wanted, "rules");
  return recordJson(record);
}

/**
 * When one person's close waits for another one, and what may close without any. The latter is changed where its file
 * is, not over the API.
 */
import { closeWords, closingRules } from "#domain/closePolicy.ts";
import { formatInstant, timestampMs } from "#domain/units.ts";
import { z } from "zod";
import type { ApiOptions } from "../options.ts";
import { ask } from "../ask.ts";
import { instantJson, reasonSchema } from "../json/common.ts";
import type { Routes } from "./routes.ts";

const words = z.partialRecord(z.enum(closingRules), z.enum(closeWords));
const byName = z.record(z.string(), words);

const closePolicy = z.object({
  /** null: there is none, and a leak closes its valve. */
  version: z.string().nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
  all: words,
  siteClasses: byName,
  areas: byName,
  meters: byName,
});

const closePolicySchema = closePolicy.extend({
  /** What it lets close that was not let close before waits a day from then. */
  inForceSince: instantJson.nullable(),
});

/** As the engine keeps it. */
const keptSchema = z.array(z.object({ fromMs: z.number(), policy: closePolicy.nullable() }));

const none = { version: null, by: null, reason: null };
const empty = { ...none, all: {}, siteClasses: {}, areas: {}, meters: {} };

/** `/v1/valve-policy` and `/v1/close-policy`. */
export function policyRoutes(app: Routes, options: ApiOptions): void {
  const { queries } = options;
  app.get(
    "/v1/close-policy",
    {
      config: { permission: "commands.read" },
      schema: {
        tags: ["commands"],
        summary: "Which rules may close which valves without a person",
        response: { 200: closePolicySchema },
      },
    },
    async () => {
      const kept = (await queries.settings())["valves.closing"] ?? "[]";
      const newest = keptSchema.parse(JSON.parse(kept)).at(-1);
      const since = newest === undefined ? null : formatInstant(timestampMs(newest.fromMs));
      return { ...(newest?.policy ?? empty), inForceSince: since };
    },
  );
  app.get(
    "/v1/valve-policy",
    {
      config: { permission: "commands.read" },
      schema: {
        tags: ["commands"],
        summary: "When one person's close waits for a second person",
        response: { 200: policySchema },
      },
    },
    async () => policyOf(await options.queries.settings()),
  );
  app.put(
    "/v1/valve-policy",
    {
      config: { permission: "valves.policy" },
      schema: {
        tags: ["commands"],
        summary: "Says when one person's close waits for a second person",
        body: policySchema.extend({ reason: reasonSchema }),
        response: { 200: policySchema },
      },
    },
    async (request) => {
      await ask(options, request, { kind: "valves.policy", ...request.body }, "done");
      return policyOf(await options.queries.settings());
    },
  );
}

const policySchema = z.strictObject({ secondPerson: z.enum(["never", "critical", "always"]) });

function policyOf(settings: Readonly<Record<string, string>>): z.infer<typeof policySchema> {
  const stored = policySchema.safeParse({ secondPerson: settings["valves.secondPerson"] });
  return stored.success ? stored.data : { secondPerson: "never" };
}

/** What may close a valve without a person, as it is in force; it is changed where its file is, not over the API. */
import { closeWords } from "#domain/closePolicy.ts";
import { formatInstant, timestampMs } from "#domain/units.ts";
import { z } from "zod";
import type { ApiOptions } from "../options.ts";
import { instantJson } from "../json/common.ts";
import type { Routes } from "./routes.ts";

const words = z.object({
  R1: z.enum(closeWords).optional(),
  R19: z.enum(closeWords).optional(),
});
const byName = z.record(z.string(), words);

const policySchema = z.object({
  /** null: there is none, and a leak closes its valve. */
  version: z.string().nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
  all: words,
  siteClasses: byName,
  areas: byName,
  meters: byName,
});

const closePolicySchema = policySchema.extend({
  /** What it lets close that was not let close before waits a day from then. */
  inForceSince: instantJson.nullable(),
});

/** As the engine keeps it. */
const keptSchema = z.array(z.object({ fromMs: z.number(), policy: policySchema.nullable() }));

const none = { version: null, by: null, reason: null };
const empty = { ...none, all: {}, siteClasses: {}, areas: {}, meters: {} };

/** `/v1/close-policy`. */
export function closePolicyRoutes(app: Routes, { queries }: ApiOptions): void {
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
}

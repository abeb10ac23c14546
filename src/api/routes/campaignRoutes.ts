/** Closing many valves by hand, in stages of 10, 50, 250 and so on, agreed to by two persons. */
import { campaignStates, publicCampaign } from "#domain/campaign.ts";
import { secondMs } from "#domain/units.ts";
import { z } from "zod";
import { ask } from "../ask.ts";
import {
  cursorQuery,
  idSchema,
  instantJson,
  limitQuery,
  ownIdParams,
  pageOf,
  reasonSchema,
} from "../json/common.ts";
import { apiLimits } from "../limits.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const campaignSchema = z.object({
  id: z.string(),
  state: z.enum(campaignStates),
  reason: z.string(),
  requestedBy: z.string(),
  requestedAt: instantJson,
  approvals: z.array(z.object({ by: z.string(), role: z.string(), at: instantJson })),
  /** Meters in all, and those for which a command was ordered so far. */
  meters: z.number(),
  ordered: z.number(),
  stages: z.array(z.object({ commands: z.array(z.string()), failures: z.number().nullable() })),
});

const requestSchema = z.strictObject({
  meterIds: z.array(idSchema).min(1).max(10_000),
  reason: reasonSchema,
  /** How long each command may wait for its meter. */
  expiresInSeconds: z
    .int()
    .min(apiLimits.commandExpirySecondsMin)
    .max(apiLimits.commandExpirySecondsMax)
    .default(24 * 3600),
});

/** `/v1/valve-campaigns`. */
export function campaignRoutes(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/valve-campaigns",
    {
      config: { permission: "valves.campaign" },
      schema: {
        tags: ["commands"],
        summary: "Wants many valves closed; nothing is ordered before a second person agrees",
        headers: idempotencyHeaders,
        body: requestSchema,
        response: { 202: campaignSchema },
      },
    },
    async (request, reply) => {
      const { meterIds, reason, expiresInSeconds } = request.body;
      const expiresInMs = expiresInSeconds * secondMs;
      const wanted = { kind: "campaign.request", meterIds, reason, expiresInMs } as const;
      const { campaign } = await ask(options, request, wanted, "campaign");
      reply.code(202).header("location", `/v1/valve-campaigns/${campaign.id}`);
      return publicCampaign(campaign);
    },
  );
  for (const act of ["approve", "stop"] as const) {
    app.post(
      `/v1/valve-campaigns/:id/${act}`,
      {
        config: { permission: "commands.approve" },
        schema: {
          tags: ["commands"],
          summary:
            act === "approve"
              ? "The second person's yes: the first stage is ordered"
              : "Ends it: nothing more is ordered, and what has not left is withdrawn",
          headers: idempotencyHeaders,
          params: ownIdParams,
          body: z.strictObject({ reason: reasonSchema }),
          response: { 200: campaignSchema },
        },
      },
      async (request) => {
        const { reason } = request.body;
        const wanted = { kind: `campaign.${act}`, campaignId: request.params.id, reason } as const;
        const { campaign } = await ask(options, request, wanted, "campaign");
        return publicCampaign(campaign);
      },
    );
  }
  readRoutes(app, options);
}

function readRoutes(app: Routes, { queries }: ApiOptions): void {
  app.get(
    "/v1/valve-campaigns",
    {
      config: { permission: "commands.read" },
      schema: {
        tags: ["commands"],
        summary: "Campaigns, the newest first",
        querystring: z.strictObject({ cursor: cursorQuery.optional(), limit: limitQuery }),
        response: { 200: pageOf(campaignSchema) },
      },
    },
    async (request) => {
      const { cursor = null, limit } = request.query;
      const { items, next } = await queries.campaigns(cursor, limit);
      return { items: items.map(publicCampaign), next };
    },
  );
  app.get(
    "/v1/valve-campaigns/:id",
    {
      config: { permission: "commands.read" },
      schema: {
        tags: ["commands"],
        summary: "One campaign with its stages and their commands",
        params: ownIdParams,
        response: { 200: campaignSchema },
      },
    },
    async (request) => {
      const campaign = await queries.campaign(request.params.id);
      if (campaign === null) {
        throw new ProblemError("not-found", `there is no campaign ${request.params.id}`);
      }
      return publicCampaign(campaign);
    },
  );
}

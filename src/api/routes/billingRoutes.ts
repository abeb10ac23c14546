/** What bills are made from: the register at an instant, the cut-off, and consumption. */
import type { BillingInstant } from "#domain/billing.ts";
import { dayMs } from "#domain/units.ts";
import { z } from "zod";
import {
  billingInstantQuery,
  consumptionCsv,
  consumptionCsvHeading,
  consumptionJson,
  consumptionSchema,
  registerCsv,
  registerCsvHeading,
  registerJson,
  registerSchema,
} from "../json/billing.ts";
import { areaSchema, cursorQuery, idParams, limitQuery, pageOf } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { knownMeter } from "./meterRoutes.ts";
import { answerRows } from "./answerRows.ts";
import { formats, mediaTypes, type Routes } from "./routes.ts";

const pagedQuery = {
  area: areaSchema.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
  format: z.enum(formats).optional(),
};
const cutOffQuery = z.strictObject({ at: billingInstantQuery.optional(), ...pagedQuery });
const period = { from: billingInstantQuery, to: billingInstantQuery };
const consumptionQuery = z.strictObject({ ...period, ...pagedQuery });

/** Registers and consumption. */
export function billingRoutes(app: Routes, options: ApiOptions): void {
  meterBillingRoutes(app, options);
  cutOffRoute(app, options);
  consumptionRoute(app, options);
}

function meterBillingRoutes(app: Routes, options: ApiOptions): void {
  const { billing, clock } = options;
  app.get(
    "/v1/meters/:id/register",
    {
      config: { permission: "registers.read" },
      schema: {
        tags: ["billing"],
        summary: "The register at an instant or at the start of a gas day, and how it was obtained",
        params: idParams,
        querystring: z.strictObject({ at: billingInstantQuery.optional() }),
        response: { 200: registerSchema },
      },
    },
    async (request) => {
      const { meter } = await knownMeter(options, request.params.id);
      const at = request.query.at ?? { atMs: clock.nowMs() };
      const row = await billing.billingRegister(meter.id, at);
      if (row === null) {
        throw new ProblemError("not-found", "there is no trusted reading at or before then");
      }
      return registerJson(row);
    },
  );
  app.get(
    "/v1/meters/:id/consumption",
    {
      config: { permission: "registers.read" },
      schema: {
        tags: ["billing"],
        summary: "What passed one meter in a period, as billing would be told",
        params: idParams,
        querystring: z.strictObject(period),
        response: { 200: consumptionSchema },
      },
    },
    async (request) => {
      const { from, to } = checkedPeriod(options, request.query);
      const { meter } = await knownMeter(options, request.params.id);
      const row = await billing.meterConsumption(meter.id, from, to);
      if (row === null) throw new ProblemError("not-found", `no meter ${meter.id}`);
      return consumptionJson(row);
    },
  );
}

function cutOffRoute(app: Routes, options: ApiOptions): void {
  const { billing, clock, limits } = options;
  app.get(
    "/v1/billing/registers",
    {
      handlerTimeout: limits.bulkHandlerTimeoutMs,
      config: { permission: "billing.read" },
      schema: {
        tags: ["billing"],
        summary:
          "The registers of all meters at an instant: JSON by page, NDJSON and CSV as one stream",
        querystring: cutOffQuery,
        produces: Object.values(mediaTypes),
        response: { 200: pageOf(registerSchema) },
      },
    },
    async (request, reply) => {
      const { area = null, ...asked } = request.query;
      const at = asked.at ?? { atMs: clock.nowMs() };
      return answerRows(request, reply, options, asked, {
        page: (after, rows) => billing.billingRegisters(at, area, after, rows),
        json: registerJson,
        csvHeading: registerCsvHeading,
        csv: registerCsv,
      });
    },
  );
}

function consumptionRoute(app: Routes, options: ApiOptions): void {
  const { billing, limits } = options;
  app.get(
    "/v1/billing/consumption",
    {
      handlerTimeout: limits.bulkHandlerTimeoutMs,
      config: { permission: "billing.read" },
      schema: {
        tags: ["billing"],
        summary:
          "What passed each meter in a period: JSON by page, NDJSON and CSV as one stream; every meter has a row",
        querystring: consumptionQuery,
        produces: Object.values(mediaTypes),
        response: { 200: pageOf(consumptionSchema) },
      },
    },
    async (request, reply) => {
      const { area = null, ...asked } = request.query;
      const { from, to } = checkedPeriod(options, asked);
      return answerRows(request, reply, options, asked, {
        page: (after, rows) => billing.consumption(from, to, area, after, rows),
        json: consumptionJson,
        csvHeading: consumptionCsvHeading,
        csv: consumptionCsv,
      });
    },
  );
}

/** Both ends of one kind, in order, and not too far apart. */
export function checkedPeriod(
  { limits }: ApiOptions,
  { from, to }: { readonly from: BillingInstant; readonly to: BillingInstant },
) {
  const isAlike = "atMs" in from === "atMs" in to;
  const lengthMs = nearMs(to) - nearMs(from);
  if (isAlike && lengthMs > 0 && lengthMs <= limits.readingsRangeMsMax) return { from, to };
  const detail = isAlike
    ? "must lie before `to`, at most 400 days"
    : "give `from` and `to` both as dates or both as instants";
  throw new ProblemError("invalid-request", "the period is empty, too long or of two kinds", {
    errors: [{ in: "query", pointer: "/from", detail }],
  });
}

/** Good enough to tell an empty period; where a gas day begins depends on the area. */
function nearMs(when: BillingInstant): number {
  return "atMs" in when ? when.atMs : when.day * dayMs;
}

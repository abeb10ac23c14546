/** What persons say of a meter's registers: it was exchanged, or a register at an instant is another one. */
import { z } from "zod";
import { ask } from "../ask.ts";
import { billingInstantQuery } from "../json/billing.ts";
import { areaSchema, cursorQuery, idParams, limitQuery, pageOf } from "../json/common.ts";
import { meterChange } from "../json/meter.ts";
import {
  conflictJson,
  conflictSchema,
  decisionBody,
  decisionJson,
  exchangeBody,
  exchangeJson,
  checksJson,
  checksSchema,
  conversionBody,
  conversionOf,
  gapJson,
  meterConversionJson,
  registerRecordSchema,
} from "../json/register.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { checkedPeriod } from "./billingRoutes.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const conflictQuery = z.strictObject({
  area: areaSchema.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
});

/** Exchanges, decisions and open conflicts. */
export function registerRoutes(app: Routes, options: ApiOptions): void {
  recordRoute(app, options);
  exchangeRoute(app, options);
  decisionRoute(app, options);
  conversionRoute(app, options);
  checksRoute(app, options);
  conflictRoute(app, options);
}

async function recordOf({ billing }: ApiOptions, meterId: string) {
  const record = await billing.registerRecord(meterId);
  if (record === null) throw new ProblemError("not-found", `no meter ${meterId}`);
  const gaps = (await billing.gaps(meterId)) ?? [];
  return {
    gaps: gaps.map(gapJson),
    conversions: record.conversions.map(meterConversionJson),
    exchanges: record.exchanges.map(exchangeJson),
    decisions: record.decisions.map(decisionJson),
  };
}

function recordRoute(app: Routes, options: ApiOptions): void {
  app.get(
    "/v1/meters/:id/register-record",
    {
      config: { permission: "registers.read" },
      schema: {
        tags: ["billing"],
        summary: "Exchanges of a meter and decisions about its registers, with reasons",
        params: idParams,
        response: { 200: registerRecordSchema },
      },
    },
    async (request) => recordOf(options, request.params.id),
  );
}

function exchangeRoute(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/meters/:id/exchange",
    {
      config: { permission: "meters.write" },
      schema: {
        tags: ["billing"],
        summary:
          "Another meter hangs there: closing register of the former, opening register of the new one",
        headers: idempotencyHeaders,
        params: idParams,
        body: exchangeBody,
        response: { 201: registerRecordSchema },
      },
    },
    async (request, reply) => {
      const { at, closingM3, openingM3, change, ...rest } = request.body;
      const meterId = request.params.id;
      const wanted = {
        kind: "meter.exchange",
        meterId,
        atMs: at,
        closingMl: closingM3,
        openingMl: openingM3,
        change: meterChange(change),
        ...rest,
      } as const;
      await ask(options, request, wanted, "meter");
      reply.code(201);
      return recordOf(options, meterId);
    },
  );
}

function decisionRoute(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/meters/:id/register-decisions",
    {
      config: { permission: "registers.decide" },
      schema: {
        tags: ["billing"],
        summary:
          "A register at an instant as a person says it: `validated` one of those that were read, or `edited`",
        headers: idempotencyHeaders,
        params: idParams,
        body: decisionBody,
        response: { 201: registerRecordSchema },
      },
    },
    async (request, reply) => {
      const { measuredAt, volumeM3, decision, reason } = request.body;
      const meterId = request.params.id;
      const instant = { measuredAtMs: measuredAt, indexMl: volumeM3 };
      const wanted = { kind: "register.decide", meterId, ...instant, decision, reason } as const;
      await ask(options, request, wanted, "done");
      reply.code(201);
      return recordOf(options, meterId);
    },
  );
}

function conversionRoute(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/meters/:id/conversions",
    {
      config: { permission: "meters.write" },
      schema: {
        tags: ["billing"],
        summary: "What the meter's volume is converted to base conditions by, from an instant on",
        headers: idempotencyHeaders,
        params: idParams,
        body: conversionBody,
        response: { 201: registerRecordSchema },
      },
    },
    async (request, reply) => {
      const meterId = request.params.id;
      const { reason } = request.body;
      const conversion = conversionOf(request.body);
      const wanted = { kind: "conversion.put", meterId, conversion, reason } as const;
      await ask(options, request, wanted, "done");
      reply.code(201);
      return recordOf(options, meterId);
    },
  );
}

function checksRoute(app: Routes, options: ApiOptions): void {
  app.get(
    "/v1/meters/:id/checks",
    {
      config: { permission: "registers.read" },
      schema: {
        tags: ["billing"],
        summary: "What the checks found in a period, by name and instant, and what became of it",
        params: idParams,
        querystring: z.strictObject({ from: billingInstantQuery, to: billingInstantQuery }),
        response: { 200: checksSchema },
      },
    },
    async (request) => {
      const { from, to } = checkedPeriod(options, request.query);
      const findings = await options.billing.checks(request.params.id, from, to);
      if (findings === null) throw new ProblemError("not-found", `no meter ${request.params.id}`);
      return checksJson(findings);
    },
  );
}

function conflictRoute(app: Routes, { billing }: ApiOptions): void {
  app.get(
    "/v1/billing/conflicts",
    {
      config: { permission: "billing.read" },
      schema: {
        tags: ["billing"],
        summary: "Instants with different registers that no person has settled, the oldest first",
        querystring: conflictQuery,
        response: { 200: pageOf(conflictSchema) },
      },
    },
    async (request) => {
      const { area = null, cursor = null, limit } = request.query;
      const { items, next } = await billing.conflicts(area, cursor, limit);
      return { items: items.map(conflictJson), next };
    },
  );
}

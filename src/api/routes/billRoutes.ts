/** Bills: freezing what they are made with, what was frozen, and what better data changes them by. */
import type { Determinant } from "#domain/billing.ts";
import type { Page } from "#ports/queries.ts";
import { z } from "zod";
import { ask } from "../ask.ts";
import {
  adjustAnswer,
  adjustAnswerSchema,
  freezeAnswer,
  freezeAnswerSchema,
  frozenCsv,
  frozenCsvHeading,
  frozenJson,
  frozenSchema,
} from "../json/bill.ts";
import { billingInstantQuery } from "../json/billing.ts";
import {
  areaSchema,
  cursorQuery,
  idSchema,
  limitQuery,
  pageOf,
  reasonSchema,
} from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { answerRows } from "./answerRows.ts";
import { checkedPeriod } from "./billingRoutes.ts";
import { allPages, formats, mediaTypes, type Routes } from "./routes.ts";

/** As the billing system calls its run or bill. */
const billParams = z.strictObject({ bill: z.string().regex(/^[0-9A-Za-z._-]{1,64}$/) });

const freezeBody = z.strictObject({
  from: billingInstantQuery,
  to: billingInstantQuery,
  area: areaSchema.optional(),
  /** Only these; with `acceptReview`, what is for review is frozen too, for a person has looked at it. */
  meterIds: z.array(idSchema).min(1).max(1_000).optional(),
  acceptReview: z.boolean().default(false),
  reason: reasonSchema,
});

const adjustBody = z.strictObject({
  acceptReview: z.boolean().default(false),
  reason: reasonSchema,
});

const frozenQuery = z.strictObject({
  cursor: cursorQuery.optional(),
  limit: limitQuery,
  format: z.enum(formats).optional(),
});

/** Frozen determinants and their adjustments. */
export function billRoutes(app: Routes, options: ApiOptions): void {
  freezeRoute(app, options);
  frozenRoute(app, options);
  adjustRoute(app, options);
}

type Pages = (cursor: string | null, rows: number) => Promise<Page<Determinant>>;

function freezeRoute(app: Routes, options: ApiOptions): void {
  const { billing, limits } = options;
  app.post(
    "/v1/billing/bills/:bill/determinants",
    {
      handlerTimeout: limits.bulkHandlerTimeoutMs,
      config: { permission: "billing.write" },
      schema: {
        tags: ["billing"],
        summary: "Freezes what a bill is made with; asked again, it goes on where it stopped",
        params: billParams,
        body: freezeBody,
        response: { 200: freezeAnswerSchema },
      },
    },
    async (request) => {
      const { area = null, meterIds, acceptReview, reason } = request.body;
      const { from, to } = checkedPeriod(options, request.body);
      if (acceptReview && meterIds === undefined) {
        const detail = "name the meters that a person has looked at";
        throw new ProblemError("invalid-request", detail, {
          errors: [{ in: "body", pointer: "/meterIds", detail }],
        });
      }
      const { bill } = request.params;
      const all: Pages = (cursor, rows) => billing.consumption(from, to, area, cursor, rows);
      const some: Pages = async () => {
        const found = await Promise.all(
          (meterIds ?? []).map((id) => billing.meterConsumption(id, from, to)),
        );
        return { items: found.filter((row) => row !== null), next: null };
      };
      const wanted = { kind: "billing.freeze", bill, acceptReview, reason } as const;
      const rows = await eachPage(options, meterIds === undefined ? all : some, async (page) => {
        const answer = await ask(options, request, { ...wanted, rows: page }, "frozen", {
          mayReplay: false,
        });
        return answer.rows;
      });
      return freezeAnswer(bill, rows);
    },
  );
}

/** One page after the other through the engine; what is kept of each row is its outcome. */
async function eachPage<Outcome>(
  { limits }: ApiOptions,
  pages: Pages,
  act: (rows: readonly Determinant[]) => Promise<readonly Outcome[]>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const rows of allPages((cursor) => pages(cursor, limits.billingRowsPerLook))) {
    if (rows.length > 0) outcomes.push(...(await act(rows)));
  }
  return outcomes;
}

function frozenRoute(app: Routes, options: ApiOptions): void {
  const { billing } = options;
  app.get(
    "/v1/billing/bills/:bill/determinants",
    {
      handlerTimeout: options.limits.bulkHandlerTimeoutMs,
      config: { permission: "billing.read" },
      schema: {
        tags: ["billing"],
        summary:
          "What a bill was made with, and its adjustments: JSON by page, NDJSON and CSV as one stream",
        params: billParams,
        querystring: frozenQuery,
        produces: Object.values(mediaTypes),
        response: { 200: pageOf(frozenSchema) },
      },
    },
    async (request, reply) => {
      const { bill } = request.params;
      return answerRows(request, reply, options, request.query, {
        page: (after, rows) => billing.frozen(bill, after, rows),
        json: frozenJson,
        csvHeading: frozenCsvHeading,
        csv: frozenCsv,
      });
    },
  );
}

function adjustRoute(app: Routes, options: ApiOptions): void {
  const { billing, limits } = options;
  app.post(
    "/v1/billing/bills/:bill/adjustments",
    {
      handlerTimeout: limits.bulkHandlerTimeoutMs,
      config: { permission: "billing.write" },
      schema: {
        tags: ["billing"],
        summary: "Holds a bill against what is known now; differences become adjustments beside it",
        params: billParams,
        body: adjustBody,
        response: { 200: adjustAnswerSchema },
      },
    },
    async (request) => {
      const { bill } = request.params;
      const pages: Pages = (cursor, rows) => billing.refreshed(bill, cursor, rows);
      const wanted = { kind: "billing.adjust", bill, ...request.body } as const;
      const rows = await eachPage(options, pages, async (page) => {
        const answer = await ask(options, request, { ...wanted, rows: page }, "adjusted", {
          mayReplay: false,
        });
        return answer.rows;
      });
      if (rows.length === 0)
        throw new ProblemError("not-found", `nothing is frozen for bill ${bill}`);
      return adjustAnswer(bill, rows);
    },
  );
}

/** A rule document tried on the past: what it would have told, beside what was told. Changes nothing. */
import type { BackTestReport } from "#domain/backTest.ts";
import { formatInstant } from "#domain/units.ts";
import { z } from "zod";
import { instantJson } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { readRuleDocument } from "./ruleRoutes.ts";
import type { Routes } from "./routes.ts";

const countSchema = z.object({ occurrences: z.number(), meters: z.number() });
const exampleSchema = z.object({
  meterId: z.string(),
  raisedAt: instantJson,
  returnedAt: instantJson.nullable(),
  level: z.number(),
});
const loudnessSchema = z.object({
  rang: z.number(),
  perDay: z.number(),
  peakIn10Minutes: z.number(),
  floodShare: z.number(),
  byPriority: z.object({ 1: z.number(), 2: z.number(), 3: z.number(), 4: z.number() }),
  top: z
    .array(z.object({ meterId: z.string().nullable(), rule: z.string(), rang: z.number() }))
    .readonly(),
});

const reportSchema = z.object({
  version: z.string().nullable(),
  from: instantJson,
  to: instantJson,
  meters: z.number(),
  readings: z.number(),
  rules: z.array(
    z.object({
      rule: z.string(),
      candidate: countSchema,
      happened: countSchema,
      added: z.number(),
      gone: z.number(),
      moved: z.number(),
      addedExamples: z.array(exampleSchema),
      goneExamples: z.array(exampleSchema),
    }),
  ),
  candidate: loudnessSchema,
  happened: loudnessSchema,
  closes: z.object({
    ordered: z.number(),
    heldByBreaker: z.number(),
    proposed: z.number(),
    meters: z.number(),
  }),
  closesHappened: z.record(z.string(), z.number()),
});

function reportJson(report: BackTestReport): z.infer<typeof reportSchema> {
  const { fromMs, toMs, rules, ...same } = report;
  const examples = (all: BackTestReport["rules"][number]["addedExamples"]) =>
    all.map(({ meterId, raisedAtMs, returnedAtMs, level }) => ({
      ...{ meterId, level, raisedAt: formatInstant(raisedAtMs) },
      returnedAt: returnedAtMs === null ? null : formatInstant(returnedAtMs),
    }));
  return {
    ...same,
    ...{ from: formatInstant(fromMs), to: formatInstant(toMs) },
    rules: rules.map(({ addedExamples, goneExamples, ...counts }) => ({
      ...counts,
      addedExamples: examples(addedExamples),
      goneExamples: examples(goneExamples),
    })),
  };
}

/** `/v1/rules/test`. */
export function backTestRoutes(app: Routes, options: ApiOptions): void {
  const { limits, ruleBook } = options;
  app.post(
    "/v1/rules/test",
    {
      config: { permission: "rules.write" },
      bodyLimit: limits.ruleDocumentBytesMax,
      handlerTimeout: limits.bulkHandlerTimeoutMs,
      schema: {
        tags: ["rules"],
        summary: "What this document would have told over the last days, beside what was told",
        body: z.strictObject({
          yaml: z.string().min(1).max(limits.ruleDocumentBytesMax),
          days: z.int().min(1).max(limits.backTestDaysMax).default(30),
        }),
        response: { 200: reportSchema },
      },
    },
    async ({ body: { yaml, days } }) => {
      const report = await ruleBook.test(readRuleDocument(options, yaml), days);
      if (report !== null) return reportJson(report);
      throw new ProblemError("overloaded", "a back-test is running; try again when it is over");
    },
  );
}

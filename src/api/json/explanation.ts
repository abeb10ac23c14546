/** Why an alarm was raised: each occurrence with its rule, the values in force, and the readings that prove it. */
import type { RuleInForce } from "#domain/ruleChanges.ts";
import type { RuleRecord } from "#domain/ruleDocument.ts";
import type { StoredReading } from "#domain/reading.ts";
import { formatInstant } from "#domain/units.ts";
import type { AlarmView, OccurrenceView } from "#ports/queries.ts";
import { z } from "zod";
import type { DescribeAlarm } from "./alarm.ts";
import { instantJson } from "./common.ts";
import { readingJson, readingSchema } from "./reading.ts";

/** A value of a rule, as documents set it. */
export const ruleValueSchema = z
  .union([z.number(), z.boolean(), z.string(), z.array(z.string()).readonly()])
  .nullable();
const valuesSchema = z.record(z.string(), ruleValueSchema);

export const occurrenceSchema = z.object({
  raisedAt: instantJson,
  returnedAt: instantJson.nullable(),
  level: z.number(),
  /** Made from late data: it never rang. */
  historical: z.boolean(),
  /** Later readings showed that it never was. */
  withdrawnAt: instantJson.nullable(),
  message: z.object({ en: z.string(), zh: z.string() }),
  proof: z.record(z.string(), z.union([z.number(), z.string()])),
  rule: z.object({
    id: z.string(),
    version: z.number(),
    source: z.string(),
    latching: z.boolean(),
    thresholds: valuesSchema,
    deadBand: valuesSchema,
    priority: z.number(),
    gravePriority: z.number(),
    onDelayMinutes: z.number(),
    offDelayMinutes: z.number(),
    asksForClose: z.boolean(),
    floor: z.object({ flowMlPerHour: z.number(), withinMs: z.number() }).nullable(),
  }),
  /** The document that was in force; null: the factory's rules. */
  document: z
    .object({ no: z.number(), version: z.string(), hash: z.string(), inForceAt: instantJson })
    .nullable(),
  /** Up to the raise; `uplinkSeq` leads to the raw bytes. */
  readings: z.array(readingSchema),
  /** Where the bytes of those readings are: `GET /v1/uplinks?after={seq - 1}&limit=1`. */
  uplinks: z.array(z.number()),
});

export interface Explained {
  readonly occurrence: OccurrenceView;
  readonly inForce: RuleInForce;
  readonly record: RuleRecord | null;
  readonly readings: readonly StoredReading[];
}

export function occurrenceJson(
  { alarm, meter }: AlarmView,
  explained: Explained,
  describe: DescribeAlarm,
): z.infer<typeof occurrenceSchema> {
  const { occurrence, inForce, record, readings } = explained;
  const { rule, level, proof, raisedAtMs, returnedAtMs, retractedAtMs } = occurrence;
  const meterId = meter?.id ?? "";
  const withdrawn = retractedAtMs === null ? {} : { withdrawnAtMs: retractedAtMs };
  const historical = alarm.historical || retractedAtMs !== null;
  const told = { ...alarm, level, historical, proof: { ...proof, ...withdrawn } };
  const document = record?.document ?? null;
  return {
    raisedAt: formatInstant(raisedAtMs),
    returnedAt: returnedAtMs === null ? null : formatInstant(returnedAtMs),
    withdrawnAt: retractedAtMs === null ? null : formatInstant(retractedAtMs),
    ...{ level, historical, proof },
    message: describe(told, meter?.id ?? null),
    rule: { id: rule, ...inForce },
    document:
      record === null || document === null
        ? null
        : {
            ...{ no: record.no, version: document.version, hash: document.hash },
            inForceAt: formatInstant(record.inForceAtMs),
          },
    readings: readings.map((reading) => readingJson(meterId, reading)),
    uplinks: [...new Set(readings.map(({ uplinkSeq }) => uplinkSeq))],
  };
}

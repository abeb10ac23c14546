/** What persons say of registers, as JSON: exchanges, decisions, and what is still in dispute. */
import {
  gapStates,
  type MeterExchange,
  type RegisterDecision,
  type RegisterGap,
} from "#domain/billing.ts";
import { qualities } from "#domain/reading.ts";
import { formatInstant, formatM3 } from "#domain/units.ts";
import type { ShownConflict } from "#ports/billingQueries.ts";
import { z } from "zod";
import { decimalJson, instantJson, instantQuery, reasonSchema, text } from "./common.ts";
import { meterChangeFields } from "./meter.ts";

const mlPerM3 = 1_000_000n;

/** Cubic metres as an exact decimal string; more than nine digits before the point no register has. */
const m3 = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, 'must be cubic metres as a decimal string, such as "1234.567"')
  .transform((value) => {
    const [whole = "0", fraction = ""] = value.split(".");
    return Number(BigInt(whole) * mlPerM3 + BigInt(fraction.padEnd(6, "0")));
  });

const serial = text(64).nullable().default(null);

export const exchangeBody = z.strictObject({
  at: instantQuery,
  closingM3: m3,
  openingM3: m3,
  formerSerial: serial,
  serial,
  /** What is different about the new meter. */
  change: meterChangeFields.default({}),
  reason: reasonSchema,
});

export const decisionBody = z.strictObject({
  measuredAt: instantQuery,
  volumeM3: m3,
  decision: z.enum(["validated", "edited"]),
  reason: reasonSchema,
});

export const exchangeSchema = z.object({
  at: instantJson,
  closingM3: decimalJson,
  openingM3: decimalJson,
  formerSerial: z.string().nullable(),
  serial: z.string().nullable(),
  reason: z.string(),
  by: z.string(),
  enteredAt: instantJson,
});

export const decisionSchema = z.object({
  measuredAt: instantJson,
  volumeM3: decimalJson,
  decision: z.enum(["validated", "edited"]),
  reason: z.string(),
  by: z.string(),
  enteredAt: instantJson,
});

export const gapSchema = z.object({
  at: instantJson,
  state: z.enum(gapStates),
  attempts: z.number(),
  commandId: z.string().nullable(),
  detail: z.string().nullable(),
  openedAt: instantJson,
  settledAt: instantJson.nullable(),
});

export function gapJson(gap: RegisterGap): z.infer<typeof gapSchema> {
  const { atMs, state, attempts, commandId, detail, openedAtMs, settledAtMs } = gap;
  return {
    at: formatInstant(atMs),
    state,
    attempts,
    commandId,
    detail,
    openedAt: formatInstant(openedAtMs),
    settledAt: settledAtMs === null ? null : formatInstant(settledAtMs),
  };
}

export const registerRecordSchema = z.object({
  /** Registers at gas-day boundaries that nobody read, and what the meter's memory said. */
  gaps: z.array(gapSchema),
  exchanges: z.array(exchangeSchema),
  decisions: z.array(decisionSchema),
});

export const conflictSchema = z.object({
  meterId: z.string(),
  area: z.string(),
  measuredAt: instantJson,
  foundAt: instantJson,
  versions: z.array(
    z.object({
      volumeM3: decimalJson.nullable(),
      quality: z.enum(qualities),
      receivedAt: instantJson,
      uplinkSeq: z.number(),
    }),
  ),
});

export function exchangeJson(exchange: MeterExchange): z.infer<typeof exchangeSchema> {
  const { atMs, closingMl, openingMl, formerSerial, serial, reason, by, enteredAtMs } = exchange;
  return {
    at: formatInstant(atMs),
    closingM3: formatM3(closingMl),
    openingM3: formatM3(openingMl),
    formerSerial,
    serial,
    reason,
    by,
    enteredAt: formatInstant(enteredAtMs),
  };
}

export function decisionJson(decision: RegisterDecision): z.infer<typeof decisionSchema> {
  const { measuredAtMs, indexMl, kind, reason, by, enteredAtMs } = decision;
  return {
    measuredAt: formatInstant(measuredAtMs),
    volumeM3: formatM3(indexMl),
    decision: kind,
    reason,
    by,
    enteredAt: formatInstant(enteredAtMs),
  };
}

export function conflictJson(row: ShownConflict): z.infer<typeof conflictSchema> {
  return {
    meterId: row.meterId,
    area: row.area,
    measuredAt: formatInstant(row.measuredAtMs),
    foundAt: formatInstant(row.foundAtMs),
    versions: row.versions.map(({ indexMl, quality, receivedAtMs, uplinkSeq }) => ({
      volumeM3: indexMl === null ? null : formatM3(indexMl),
      quality,
      receivedAt: formatInstant(receivedAtMs),
      uplinkSeq,
    })),
  };
}

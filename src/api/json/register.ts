/** What persons say of registers, as JSON: exchanges, decisions, and what is still in dispute. */
import {
  billingFlags,
  gapStates,
  type BillingFlag,
  type MeterConversion,
  type MeterExchange,
  type RegisterDecision,
  type RegisterGap,
} from "#domain/billing.ts";
import { qualities } from "#domain/reading.ts";
import { formatInstant, formatM3 } from "#domain/units.ts";
import type { CheckFinding, ShownConflict } from "#ports/billingQueries.ts";
import { z } from "zod";
import { conversionJson, conversionSchema } from "./billing.ts";
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

const wholeOf = (factor: number, least: number, most: number) =>
  z
    .string()
    .regex(/^-?\d{1,6}(\.\d{1,6})?$/, "must be a decimal string")
    .transform((value) => Math.round(Number(value) * factor))
    .pipe(z.int().min(least).max(most));

const centiK = z
  .string()
  .regex(/^-?\d{1,3}(\.\d{1,2})?$/, "must be degrees Celsius with at most two decimals")
  .transform((value) => Math.round(Number(value) * 100) + 27_315)
  .pipe(z.int().min(20_000).max(40_000));
/** 1 kPa to 20 MPa. */
const pascal = wholeOf(1_000, 1_000, 20_000_000);

export const conversionBody = z.strictObject({
  from: instantQuery,
  gasPressureKpa: pascal,
  gasTemperatureC: centiK,
  /** Chinese practice; others are usual elsewhere, so they are shown with every value. */
  basePressureKpa: pascal.prefault("101.325"),
  baseTemperatureC: centiK.prefault("20"),
  compressibilityRatio: wholeOf(1_000_000, 500_000, 2_000_000).prefault("1"),
  method: text(64).default("fixed"),
  reason: reasonSchema,
});

/** The conversion of a checked body. */
export function conversionOf(body: z.output<typeof conversionBody>) {
  return {
    fromMs: body.from,
    gasPressurePa: body.gasPressureKpa,
    gasTemperatureCentiK: body.gasTemperatureC,
    basePressurePa: body.basePressureKpa,
    baseTemperatureCentiK: body.baseTemperatureC,
    compressibilityMillionths: body.compressibilityRatio,
    method: body.method,
  };
}

const meterConversionSchema = conversionSchema.extend({
  from: instantJson,
  reason: z.string(),
  by: z.string(),
  enteredAt: instantJson,
});

export function meterConversionJson(row: MeterConversion): z.infer<typeof meterConversionSchema> {
  const { fromMs, reason, by, enteredAtMs } = row;
  const enteredAt = formatInstant(enteredAtMs);
  return { from: formatInstant(fromMs), ...conversionJson(row), reason, by, enteredAt };
}

/** What a check did about the register that it is about. */
const verdicts: Partial<Readonly<Record<BillingFlag, string>>> = {
  capacity: "left-out",
  "register-back": "left-out",
  "register-zero": "left-out",
  resync: "left-out",
  negative: "left-out",
  "other-meter": "left-out",
  conflict: "in-dispute",
  rollover: "noted",
  exchange: "noted",
  edited: "noted",
  gap: "noted",
};

export const checksSchema = z.object({
  items: z.array(
    z.object({
      check: z.enum(billingFlags),
      at: instantJson,
      verdict: z.enum(["left-out", "in-dispute", "noted", "suspect"]),
    }),
  ),
});

export function checksJson(findings: readonly CheckFinding[]): z.infer<typeof checksSchema> {
  const items = findings.map(({ check, atMs }) => {
    const verdict = (verdicts[check] ?? "suspect") as "suspect";
    return { check, at: formatInstant(atMs), verdict };
  });
  return { items };
}

export const registerRecordSchema = z.object({
  conversions: z.array(meterConversionSchema),
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

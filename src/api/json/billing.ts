/** Registers at instants and consumption as JSON and CSV; volumes are exact decimal strings. */
import {
  billingFlags,
  estimateMethods,
  registerMethods,
  type BaseVolume,
  type BillingInstant,
  type Conversion,
  type Determinant,
  type InstantRegister,
} from "#domain/billing.ts";
import { dayOfDate } from "#domain/gasDate.ts";
import { qualities } from "#domain/reading.ts";
import { formatInstant, formatM3 } from "#domain/units.ts";
import type { MeterRegister } from "#ports/billingQueries.ts";
import { z } from "zod";
import { csvLine } from "../csv.ts";
import { decimalJson, instantJson } from "./common.ts";

const instant = z.iso.datetime({ offset: true });

/** RFC 3339 with offset, or the date of a gas day: the instant at which that day begins in the meter's area. */
export const billingInstantQuery = z.string().transform((value, context): BillingInstant => {
  const day = dayOfDate(value);
  if (day !== undefined) return { day };
  const parsed = instant.safeParse(value);
  if (parsed.success) return { atMs: Date.parse(parsed.data) };
  const message =
    "must be a date such as 2026-11-01 (the gas day that begins on it) or RFC 3339 with an offset; " +
    "write + as %2B in an address";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

const betweenSchema = z.object({
  from: instantJson,
  to: instantJson,
  fromVolumeM3: decimalJson,
  toVolumeM3: decimalJson,
  consumedM3: decimalJson,
  by: z.enum(estimateMethods),
  weeks: z.number(),
});

const registerShape = {
  at: instantJson,
  volumeM3: decimalJson,
  quality: z.enum(qualities),
  method: z.enum(registerMethods),
  /** When the reading behind it was measured; of an estimate, the one before the gap. */
  measuredAt: instantJson,
  /** The two registers that it lies between, and how the value was found; null: it was read. */
  between: betweenSchema.nullable(),
};

export const registerSchema = z.object({ meterId: z.string(), ...registerShape });
const endSchema = z.object(registerShape);

const segmentSchema = z.object({
  from: instantJson,
  to: instantJson,
  openingM3: decimalJson,
  closingM3: decimalJson,
  volumeM3: decimalJson,
  rollovers: z.number(),
  serial: z.string().nullable(),
});

const conversionShape = {
  gasPressureKpa: decimalJson,
  gasTemperatureC: decimalJson,
  basePressureKpa: decimalJson,
  baseTemperatureC: decimalJson,
  compressibilityRatio: decimalJson,
  method: z.string(),
};
export const conversionSchema = z.object(conversionShape);

const baseSchema = z.object({
  /** null: for a part of the period there is no conversion. */
  volumeM3: decimalJson.nullable(),
  parts: z.array(
    z.object({
      from: instantJson,
      to: instantJson,
      rawM3: decimalJson,
      volumeM3: decimalJson,
      factor: decimalJson,
      ...conversionShape,
    }),
  ),
});

export const consumptionSchema = z.object({
  meterId: z.string(),
  area: z.string(),
  from: instantJson,
  to: instantJson,
  opening: endSchema.nullable(),
  closing: endSchema.nullable(),
  volumeM3: decimalJson.nullable(),
  segments: z.array(segmentSchema),
  /** At base conditions, never mixed with `volumeM3`; null: this meter's volume is not converted. */
  base: baseSchema.nullable(),
  quality: z.enum(qualities),
  /** Of the period, 0 to 1. */
  estimatedShare: decimalJson,
  openConflicts: z.number(),
  flags: z.array(z.enum(billingFlags)),
  /** `review`: a person should look before it is billed; the flags say at what. */
  standing: z.enum(["ready", "review"]),
  hash: z.string(),
});

/** A register for a reader. */
export function registerJson({ meterId, register }: MeterRegister): z.infer<typeof registerSchema> {
  return { meterId, ...endJson(register) };
}

function endJson(register: InstantRegister): z.infer<typeof endSchema> {
  const { atMs, indexMl, quality, method, measuredAtMs, inputs } = register;
  const between =
    inputs === null
      ? null
      : {
          from: formatInstant(inputs.fromMs),
          to: formatInstant(inputs.toMs),
          fromVolumeM3: formatM3(inputs.fromIndexMl),
          toVolumeM3: formatM3(inputs.toIndexMl),
          consumedM3: formatM3(inputs.passedMl),
          by: inputs.by,
          weeks: inputs.weeks,
        };
  return {
    at: formatInstant(atMs),
    volumeM3: formatM3(indexMl),
    quality,
    method,
    measuredAt: formatInstant(measuredAtMs),
    between,
  };
}

/** A determinant for a reader. */
export function consumptionJson(row: Determinant): z.infer<typeof consumptionSchema> {
  const { meterId, area, opening, closing, volumeMl, quality, openConflicts } = row;
  return {
    meterId,
    area,
    from: formatInstant(row.fromMs),
    to: formatInstant(row.toMs),
    opening: opening === null ? null : endJson(opening),
    closing: closing === null ? null : endJson(closing),
    volumeM3: volumeMl === null ? null : formatM3(volumeMl),
    segments: row.segments.map((part) => ({
      from: formatInstant(part.fromMs),
      to: formatInstant(part.toMs),
      openingM3: formatM3(part.openingMl),
      closingM3: formatM3(part.closingMl),
      volumeM3: formatM3(part.volumeMl),
      rollovers: part.rollovers,
      serial: part.serial,
    })),
    base: row.base === null ? null : baseJson(row.base),
    quality,
    estimatedShare: (row.estimatedMillionths / 1_000_000).toFixed(6),
    openConflicts,
    flags: [...row.flags],
    standing: row.standing,
    hash: row.hash,
  };
}

const zeroCelsiusCentiK = 27_315;

/** A conversion for a reader: kPa absolute, °C. */
export function conversionJson(conversion: Conversion): z.infer<typeof conversionSchema> {
  const { gasPressurePa, gasTemperatureCentiK, basePressurePa } = conversion;
  const { baseTemperatureCentiK, compressibilityMillionths, method } = conversion;
  const celsius = (centiK: number) => ((centiK - zeroCelsiusCentiK) / 100).toFixed(2);
  return {
    gasPressureKpa: (gasPressurePa / 1_000).toFixed(3),
    gasTemperatureC: celsius(gasTemperatureCentiK),
    basePressureKpa: (basePressurePa / 1_000).toFixed(3),
    baseTemperatureC: celsius(baseTemperatureCentiK),
    compressibilityRatio: (compressibilityMillionths / 1_000_000).toFixed(6),
    method,
  };
}

function baseJson({ volumeMl, parts }: BaseVolume): z.infer<typeof baseSchema> {
  return {
    volumeM3: volumeMl === null ? null : formatM3(volumeMl),
    parts: parts.map(({ fromMs, toMs, rawMl, volumeMl, factorMillionths, conversion }) => ({
      from: formatInstant(fromMs),
      to: formatInstant(toMs),
      rawM3: formatM3(rawMl),
      volumeM3: formatM3(volumeMl),
      factor: (factorMillionths / 1_000_000).toFixed(6),
      ...conversionJson(conversion),
    })),
  };
}

export const registerCsvHeading = csvLine([
  "meterId",
  "at",
  "volumeM3",
  "quality",
  "method",
  "measuredAt",
]);

export function registerCsv(row: MeterRegister): string {
  const { meterId, at, volumeM3, quality, method, measuredAt } = registerJson(row);
  return csvLine([meterId, at, volumeM3, quality, method, measuredAt]);
}

const endColumns = ["M3", "Quality", "Method", "MeasuredAt"];

export const consumptionCsvNames = [
  "meterId",
  "area",
  "from",
  "to",
  ...endColumns.map((name) => `opening${name}`),
  ...endColumns.map((name) => `closing${name}`),
  "volumeM3",
  "baseVolumeM3",
  "quality",
  "estimatedShare",
  "openConflicts",
  "segments",
  "flags",
  "standing",
  "hash",
];

export const consumptionCsvHeading = csvLine(consumptionCsvNames);

/** The cells of one meter; the registers of its segments are in JSON and NDJSON. */
export function consumptionCsvCells(row: Determinant) {
  const json = consumptionJson(row);
  const ends = [json.opening, json.closing].flatMap((end) =>
    end === null
      ? [null, null, null, null]
      : [end.volumeM3, end.quality, end.method, end.measuredAt],
  );
  return [
    json.meterId,
    json.area,
    json.from,
    json.to,
    ...ends,
    json.volumeM3,
    json.base?.volumeM3 ?? null,
    json.quality,
    json.estimatedShare,
    json.openConflicts,
    json.segments.length,
    json.flags.join(" "),
    json.standing,
    json.hash,
  ];
}

export function consumptionCsv(row: Determinant): string {
  return csvLine(consumptionCsvCells(row));
}

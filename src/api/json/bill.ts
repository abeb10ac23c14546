/** Bills as JSON and CSV: what was frozen, its adjustments, and what became of each meter's row. */
import {
  billingFlags,
  freezeOutcomes,
  type AdjustOutcome,
  type FreezeOutcome,
  type FrozenDeterminant,
} from "#domain/billing.ts";
import { formatInstant, formatM3 } from "#domain/units.ts";
import { z } from "zod";
import { csvLine } from "../csv.ts";
import {
  consumptionCsvCells,
  consumptionCsvNames,
  consumptionJson,
  consumptionSchema,
} from "./billing.ts";
import { decimalJson, instantJson } from "./common.ts";

/** Rows that need a person, in the answer itself; all of them are counted. */
const shownRowsMax = 1_000;

export const frozenSchema = consumptionSchema.extend({
  bill: z.string(),
  frozenAt: instantJson,
  frozenBy: z.string(),
  adjustments: z.array(
    z.object({
      volumeM3: decimalJson,
      /** Of the volume at base conditions; null: not converted. */
      baseVolumeM3: decimalJson.nullable(),
      hash: z.string(),
      reason: z.string(),
      by: z.string(),
      at: instantJson,
    }),
  ),
  /** Volume and adjustments together. */
  adjustedVolumeM3: decimalJson.nullable(),
  /** At base conditions; null: not converted. */
  adjustedBaseVolumeM3: decimalJson.nullable(),
});

const counts = z.record(z.string(), z.number());

export const freezeAnswerSchema = z.object({
  bill: z.string(),
  counts,
  /** What was not frozen, and why: the first thousand. */
  items: z.array(
    z.object({
      meterId: z.string(),
      outcome: z.enum(freezeOutcomes),
      flags: z.array(z.enum(billingFlags)),
      otherBill: z.string().nullable(),
    }),
  ),
});

export const adjustAnswerSchema = z.object({
  bill: z.string(),
  counts,
  /** What has changed: the first thousand. */
  items: z.array(
    z.object({
      meterId: z.string(),
      outcome: z.enum(["unchanged", "adjusted", "review", "not-frozen"]),
      volumeM3: decimalJson,
      baseVolumeM3: decimalJson.nullable(),
    }),
  ),
});

const nullableM3 = (ml: number | null): string | null => (ml === null ? null : formatM3(ml));

export function frozenJson(row: FrozenDeterminant): z.infer<typeof frozenSchema> {
  const { determinant, bill, frozenAtMs, by, adjustments } = row;
  const { volumeMl, base } = determinant;
  const adjustedMl = adjustments.reduce((sum, one) => sum + one.volumeMl, volumeMl ?? 0);
  // Without a conversion now there is no volume at base conditions, whatever there was before.
  const adjustedBaseMl = adjustments.reduce<number | null>(
    (sum, { baseVolumeMl }) => (baseVolumeMl === null ? null : (sum ?? 0) + baseVolumeMl),
    base?.volumeMl ?? null,
  );
  return {
    ...consumptionJson(determinant),
    bill,
    frozenAt: formatInstant(frozenAtMs),
    frozenBy: by,
    adjustments: adjustments.map(({ volumeMl, baseVolumeMl, hash, reason, by, madeAtMs }) => ({
      volumeM3: formatM3(volumeMl),
      baseVolumeM3: nullableM3(baseVolumeMl),
      hash,
      reason,
      by,
      at: formatInstant(madeAtMs),
    })),
    adjustedVolumeM3: volumeMl === null ? null : formatM3(adjustedMl),
    adjustedBaseVolumeM3: nullableM3(adjustedBaseMl),
  };
}

export const frozenCsvHeading = csvLine([
  "bill",
  "frozenAt",
  ...consumptionCsvNames,
  "adjustments",
  "adjustedVolumeM3",
  "adjustedBaseVolumeM3",
]);

export function frozenCsv(row: FrozenDeterminant): string {
  const { bill, frozenAt, adjustments, adjustedVolumeM3, adjustedBaseVolumeM3 } = frozenJson(row);
  const cells = consumptionCsvCells(row.determinant);
  const adjusted = [adjustments.length, adjustedVolumeM3, adjustedBaseVolumeM3];
  return csvLine([bill, frozenAt, ...cells, ...adjusted]);
}

const plainOutcomes: readonly string[] = ["frozen", "already-frozen", "unchanged"];

/** All counted by outcome; what needs a person, row by row. */
function outcomesOf<Row extends { readonly outcome: string }>(rows: readonly Row[]) {
  const counts: Record<string, number> = {};
  for (const { outcome } of rows) counts[outcome] = (counts[outcome] ?? 0) + 1;
  const shown = rows.filter(({ outcome }) => !plainOutcomes.includes(outcome));
  return { counts, shown: shown.slice(0, shownRowsMax) };
}

export function freezeAnswer(
  bill: string,
  rows: readonly FreezeOutcome[],
): z.infer<typeof freezeAnswerSchema> {
  const { counts, shown } = outcomesOf(rows);
  return { bill, counts, items: shown.map((row) => ({ ...row, flags: [...row.flags] })) };
}

export function adjustAnswer(
  bill: string,
  rows: readonly AdjustOutcome[],
): z.infer<typeof adjustAnswerSchema> {
  const { counts, shown } = outcomesOf(rows);
  const items = shown.map(({ volumeMl, baseVolumeMl, ...row }) => ({
    ...row,
    volumeM3: formatM3(volumeMl),
    baseVolumeM3: nullableM3(baseVolumeMl),
  }));
  return { bill, counts, items };
}

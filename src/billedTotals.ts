/**
 * What bills were made from and would be made from, as figures that two copies of a ledger can be compared by: the
 * volume between the registers at the ends of gas months and gas days, for every meter; billing's own determinants for
 * a bounded number of meters; and all that was frozen.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { BilledTotals, Figures, TotalsScope } from "#backup/totals.ts";
import { defaultGasDays, GasDays } from "#billing/gasDays.ts";
import type { Determinant } from "#domain/billing.ts";
import { billedRows, type BilledRow, type BilledRows } from "#ledger/billedRows.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { closedPeriods, type ClosedPeriod } from "#ledger/closedPeriods.ts";
import { answersFrom } from "#ledger/queries.ts";
import type { Disk } from "#ports/disk.ts";
import type { Registers } from "#ports/readingStore.ts";
import { billingAnswers } from "./billingAnswers.ts";

const limits = Object.freeze({
  months: 13,
  days: 31,
});

/** Reads only; a million meters take a while, so it runs where nobody waits. */
export function billedTotals(
  db: DatabaseSync,
  disk: Disk,
  { cutOffMs, determinants }: TotalsScope,
  tick: () => void,
): BilledTotals {
  const answers = answersFrom(db, disk);
  const rows = billedRows(db);
  const known = billingRows(db);
  const billing = billingAnswers(answers, known, new GasDays(defaultGasDays));
  const said = known.saidOf();
  const { months, days } = closedPeriods(db, cutOffMs, limits.months, limits.days);
  const totals: Record<string, Figures> = { "frozen determinants": frozenFigures(rows) };
  let former: { readonly toMs: number; readonly closing: Registers } | undefined;
  // One period ends where the next begins.
  for (const period of [...months.toReversed(), ...days.toReversed()]) {
    const { fromMs, toMs } = period;
    const opening: Registers =
      former?.toMs === fromMs ? former.closing : answers.registerColumns(fromMs);
    const closing = answers.registerColumns(toMs);
    former = { toMs, closing };
    totals[period.name] = {
      ...volumeFigures(opening, closing, said, rows),
      ...conflictFigures(rows, period),
    };
    tick();
  }
  // A determinant of a month costs milliseconds.
  const sample = rows.sample(determinants);
  for (const period of determinants === 0 ? [] : [months[0], days[0]]) {
    if (period === undefined) continue;
    totals[`determinants of ${period.name}`] = determinantFigures(sample, (meterId) => {
      tick();
      const [from, to] = [{ atMs: period.fromMs }, { atMs: period.toMs }];
      return billing.meterConsumption(meterId, from, to);
    });
  }
  return totals;
}

/** Every meter's registers are in the hash; those of which a person has said something are not in the volume. */
function volumeFigures(
  opening: Registers,
  closing: Registers,
  said: ReadonlySet<number>,
  rows: BilledRows,
): Figures {
  let meters = 0;
  let volumeMl = 0n;
  let row = 0;
  for (const [place, meterNo] of closing.meterNo.entries()) {
    while ((opening.meterNo[row] ?? Infinity) < meterNo) row += 1;
    if (opening.meterNo[row] !== meterNo || said.has(meterNo)) continue;
    const passedMl = (closing.indexMl[place] ?? 0) - (opening.indexMl[row] ?? 0);
    meters += 1;
    volumeMl += BigInt(passedMl < 0 ? passedMl + rows.registerRangeMl(meterNo) : passedMl);
  }
  const hash = createHash("sha256");
  for (const { meterNo, measuredAtMs, indexMl, quality, conflict } of [opening, closing]) {
    for (const column of [meterNo, measuredAtMs, indexMl, quality, conflict]) {
      hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
    }
  }
  return { meters, volumeMl: String(volumeMl), registersSha256: hash.digest("hex") };
}

function conflictFigures(rows: BilledRows, { fromMs, toMs }: ClosedPeriod): Figures {
  const conflicts = rows.conflicts(fromMs, toMs);
  const hash = createHash("sha256").update(JSON.stringify(conflicts));
  return { openConflicts: conflicts.length, conflictsSha256: hash.digest("hex") };
}

function determinantFigures(
  sample: readonly string[],
  determinantOf: (meterId: string) => Determinant | null,
): Figures {
  const hash = createHash("sha256");
  let [meters, withoutVolume, review, openConflicts, estimatedMillionths] = [0, 0, 0, 0, 0];
  let volumeMl = 0n;
  for (const meterId of sample) {
    const determinant = determinantOf(meterId);
    if (determinant === null) continue;
    meters += 1;
    if (determinant.volumeMl === null) withoutVolume += 1;
    else volumeMl += BigInt(determinant.volumeMl);
    if (determinant.standing === "review") review += 1;
    openConflicts += determinant.openConflicts;
    estimatedMillionths += determinant.estimatedMillionths;
    hash.update(`${determinant.hash}\n`);
  }
  return {
    meters,
    volumeMl: String(volumeMl),
    withoutVolume,
    review,
    openConflicts,
    estimatedMillionths: meters === 0 ? 0 : Math.round(estimatedMillionths / meters),
    hashesSha256: hash.digest("hex"),
  };
}

function frozenFigures(rows: BilledRows): Figures {
  const frozen = sumOf(rows.frozen());
  const adjustments = sumOf(rows.adjustments());
  return {
    determinants: frozen.count,
    volumeMl: frozen.volumeMl,
    sha256: frozen.sha256,
    adjustments: adjustments.count,
    adjustedMl: adjustments.volumeMl,
    adjustmentsSha256: adjustments.sha256,
  };
}

function sumOf(rows: Iterable<BilledRow>) {
  const hash = createHash("sha256");
  let count = 0;
  let sumMl = 0n;
  for (const { id, volumeMl, text } of rows) {
    count += 1;
    sumMl += BigInt(volumeMl ?? 0);
    hash.update(`${id} ${volumeMl} ${text}\n`);
  }
  return { count, volumeMl: String(sumMl), sha256: hash.digest("hex") };
}

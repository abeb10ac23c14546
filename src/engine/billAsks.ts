/** Bills: determinants are frozen once, and better data later stands beside them as adjustments. */
import type { AdjustOutcome, Determinant, FreezeOutcome } from "#domain/billing.ts";
import { parseMeterId } from "#domain/ids.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import type { Book } from "./book.ts";

type BillAsk = Extract<Ask, { readonly kind: "billing.freeze" | "billing.adjust" }>;

/** Each row on its own: what cannot be billed keeps no other from being. */
export function actOnBill(book: Book, ask: BillAsk, by: string): AskResult {
  if (ask.kind === "billing.freeze") {
    const rows = ask.rows.map((row) => freeze(book, ask, row, by));
    return { ok: true, answer: { kind: "frozen", rows } };
  }
  const rows = ask.rows.map((row) => adjust(book, ask, row, by));
  return { ok: true, answer: { kind: "adjusted", rows } };
}

function meterNoOf({ memory }: Book, meterId: string): number {
  return memory.meterNoById.get(parseMeterId(meterId) ?? "") ?? -1;
}

function freeze(book: Book, ask: BillAsk, row: Determinant, by: string): FreezeOutcome {
  const { ledger, nowMs } = book;
  const { meterId, fromMs, toMs, flags } = row;
  const meterNo = meterNoOf(book, meterId);
  const as = (outcome: FreezeOutcome["outcome"], otherBill: string | null = null) => ({
    meterId,
    outcome,
    flags,
    otherBill,
  });
  const known = ledger.determinantOf(ask.bill, meterNo);
  if (known !== undefined) {
    const isSame = known.fromMs === fromMs && known.toMs === toMs;
    return as(isSame ? "already-frozen" : "other-period", isSame ? null : ask.bill);
  }
  if (row.volumeMl === null) return as("no-volume");
  if (row.standing === "review" && !ask.acceptReview) return as("review");
  const other = ledger.billOver(meterNo, fromMs, toMs);
  if (other !== undefined) return as("overlaps", other);
  ledger.putDeterminant(ask.bill, meterNo, row, by, nowMs);
  return as("frozen");
}

/** The differences to what was frozen and adjusted so far, so that all of it comes to what is known now. */
function adjust(book: Book, ask: BillAsk, row: Determinant, by: string): AdjustOutcome {
  const { ledger, nowMs } = book;
  const { meterId, volumeMl } = row;
  const known = ledger.determinantOf(ask.bill, meterNoOf(book, meterId));
  const as = (
    outcome: AdjustOutcome["outcome"],
    volumeMl: number,
    baseVolumeMl: number | null,
  ) => ({
    meterId,
    outcome,
    volumeMl,
    baseVolumeMl,
  });
  if (known === undefined) return as("not-frozen", 0, null);
  const baseMl = row.base?.volumeMl ?? null;
  const baseDifferenceMl = baseMl === null ? null : baseMl - (known.baseVolumeMl ?? 0);
  const differenceMl = (volumeMl ?? 0) - (known.volumeMl ?? 0);
  const isLooked = volumeMl !== null && (row.standing === "ready" || ask.acceptReview);
  if (!isLooked) return as("review", differenceMl, baseDifferenceMl);
  if (differenceMl === 0 && baseMl === known.baseVolumeMl)
    return as("unchanged", 0, baseDifferenceMl);
  const { reason } = ask;
  const words = { reason, by, madeAtMs: nowMs };
  ledger.putAdjustment(known.id, { volumeMl: differenceMl, determinant: row, ...words });
  return as("adjusted", differenceMl, baseDifferenceMl);
}

/** What bills were made with, and what better data changes them by. Rows are only added. */
import type { DatabaseSync } from "node:sqlite";
import type { Adjustment, Determinant, FrozenDeterminant } from "#domain/billing.ts";
import type { Ledger, StoredDeterminant } from "#ports/ledger.ts";
import type { Page } from "#ports/queries.ts";
import { clampLimit, decodeCursor, pageOf } from "./cursor.ts";
import { all, one } from "./sql.ts";

type BillPart = Pick<Ledger, "putDeterminant" | "determinantOf" | "billOver" | "putAdjustment">;

/** The writer's half. */
export function billTable(db: DatabaseSync): BillPart {
  const put = db.prepare(
    `INSERT INTO determinant (bill, meter_no, from_at, to_at, volume_ml, opening_ml, closing_ml,
       hash, json, by, frozen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const known = db.prepare(
    `SELECT d.id, d.from_at AS fromMs, d.to_at AS toMs, d.volume_ml + ifnull(
       (SELECT sum(a.volume_ml) FROM adjustment AS a WHERE a.determinant_id = d.id), 0) AS volumeMl,
       json_extract(ifnull((SELECT a.json FROM adjustment AS a WHERE a.determinant_id = d.id
         ORDER BY a.id DESC LIMIT 1), d.json), '$.base.volumeMl') AS baseVolumeMl
     FROM determinant AS d WHERE d.bill = ? AND d.meter_no = ?`,
  );
  const over = db.prepare(
    "SELECT bill FROM determinant WHERE meter_no = ? AND from_at < ? AND to_at > ? LIMIT 1",
  );
  const adjust = db.prepare(
    `INSERT INTO adjustment (determinant_id, volume_ml, hash, json, reason, by, made_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    putDeterminant(bill, meterNo, row, by, atMs) {
      const { fromMs, toMs, volumeMl, opening, closing, hash } = row;
      const [openingMl, closingMl] = [opening, closing].map((end) =>
        end?.method === "exact" ? end.indexMl : null,
      );
      const registers = [volumeMl, openingMl ?? null, closingMl ?? null] as const;
      const json = JSON.stringify(row);
      put.run(bill, meterNo, fromMs, toMs, ...registers, hash, json, by, atMs);
    },
    determinantOf: (bill, meterNo) => one<StoredDeterminant>(known, bill, meterNo),
    billOver: (meterNo, fromMs, toMs) => one<{ bill: string }>(over, meterNo, toMs, fromMs)?.bill,
    putAdjustment(determinantId, { volumeMl, determinant, reason, by, madeAtMs }) {
      const json = JSON.stringify(determinant);
      adjust.run(determinantId, volumeMl, determinant.hash, json, reason, by, madeAtMs);
    },
  };
}

export interface BillRows {
  /** In the order in which they were frozen. */
  frozen(bill: string, cursor: string | null, limit: number): Page<FrozenDeterminant>;
}

/** Each adjustment keeps the whole that it was made from; what it changes is the difference to the one before. */
function withBaseDifferences(
  { base }: Determinant,
  adjustments: readonly Adjustment[],
): readonly Adjustment[] {
  let beforeMl = base?.volumeMl ?? 0;
  return adjustments.map((row) => {
    const knownMl = row.baseVolumeMl;
    const baseVolumeMl = knownMl === null ? null : knownMl - beforeMl;
    beforeMl = knownMl ?? 0;
    return { ...row, baseVolumeMl };
  });
}

interface FrozenRow extends Omit<FrozenDeterminant, "determinant" | "adjustments"> {
  readonly json: string;
}

/** The billing worker's half. */
export function billRows(db: DatabaseSync): BillRows {
  const frozen = db.prepare(
    `SELECT id, bill, json, by, frozen_at AS frozenAtMs FROM determinant
     WHERE bill = ? AND id > ? ORDER BY id LIMIT ?`,
  );
  const adjustments = db.prepare(
    `SELECT id, volume_ml AS volumeMl, hash, reason, by, made_at AS madeAtMs,
       json_extract(json, '$.base.volumeMl') AS baseVolumeMl
     FROM adjustment WHERE determinant_id = ? ORDER BY id`,
  );
  return {
    frozen(bill, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [afterId] = decodeCursor(cursor, [0]);
      const rows = all<FrozenRow>(frozen, bill, afterId, limit + 1).map(({ json, ...row }) => {
        const determinant = JSON.parse(json) as Determinant;
        const known = all<Adjustment>(adjustments, row.id);
        return { ...row, determinant, adjustments: withBaseDifferences(determinant, known) };
      });
      return pageOf(rows, limit, (row) => [row.id]);
    },
  };
}

/** What of bills a proof looks at: frozen determinants, open conflicts, and meters whose determinants are compared. */
import type { DatabaseSync } from "node:sqlite";
import { all, each, numberOf, one } from "./sql.ts";

/** One frozen determinant or adjustment, with everything that it was written with. */
export interface BilledRow {
  readonly id: number;
  readonly volumeMl: number | null;
  /** All columns as one text. */
  readonly text: string;
}

export interface BilledRows {
  frozen(): Iterable<BilledRow>;
  adjustments(): Iterable<BilledRow>;
  /** [meter, instant] that no person has settled, in (from, to]. */
  conflicts(fromMs: number, toMs: number): readonly (readonly [number, number])[];
  /** Up to so many meters of whom a person has said something or a conflict is open, and as many evenly spread: ids. */
  sample(count: number): readonly string[];
  registerRangeMl(meterNo: number): number;
}

const saidSql = `SELECT meter_no FROM meter_exchange UNION SELECT meter_no FROM register_decision
  UNION SELECT meter_no FROM meter_conversion
  UNION SELECT meter_no FROM register_conflict WHERE settled_at IS NULL`;

export function billedRows(db: DatabaseSync): BilledRows {
  const frozen = db.prepare(
    `SELECT id, volume_ml AS volumeMl, json_array(bill, meter_no, from_at, to_at, opening_ml,
       closing_ml, hash, json, by, frozen_at) AS text FROM determinant ORDER BY id`,
  );
  const adjustments = db.prepare(
    `SELECT id, volume_ml AS volumeMl, json_array(determinant_id, hash, json, reason, by, made_at)
       AS text FROM adjustment ORDER BY id`,
  );
  const conflicts = db.prepare(
    `SELECT meter_no AS meterNo, measured_at AS atMs FROM register_conflict
     WHERE settled_at IS NULL AND measured_at > ? AND measured_at <= ?
     ORDER BY measured_at, meter_no`,
  );
  const sample = db.prepare(
    `SELECT id FROM meter WHERE no % ?2 = 0
       OR no IN (SELECT meter_no FROM (${saidSql}) ORDER BY meter_no LIMIT ?1) ORDER BY no`,
  );
  const range = db.prepare("SELECT register_range_ml AS ml FROM meter WHERE no = ?");
  return {
    frozen: () => each<BilledRow>(frozen),
    adjustments: () => each<BilledRow>(adjustments),
    conflicts: (fromMs, toMs) =>
      all<{ meterNo: number; atMs: number }>(conflicts, fromMs, toMs).map(
        ({ meterNo, atMs }) => [meterNo, atMs] as const,
      ),
    sample(count) {
      if (count === 0) return [];
      const everyNo = Math.max(1, Math.ceil(numberOf(db, "SELECT max(no) FROM meter") / count));
      return all<{ id: string }>(sample, count, everyNo).map(({ id }) => id);
    },
    registerRangeMl: (meterNo) => one<{ ml: number }>(range, meterNo)?.ml ?? 0,
  };
}

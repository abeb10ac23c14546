/** Sealed keys of meters. */
import type { DatabaseSync } from "node:sqlite";
import type { SealedKey } from "#domain/meterKey.ts";
import type { Ledger } from "#ports/ledger.ts";
import { all } from "./sql.ts";

type MeterKeyPart = Pick<Ledger, "meterKeys" | "putMeterKey" | "dropMeterKeys">;

export function meterKeyTable(db: DatabaseSync): MeterKeyPart {
  const every = db.prepare(
    `SELECT meter_no AS meterNo, purpose, algorithm, master_id AS masterId, sealed,
       set_at AS setAtMs
     FROM meter_key ORDER BY meter_no, purpose`,
  );
  const put = db.prepare(
    `INSERT OR REPLACE INTO meter_key (meter_no, purpose, algorithm, master_id, sealed, set_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const drop = db.prepare("DELETE FROM meter_key WHERE meter_no = ?");
  return {
    meterKeys: () => all<SealedKey & { meterNo: number }>(every),
    putMeterKey(meterNo, { purpose, algorithm, masterId, sealed, setAtMs }) {
      put.run(meterNo, purpose, algorithm, masterId, sealed, setAtMs);
    },
    dropMeterKeys(meterNo) {
      drop.run(meterNo);
    },
  };
}

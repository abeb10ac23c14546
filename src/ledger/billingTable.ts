/** What persons know of registers, and which instants are in dispute: the writer's half and the billing worker's. */
import type { DatabaseSync } from "node:sqlite";
import type { MeterExchange, RegisterDecision } from "#domain/billing.ts";
import type { MeterSize } from "#domain/meter.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { OpenConflict, RegisterRecord } from "#ports/billingQueries.ts";
import type { Page } from "#ports/queries.ts";
import { billRows, type BillRows } from "./billTable.ts";
import { conversionsOf } from "./conversionTable.ts";
import { clampLimit, decodeCursor, pageOf } from "./cursor.ts";
import { gapRows, type GapRows } from "./gapTable.ts";
import { all, one } from "./sql.ts";

type BillingPart = Pick<
  Ledger,
  "putExchange" | "putDecision" | "decidedRegister" | "putConflict" | "settleConflict"
>;

/** The writer's half. */
export function billingTable(db: DatabaseSync): BillingPart {
  const putExchange = db.prepare(
    `INSERT INTO meter_exchange (meter_no, at, closing_ml, opening_ml, former_serial, serial,
       former_size, former_quantum_ml, former_range_ml, reason, by, entered_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const putDecision = db.prepare(
    `INSERT INTO register_decision (meter_no, measured_at, index_ml, kind, reason, by, entered_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const decided = db.prepare(
    `SELECT measured_at AS atMs, index_ml AS indexMl FROM register_decision
     WHERE meter_no = ? AND measured_at BETWEEN ? AND ? ORDER BY measured_at DESC, id DESC LIMIT 1`,
  );
  const putConflict = db.prepare(
    `INSERT INTO register_conflict (meter_no, measured_at, found_at) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET found_at = excluded.found_at, settled_at = NULL
     WHERE settled_at IS NOT NULL`,
  );
  const settle = db.prepare(
    "UPDATE register_conflict SET settled_at = ? WHERE meter_no = ? AND measured_at = ?",
  );
  return {
    putExchange(meterNo, exchange) {
      const { atMs, closingMl, openingMl, formerSerial, serial, former } = exchange;
      const { reason, by, enteredAtMs } = exchange;
      const { size, quantumMl, registerRangeMl } = former;
      const registers = [atMs, closingMl, openingMl, formerSerial, serial] as const;
      const kind = [size, quantumMl, registerRangeMl] as const;
      putExchange.run(meterNo, ...registers, ...kind, reason, by, enteredAtMs);
    },
    putDecision(meterNo, { measuredAtMs, indexMl, kind, reason, by, enteredAtMs }) {
      putDecision.run(meterNo, measuredAtMs, indexMl, kind, reason, by, enteredAtMs);
    },
    decidedRegister: (meterNo, fromMs, toMs) => one(decided, meterNo, fromMs, toMs),
    putConflict(meterNo, measuredAtMs, atMs) {
      putConflict.run(meterNo, measuredAtMs, atMs);
    },
    settleConflict(meterNo, measuredAtMs, atMs) {
      settle.run(atMs, meterNo, measuredAtMs);
    },
  };
}

export interface BillingRows extends BillRows, GapRows {
  record(meterNo: number): RegisterRecord;
  /** Meters of which a person has said something: an exchange, or a decision about a register. */
  saidOf(): ReadonlySet<number>;
  /** Not settled, the oldest instant first. */
  conflicts(
    area: string | null,
    cursor: string | null,
    limit: number,
  ): Page<OpenConflict & { readonly meterNo: number }>;
}

const exchangesSql = `SELECT at AS atMs, closing_ml AS closingMl, opening_ml AS openingMl,
       former_serial AS formerSerial, serial, reason, by, entered_at AS enteredAtMs,
       former_size AS size, former_quantum_ml AS quantumMl, former_range_ml AS registerRangeMl
     FROM meter_exchange WHERE meter_no = ? ORDER BY at`;

/** The exchanges of a metering point, the oldest first. */
export function exchangesOf(db: DatabaseSync): (meterNo: number) => readonly MeterExchange[] {
  const exchanges = db.prepare(exchangesSql);
  return (meterNo) => all<ExchangeRow>(exchanges, meterNo).map(exchangeOf);
}

interface BilledRow {
  readonly atMs: number;
  readonly indexMl: number;
}

interface ExchangeRow extends Omit<MeterExchange, "former"> {
  readonly size: MeterSize;
  readonly quantumMl: number;
  readonly registerRangeMl: number;
}

/** The billing worker's half. */
export function billingRows(db: DatabaseSync): BillingRows {
  const exchanges = exchangesOf(db);
  const decisions = db.prepare(
    `SELECT measured_at AS measuredAtMs, index_ml AS indexMl, kind, reason, by,
       entered_at AS enteredAtMs
     FROM register_decision WHERE meter_no = ? ORDER BY id`,
  );
  const said = db.prepare(
    "SELECT meter_no AS meterNo FROM meter_exchange UNION SELECT meter_no FROM register_decision",
  );
  const conversions = conversionsOf(db);
  const billed = db.prepare(
    `SELECT from_at AS atMs, opening_ml AS indexMl FROM determinant
     WHERE meter_no = ? AND opening_ml IS NOT NULL
     UNION SELECT to_at, closing_ml FROM determinant WHERE meter_no = ? AND closing_ml IS NOT NULL`,
  );
  const conflicts = db.prepare(
    `SELECT m.id AS meterId, m.area, m.no AS meterNo, c.measured_at AS measuredAtMs,
       c.found_at AS foundAtMs
     FROM register_conflict AS c JOIN meter AS m ON m.no = c.meter_no
     WHERE c.settled_at IS NULL AND (c.measured_at, c.meter_no) > (?1, ?2)
       AND (?3 IS NULL OR m.area = ?3)
     ORDER BY c.measured_at, c.meter_no LIMIT ?4`,
  );
  return {
    ...billRows(db),
    ...gapRows(db),
    saidOf: () => new Set(all<{ meterNo: number }>(said).map(({ meterNo }) => meterNo)),
    record: (meterNo) => ({
      conversions: conversions(meterNo),
      billed: all<BilledRow>(billed, meterNo, meterNo).map(({ atMs, indexMl }) => [atMs, indexMl]),
      exchanges: exchanges(meterNo),
      decisions: all<RegisterDecision>(decisions, meterNo),
    }),
    conflicts(area, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [atMs, meterNo] = decodeCursor(cursor, [Number.MIN_SAFE_INTEGER, 0]);
      const rows = all<OpenConflict & { meterNo: number }>(
        conflicts,
        atMs,
        meterNo,
        area,
        limit + 1,
      );
      return pageOf(rows, limit, (row) => [row.measuredAtMs, row.meterNo]);
    },
  };
}

function exchangeOf({ size, quantumMl, registerRangeMl, ...row }: ExchangeRow): MeterExchange {
  return { ...row, former: { size, quantumMl, registerRangeMl } };
}

/** Readings: stored by sequence, found by meter and time through the generations of the index. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { invariant } from "#domain/invariant.ts";
import type { StoredReading } from "#domain/reading.ts";
import { hourMs } from "#domain/units.ts";
import type { Ledger } from "#ports/ledger.ts";
import { all, one, selectList } from "./sql.ts";

const columns = {
  seq: "seq",
  meterNo: "meter_no",
  measuredAtMs: "measured_at",
  receivedAtMs: "received_at",
  deviceAtMs: "device_at",
  indexMl: "index_ml",
  rawCount: "raw_count",
  rawExponent: "raw_exponent",
  flowMlPerHour: "flow_ml_per_hour",
  temperatureCentiC: "temperature_centi_c",
  pressurePa: "pressure_pa",
  batteryMv: "battery_mv",
  batteryPct: "battery_pct",
  signalDbm: "signal_dbm",
  valve: "valve",
  status: "status",
  quality: "quality",
  flags: "flags",
  uplinkSeq: "uplink_seq",
} as const satisfies Record<keyof StoredReading, string>;

/** Every field of a StoredReading, from `reading AS r`. */
export const readingColumns = selectList(columns, "r");

/** As in the table's generated column `generation`. */
const generationShift = 15;

/** Time span of one generation; no reading in it lies outside. */
export interface Generation {
  readonly n: number;
  readonly fromMs: number;
  readonly toMs: number;
}

type ReadingPart = Pick<Ledger, "putReading" | "reviseReading" | "readingsAt" | "readingsAfter"> & {
  /** Forgets what a rolled-back transaction had widened. */
  readonly reloadGenerations: () => void;
};

/** The writer's half. */
export function readingTable(db: DatabaseSync): ReadingPart {
  const names = Object.values(columns);
  const insert = db.prepare(
    `INSERT INTO reading (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
  );
  const update = db.prepare(
    `UPDATE reading SET ${names.map((name) => `${name} = ?`).join(", ")} WHERE seq = ?`,
  );
  const keepFormer = db.prepare(
    "INSERT INTO reading_revision (reading_seq, at, reason, former) VALUES (?, ?, ?, ?)",
  );
  const bySeq = db.prepare(`SELECT ${readingColumns} FROM reading AS r WHERE r.seq = ?`);
  const widen = db.prepare(
    `INSERT INTO reading_generation (n, from_at, to_at) VALUES (?, ?, ?)
     ON CONFLICT (n) DO UPDATE SET from_at = excluded.from_at, to_at = excluded.to_at`,
  );
  const generation = db.prepare(
    "SELECT n, from_at AS fromMs, to_at AS toMs FROM reading_generation WHERE n = ?",
  );
  const at = db.prepare(
    `SELECT ${readingColumns} FROM reading_generation AS g CROSS JOIN reading AS r
     WHERE g.from_at <= ?2 AND g.to_at >= ?2
       AND r.generation = g.n AND r.meter_no = ?1 AND r.measured_at = ?2 ORDER BY r.seq`,
  );
  const after = db.prepare(
    `SELECT ${readingColumns} FROM reading_generation AS g CROSS JOIN reading AS r
     WHERE g.to_at > ?2 AND r.generation = g.n AND r.meter_no = ?1 AND r.measured_at > ?2
     ORDER BY r.measured_at, r.seq`,
  );

  at.setReturnArrays(true);
  after.setReturnArrays(true);

  /** Written last; rows come in sequence, so it is nearly always the right one. */
  let current: Generation | undefined;

  /** By whole hours, so that a row of `reading_generation` changes once an hour, not each time. */
  function cover(seq: number, measuredAtMs: number): void {
    const n = Math.floor(seq / 2 ** generationShift);
    if (current?.n !== n) current = one<Generation>(generation, n);
    if (current && measuredAtMs >= current.fromMs && measuredAtMs <= current.toMs) return;
    const fromMs = Math.floor(measuredAtMs / hourMs) * hourMs;
    current = {
      n,
      fromMs: Math.min(fromMs, current?.fromMs ?? Infinity),
      toMs: Math.max(fromMs + hourMs, current?.toMs ?? -Infinity),
    };
    widen.run(current.n, current.fromMs, current.toMs);
  }

  return {
    putReading(row) {
      cover(row.seq, row.measuredAtMs);
      insert.run(...valuesOf(row));
    },
    reviseReading(row, reason, atMs) {
      const former = one<StoredReading>(bySeq, row.seq);
      invariant(former !== undefined, `only a stored reading can be revised, not ${row.seq}`);
      keepFormer.run(row.seq, atMs, reason, JSON.stringify(former));
      cover(row.seq, row.measuredAtMs);
      update.run(...valuesOf(row), row.seq);
    },
    readingsAt: (meterNo, measuredAtMs) => readingsOf(at, meterNo, measuredAtMs),
    readingsAfter: (meterNo, fromMs) => readingsOf(after, meterNo, fromMs),
    reloadGenerations: () => {
      current = undefined;
    },
  };
}

const fields = Object.keys(columns) as readonly (keyof StoredReading)[];

/**
 * All rows of a statement that selects `readingColumns` as arrays. node:sqlite would make objects that are slow to
 * read and to copy; a window of a meter's past holds hundreds, and each is folded again.
 */
function readingsOf(
  statement: StatementSync,
  meterNo: number,
  atMs: number,
): readonly StoredReading[] {
  return all<readonly unknown[]>(statement, meterNo, atMs).map((values) => {
    const row: Partial<Record<keyof StoredReading, unknown>> = {};
    for (let place = 0; place < fields.length; place += 1) {
      const field = fields[place];
      if (field !== undefined) row[field] = values[place];
    }
    return row as unknown as StoredReading;
  });
}

/** In the order of `columns`; written out because it runs once per reading. */
function valuesOf(row: StoredReading): (number | string | null)[] {
  return [
    row.seq,
    row.meterNo,
    row.measuredAtMs,
    row.receivedAtMs,
    row.deviceAtMs,
    row.indexMl,
    row.rawCount,
    row.rawExponent,
    row.flowMlPerHour,
    row.temperatureCentiC,
    row.pressurePa,
    row.batteryMv,
    row.batteryPct,
    row.signalDbm,
    row.valve,
    row.status,
    row.quality,
    row.flags,
    row.uplinkSeq,
  ];
}

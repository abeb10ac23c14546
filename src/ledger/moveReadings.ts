/**
 * Readings of a ledger that kept them as rows, moved into the reading store before anybody reads: some thousands at a
 * commit, so that a start that is broken off goes on where it was. The emptied tables are dropped.
 */
import type { DatabaseSync } from "node:sqlite";
import type { StoredReading } from "#domain/reading.ts";
import { timestampMs } from "#domain/units.ts";
import type { ReadingVersion } from "#ports/readingStore.ts";
import type { OpenReadings } from "#readings/openReadings.ts";
import { columnsOf } from "#readings/readingWords.ts";
import { all, numberOf, selectList } from "./sql.ts";

const rowsPerStep = 8_192;

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

interface Revision {
  readonly seq: number;
  readonly atMs: number;
  readonly reason: string;
  readonly former: string;
}

/** Returns how many rows were moved; 0 for a ledger that has none of them. */
export function moveReadings(
  db: DatabaseSync,
  readings: OpenReadings,
  committed: () => void = () => undefined,
): number {
  const hasRows = numberOf(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'reading'") > 0;
  if (!hasRows) return 0;
  const next = db.prepare(
    `SELECT ${selectList(columns, "r")} FROM reading AS r ORDER BY r.seq LIMIT ${rowsPerStep}`,
  );
  let moved = 0;
  for (;;) {
    const rows = all<StoredReading>(next);
    if (rows.length === 0) break;
    moveStep(db, readings, rows);
    moved += rows.length;
    readings.flushFull();
    committed();
  }
  db.exec(`BEGIN IMMEDIATE;
    DROP TABLE reading_revision; DROP TABLE reading_generation; DROP TABLE reading; COMMIT`);
  return moved;
}

function moveStep(
  db: DatabaseSync,
  { store, manifest }: OpenReadings,
  rows: readonly StoredReading[],
) {
  const lastSeq = rows.at(-1)?.seq ?? 0;
  const revised = db.prepare(
    `SELECT reading_seq AS seq, at AS atMs, reason, former FROM reading_revision
     WHERE reading_seq <= ? ORDER BY id`,
  );
  const revisions = Map.groupBy(all<Revision>(revised, lastSeq), ({ seq }) => seq);
  manifest.transaction(() => {
    const versions = rows.flatMap((row) =>
      versionsOf(row, revisions.get(row.seq) ?? [], (reason) => manifest.reasonNo(reason)),
    );
    for (let from = 0; from < versions.length; from += rowsPerStep) {
      store.append(columnsOf(versions.slice(from, from + rowsPerStep)));
    }
    db.prepare("DELETE FROM reading_revision WHERE reading_seq <= ?").run(lastSeq);
    db.prepare("DELETE FROM reading WHERE seq <= ?").run(lastSeq);
  });
  store.committed();
}

/** What the reading was at first, and each version that it became, with the reason. */
function versionsOf(
  row: StoredReading,
  revisions: readonly Revision[],
  reasonNo: (reason: string) => number,
): readonly ReadingVersion[] {
  const [first] = revisions;
  const original = first === undefined ? row : stored(first.former);
  const later = revisions.map(({ atMs, reason }, place) => {
    const next = revisions[place + 1];
    return {
      ...(next === undefined ? row : stored(next.former)),
      reasonNo: reasonNo(reason),
      revision: place + 1,
      revisedAtMs: timestampMs(atMs),
    };
  });
  return [{ ...original, reasonNo: null, revision: null, revisedAtMs: null }, ...later];
}

/** As the ledger wrote it. */
function stored(former: string): StoredReading {
  return JSON.parse(former) as StoredReading;
}

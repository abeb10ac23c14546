/** The past for back-tests, on a read-only connection of its own beside the running service. */
import type { DatabaseSync } from "node:sqlite";
import type { Disk } from "#ports/disk.ts";
import { plainDisk } from "#readings/openReadings.ts";
import type { Past, PastClose, PastOccurrence } from "#ports/past.ts";
import { occurrenceColumns, proofOf } from "./alarmTable.ts";
import { exchangesOf } from "./billingTable.ts";
import { answersFrom, followReadings } from "./queries.ts";
import { meterColumns, meterOf, type MeterRow } from "./registryTable.ts";
import { all } from "./sql.ts";

const pageRows = 10_000;

export function pastOn(db: DatabaseSync, disk: Disk = plainDisk): Past {
  const answers = answersFrom(db, disk);
  const followed = followReadings(db, disk);
  const exchanges = exchangesOf(db);
  const meters = db.prepare(`SELECT ${meterColumns} FROM meter AS m ORDER BY m.no`);
  const occurrences = db.prepare(
    `SELECT ${occurrenceColumns} FROM occurrence
     WHERE meter_no = ? AND retracted_at IS NULL AND (returned_at IS NULL OR returned_at > ?)
     ORDER BY raised_at, id`,
  );
  const closes = db.prepare(
    `SELECT meter_no AS meterNo, reason AS rule, requested_at AS atMs, state FROM command
     WHERE requested_at >= ? AND requested_at < ? AND action = 'close' AND cause_kind = 'alarm'
     ORDER BY requested_at, id`,
  );
  return {
    meters: () => all<MeterRow>(meters).map(meterOf),
    rules: () => answers.ruleRecords(null, pageRows).items.toReversed(),
    exchanges: ({ no }) => exchanges(no),
    readings(fromMs, toMs) {
      followed.refresh();
      const readingsOf = followed.reads.seen(fromMs - 1, toMs - 1);
      return ({ no }) => readingsOf(no);
    },
    occurrences({ no }, fromMs, toMs) {
      const rows = all<Omit<PastOccurrence, "proof"> & { proof: string }>(occurrences, no, fromMs);
      return rows
        .filter(({ raisedAtMs }) => raisedAtMs >= fromMs && raisedAtMs < toMs)
        .map((row) => ({ ...row, proof: proofOf(row.proof) }));
    },
    closes: (fromMs, toMs) => all<PastClose>(closes, fromMs, toMs),
    alarmEvents: (fromMs, toMs, limit) => answers.alarmEvents(fromMs, toMs, null, limit),
  };
}

/** Alarms, their comments, and the occurrences that they show. */
import type { DatabaseSync } from "node:sqlite";
import type { Alarm, Hidden, Proof, StoredOccurrence } from "#domain/alarm.ts";
import type { Ledger } from "#ports/ledger.ts";
import { all, one, selectList, upsertSql } from "./sql.ts";

const columns = {
  id: "id",
  meterNo: "meter_no",
  rule: "rule",
  ruleVersion: "rule_version",
  level: "level",
  priority: "priority",
  occurrence: "occurrence",
  historical: "historical",
  state: "state",
  raisedAtMs: "raised_at",
  returnedAtMs: "returned_at",
  knownAtMs: "known_at",
  acknowledgedAtMs: "acknowledged_at",
  acknowledgedBy: "acknowledged_by",
  hidden: "hidden",
  rungAtMs: "rung_at",
  unanswered: "unanswered",
  parentId: "parent_id",
  listed: "listed",
  subject: "subject",
  proof: "proof",
} as const satisfies Record<keyof Alarm, string>;

/** Every field of an AlarmRow, from `alarm AS a`. */
export const alarmColumns = selectList(columns, "a");

/** An alarm as SQLite gives it: booleans are 0 and 1, what hides it and the proof are JSON. */
export type AlarmRow = Omit<Alarm, "historical" | "hidden" | "listed" | "proof"> & {
  readonly historical: 0 | 1;
  readonly listed: 0 | 1;
  readonly hidden: string | null;
  readonly proof: string;
};

export function alarmOf(row: AlarmRow): Alarm {
  const hidden = row.hidden === null ? null : (JSON.parse(row.hidden) as Hidden);
  const proof = proofOf(row.proof);
  return { ...row, historical: row.historical === 1, listed: row.listed === 1, hidden, proof };
}

export function proofOf(json: string): Proof {
  return JSON.parse(json) as Proof;
}

type AlarmPart = Pick<
  Ledger,
  | "putAlarm"
  | "alarm"
  | "putAlarmComment"
  | "putOccurrence"
  | "retractOccurrence"
  | "occurrencesAfter"
>;

export function alarmTable(db: DatabaseSync): AlarmPart {
  const put = db.prepare(upsertSql("alarm", columns, "id"));
  const byId = db.prepare(`SELECT ${alarmColumns} FROM alarm AS a WHERE a.id = ?`);
  const comment = db.prepare(
    "INSERT INTO alarm_comment (alarm_id, at, by, text) VALUES (?, ?, ?, ?)",
  );
  return {
    putAlarm(alarm) {
      const historical = alarm.historical ? 1 : 0;
      const hidden = alarm.hidden === null ? null : JSON.stringify(alarm.hidden);
      const listed = alarm.listed ? 1 : 0;
      put.run({ ...alarm, historical, listed, hidden, proof: JSON.stringify(alarm.proof) });
    },
    alarm(id) {
      const row = one<AlarmRow>(byId, id);
      return row && alarmOf(row);
    },
    putAlarmComment(alarmId, atMs, by, text) {
      comment.run(alarmId, atMs, by, text);
    },
    ...occurrenceTable(db),
  };
}

export const occurrenceColumns = `id, rule, raised_at AS raisedAtMs, returned_at AS returnedAtMs,
  level, proof, alarm_id AS alarmId`;

function occurrenceTable(
  db: DatabaseSync,
): Pick<AlarmPart, "putOccurrence" | "retractOccurrence" | "occurrencesAfter"> {
  const put = db.prepare(
    `INSERT INTO occurrence (id, meter_no, rule, raised_at, returned_at, level, proof, alarm_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET raised_at = excluded.raised_at, level = excluded.level,
       returned_at = excluded.returned_at, proof = excluded.proof, alarm_id = excluded.alarm_id`,
  );
  const retract = db.prepare("UPDATE occurrence SET retracted_at = ? WHERE id = ?");
  const after = db.prepare(
    `SELECT ${occurrenceColumns} FROM occurrence
     WHERE meter_no = ? AND retracted_at IS NULL AND (returned_at IS NULL OR returned_at > ?)
     ORDER BY raised_at, id`,
  );
  return {
    putOccurrence(meterNo, row) {
      const proof = JSON.stringify(row.proof);
      const { id, rule, raisedAtMs, returnedAtMs, level, alarmId } = row;
      put.run(id, meterNo, rule, raisedAtMs, returnedAtMs, level, proof, alarmId);
    },
    retractOccurrence(id, atMs) {
      retract.run(atMs, id);
    },
    occurrencesAfter(meterNo, fromMs) {
      const rows = all<Omit<StoredOccurrence, "proof"> & { proof: string }>(after, meterNo, fromMs);
      return rows.map((row) => ({ ...row, proof: proofOf(row.proof) }));
    },
  };
}

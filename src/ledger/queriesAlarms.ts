/** Reads of alarms, in the order in which people must see them. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Meter } from "#domain/meter.ts";
import type { AlarmFilter, AlarmView, OccurrenceView, Queries } from "#ports/queries.ts";
import { alarmColumns, alarmOf, occurrenceColumns, proofOf, type AlarmRow } from "./alarmTable.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { meterColumns, meterOf, type MeterRow } from "./registryTable.ts";
import { all, one } from "./sql.ts";

type AlarmRead = Pick<Queries, "alarms" | "alarm" | "occurrencesOf" | "activeAlarmCounts">;

type OccurrenceRow = Omit<OccurrenceView, "proof"> & { readonly proof: string };

type Clause = readonly [string, ...SQLInputValue[]];
type ListedAlarm = AlarmRow & { readonly standing: number; readonly ageRank: number };

/** Alarms whose state is normal stand here, behind all others. */
const normalStanding = 2;

export function alarmQueries(db: DatabaseSync): Answers<AlarmRead> {
  const byId = db.prepare(`SELECT ${alarmColumns} FROM alarm AS a WHERE a.id = ?`);
  const counts = db.prepare(
    `SELECT p.value AS priority, count(a.id) AS count
     FROM json_each('[1, 2, 3, 4]') AS p
     LEFT JOIN alarm AS a ON a.priority = p.value AND a.standing IN (0, 1) AND a.historical = 0
       AND a.state NOT IN ('shelved', 'suppressed', 'out-of-service')
     GROUP BY p.value ORDER BY p.value`,
  );
  const occurrences = db.prepare(
    `SELECT ${occurrenceColumns}, retracted_at AS retractedAtMs FROM occurrence
     WHERE alarm_id = ? ORDER BY id DESC LIMIT ?`,
  );
  const viewOf = alarmViews(db);
  const listed = alarmLists(db);
  return {
    alarms(filter, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const key = decodeCursor(cursor, [-1, 0, 0, ""]);
      const clauses = clausesOf(filter);
      const values = clauses.flatMap(([, ...bound]) => bound);
      const list = listed(clauses.map(([sql]) => sql));
      const rows = all<ListedAlarm>(list, ...key, ...values, limit + 1);
      const page = pageOf(rows, limit, (row) => [row.standing, row.priority, row.ageRank, row.id]);
      return mapPage(page, ({ standing: _s, ageRank: _a, ...row }) => viewOf(row));
    },
    alarm(id) {
      const row = one<AlarmRow>(byId, id);
      return row === undefined ? null : viewOf(row);
    },
    occurrencesOf(alarmId, limit) {
      const rows = all<OccurrenceRow>(occurrences, alarmId, clampLimit(limit));
      return rows.map((row) => ({ ...row, proof: proofOf(row.proof) }));
    },
    activeAlarmCounts: () => all(counts),
  };
}

function clausesOf(filter: AlarmFilter): readonly Clause[] {
  const { states, priorities, area, meterId, historical, listed, rules, parentId } = filter;
  const clauses: Clause[] = [];
  if (states !== null) {
    clauses.push(["a.state IN (SELECT value FROM json_each(?))", JSON.stringify(states)]);
    // The index ends the scan before the many alarms that are over.
    if (!states.includes("normal")) clauses.push(["a.standing < ?", normalStanding]);
  }
  if (priorities !== null) {
    clauses.push(["a.priority IN (SELECT value FROM json_each(?))", JSON.stringify(priorities)]);
  }
  if (listed === true) clauses.push(["a.listed = 1 AND a.returned_at IS NULL"]);
  if (parentId !== undefined) clauses.push(["a.parent_id = ?", parentId]);
  if (rules !== undefined) {
    clauses.push(["a.rule IN (SELECT value FROM json_each(?))", JSON.stringify(rules)]);
  }
  if (historical !== null) clauses.push(["a.historical = ?", historical ? 1 : 0]);
  if (meterId !== null) clauses.push(["a.meter_no = (SELECT no FROM meter WHERE id = ?)", meterId]);
  if (area !== null) {
    clauses.push(["EXISTS (SELECT 1 FROM meter WHERE no = a.meter_no AND area = ?)", area]);
  }
  return clauses;
}

/** One prepared statement per set of filters; there are at most 512. */
function alarmLists(db: DatabaseSync): (clauses: readonly string[]) => StatementSync {
  const prepared = new Map<string, StatementSync>();
  return (clauses) => {
    const where = clauses.map((clause) => ` AND ${clause}`).join("");
    let statement = prepared.get(where);
    if (statement === undefined) {
      statement = db.prepare(
        `SELECT ${alarmColumns}, a.standing, a.age_rank AS ageRank FROM alarm AS a
         WHERE (a.standing, a.priority, a.age_rank, a.id) > (?, ?, ?, ?)${where}
         ORDER BY a.standing, a.priority, a.age_rank, a.id LIMIT ?`,
      );
      prepared.set(where, statement);
    }
    return statement;
  };
}

function alarmViews(db: DatabaseSync): (row: AlarmRow) => AlarmView {
  const meterByNo = db.prepare(`SELECT ${meterColumns} FROM meter AS m WHERE m.no = ?`);
  const comments = db.prepare(
    "SELECT at AS atMs, by, text FROM alarm_comment WHERE alarm_id = ? ORDER BY id",
  );
  function meterOfAlarm(meterNo: number | null): Meter | null {
    const row = meterNo === null ? undefined : one<MeterRow>(meterByNo, meterNo);
    return row === undefined ? null : meterOf(row);
  }
  return (row) => ({
    alarm: alarmOf(row),
    meter: meterOfAlarm(row.meterNo),
    comments: all(comments, row.id),
  });
}

/** Planned works: each as JSON beside what it is looked for by. */
import type { DatabaseSync } from "node:sqlite";
import type { PlannedWork } from "#domain/plannedWork.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { Queries } from "#ports/queries.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all, one } from "./sql.ts";

interface Row {
  readonly id: string;
  readonly fromMs: number;
  readonly json: string;
}

const columns = "id, from_at AS fromMs, json";

export function plannedWorkTable(
  db: DatabaseSync,
): Pick<Ledger, "putPlannedWork" | "plannedWork" | "openPlannedWorks"> {
  const put = db.prepare(
    "INSERT OR REPLACE INTO planned_work (id, from_at, ended, json) VALUES (?, ?, ?, ?)",
  );
  const byId = db.prepare(`SELECT ${columns} FROM planned_work WHERE id = ?`);
  const open = db.prepare(`SELECT ${columns} FROM planned_work WHERE ended = 0 ORDER BY id`);
  return {
    putPlannedWork(work) {
      put.run(work.id, work.fromMs, work.endedAtMs === null ? 0 : 1, JSON.stringify(work));
    },
    plannedWork(id) {
      const row = one<Row>(byId, id);
      return row && workOf(row);
    },
    openPlannedWorks: () => all<Row>(open).map(workOf),
  };
}

export function plannedWorkQueries(
  db: DatabaseSync,
): Answers<Pick<Queries, "plannedWorks" | "plannedWork">> {
  const byId = db.prepare(`SELECT ${columns} FROM planned_work WHERE id = ?`);
  const list = db.prepare(
    `SELECT ${columns} FROM planned_work
     WHERE (from_at, id) < (?, ?) AND (?3 IS NULL OR ended = ?3)
     ORDER BY from_at DESC, id DESC LIMIT ?4`,
  );
  const counts = db.prepare(
    `SELECT count(*) AS total, count(*) FILTER (WHERE state = 'suppressed') AS hidden
     FROM alarm WHERE parent_id = ?`,
  );
  return {
    plannedWorks({ isOpen }, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [fromMs, id] = decodeCursor(cursor, [Number.MAX_SAFE_INTEGER, ""]);
      const ended = isOpen === null ? null : isOpen ? 0 : 1;
      const rows = all<Row>(list, fromMs, id, ended, limit + 1);
      return mapPage(
        pageOf(rows, limit, (row) => [row.fromMs, row.id]),
        workOf,
      );
    },
    plannedWork(id) {
      const row = one<Row>(byId, id);
      if (row === undefined) return null;
      const found = one<{ total: number; hidden: number }>(counts, id);
      return { work: workOf(row), alarms: found ?? { total: 0, hidden: 0 } };
    },
  };
}

function workOf({ json }: Row): PlannedWork {
  return JSON.parse(json) as PlannedWork;
}

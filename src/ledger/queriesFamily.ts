/** Parents and children among alarms, as their conditions began: the first of them is the first-out. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { AlarmFamily, Queries, Relative } from "#ports/queries.ts";
import { clampLimit } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all, one } from "./sql.ts";

export function familyQueries(db: DatabaseSync): Answers<Pick<Queries, "alarmFamily">> {
  const columns = `a.id, a.rule, a.state, a.raised_at AS raisedAtMs,
     (SELECT m.id FROM meter AS m WHERE m.no = a.meter_no) AS meterId`;
  const parentOf = db.prepare(
    `SELECT a.id FROM alarm AS a
     WHERE a.id = (SELECT parent_id FROM alarm WHERE id = ?)`,
  );
  const single = db.prepare(`SELECT ${columns} FROM alarm AS a WHERE a.id = ?`);
  const childrenOf = db.prepare(
    `SELECT ${columns} FROM alarm AS a WHERE a.parent_id = ?
     ORDER BY a.raised_at, a.id LIMIT ?`,
  );
  const count = db.prepare("SELECT count(*) AS count FROM alarm WHERE parent_id = ?");
  const before = db.prepare(
    `SELECT count(*) AS count FROM alarm
     WHERE parent_id = ?1 AND (raised_at, id) < (?2, ?3)`,
  );
  type Row = Omit<Relative, "order">;

  /** Those of the family that began before; the parent is one of it. */
  function orderOf(row: Row, head: Row): number {
    const children = countOf(before, head.id, row.raisedAtMs, row.id);
    const isAfterHead = row.id !== head.id && isBefore(head, row);
    return 1 + children + (isAfterHead ? 1 : 0);
  }

  function relative(row: Row, head: Row): Relative {
    return { ...row, order: orderOf(row, head) };
  }

  return {
    alarmFamily(alarmId, limitWanted): AlarmFamily {
      const self = one<Row>(single, alarmId);
      const childCount = countOf(count, alarmId);
      const parentId = one<{ id: string }>(parentOf, alarmId)?.id;
      const parent = parentId === undefined ? undefined : one<Row>(single, parentId);
      const rows = self === undefined ? [] : all<Row>(childrenOf, alarmId, clampLimit(limitWanted));
      const head = parent ?? self;
      const hasFamily = parent !== undefined || childCount > 0;
      return {
        parent: parent === undefined ? null : relative(parent, parent),
        order: self === undefined || head === undefined || !hasFamily ? null : orderOf(self, head),
        children: self === undefined ? [] : rows.map((row) => relative(row, self)),
        childCount,
      };
    },
  };
}

function isBefore(
  one: { readonly raisedAtMs: number; readonly id: string },
  other: { readonly raisedAtMs: number; readonly id: string },
): boolean {
  return one.raisedAtMs === other.raisedAtMs
    ? one.id < other.id
    : one.raisedAtMs < other.raisedAtMs;
}

function countOf(statement: StatementSync, ...values: readonly SQLInputValue[]): number {
  return one<{ count: number }>(statement, ...values)?.count ?? 0;
}

/** Work orders: each as JSON beside what it is looked for by. */
import type { DatabaseSync } from "node:sqlite";
import type { Meter } from "#domain/meter.ts";
import type { WorkOrder } from "#domain/workOrder.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { Queries, WorkOrderView } from "#ports/queries.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { meterColumns, meterOf, type MeterRow } from "./registryTable.ts";
import { all, one } from "./sql.ts";

interface Row {
  readonly id: string;
  readonly openedAtMs: number;
  readonly json: string;
}

const columns = "id, opened_at AS openedAtMs, json";

export function workOrderTable(
  db: DatabaseSync,
): Pick<Ledger, "putWorkOrder" | "workOrder" | "openWorkOrders"> {
  const put = db.prepare(
    `INSERT OR REPLACE INTO work_order (id, state, opened_at, alarm_id, meter_no, json)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const byId = db.prepare(`SELECT ${columns} FROM work_order WHERE id = ?`);
  const open = db.prepare(
    `SELECT ${columns} FROM work_order WHERE state NOT IN ('called_back', 'cancelled') ORDER BY id`,
  );
  return {
    putWorkOrder(order) {
      const { id, state, openedAtMs, alarmId, meterNo } = order;
      put.run(id, state, openedAtMs, alarmId, meterNo, JSON.stringify(order));
    },
    workOrder(id) {
      const row = one<Row>(byId, id);
      return row && orderOf(row);
    },
    openWorkOrders: () => all<Row>(open).map(orderOf),
  };
}

export function workOrderQueries(
  db: DatabaseSync,
): Answers<Pick<Queries, "workOrders" | "workOrder">> {
  const byId = db.prepare(`SELECT ${columns} FROM work_order WHERE id = ?`);
  const list = db.prepare(
    `SELECT ${columns} FROM work_order
     WHERE (opened_at, id) < (?, ?)
       AND (?3 IS NULL OR state IN (SELECT value FROM json_each(?3)))
       AND (?4 IS NULL OR alarm_id = ?4)
       AND (?5 IS NULL OR meter_no = (SELECT no FROM meter WHERE id = ?5))
     ORDER BY opened_at DESC, id DESC LIMIT ?6`,
  );
  const meterByNo = db.prepare(`SELECT ${meterColumns} FROM meter AS m WHERE m.no = ?`);
  function viewOf(row: Row): WorkOrderView {
    const order = orderOf(row);
    const meter = order.meterNo === null ? undefined : one<MeterRow>(meterByNo, order.meterNo);
    return { order, meter: meter === undefined ? null : (meterOf(meter) satisfies Meter) };
  }
  return {
    workOrders({ states, alarmId, meterId }, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [atMs, id] = decodeCursor(cursor, [Number.MAX_SAFE_INTEGER, ""]);
      const wanted = states === null ? null : JSON.stringify(states);
      const rows = all<Row>(list, atMs, id, wanted, alarmId, meterId, limit + 1);
      return mapPage(
        pageOf(rows, limit, (row) => [row.openedAtMs, row.id]),
        viewOf,
      );
    },
    workOrder(id) {
      const row = one<Row>(byId, id);
      return row === undefined ? null : viewOf(row);
    },
  };
}

function orderOf({ json }: Row): WorkOrder {
  return JSON.parse(json) as WorkOrder;
}

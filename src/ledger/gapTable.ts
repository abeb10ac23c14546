/** Registers that are asked of a meter's memory. */
import type { DatabaseSync } from "node:sqlite";
import type { RegisterGap } from "#domain/billing.ts";
import type { CommandState } from "#domain/command.ts";
import type { Ledger } from "#ports/ledger.ts";
import { all, one } from "./sql.ts";

const columns = `at AS atMs, state, attempts, command_id AS commandId, detail,
  opened_at AS openedAtMs, settled_at AS settledAtMs`;

/** The writer's half. */
export function gapTable(db: DatabaseSync): Pick<Ledger, "gapAt" | "gapsRequested" | "putGap"> {
  const at = db.prepare(`SELECT ${columns} FROM register_gap WHERE meter_no = ? AND at = ?`);
  const count = db.prepare(
    "SELECT count(*) AS gaps FROM register_gap INDEXED BY register_gap_requested WHERE state = 'requested'",
  );
  const put = db.prepare(
    `INSERT OR REPLACE INTO register_gap
       (meter_no, at, state, attempts, command_id, detail, opened_at, settled_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    gapAt: (meterNo, atMs) => one<RegisterGap>(at, meterNo, atMs),
    gapsRequested: () => one<{ gaps: number }>(count)?.gaps ?? 0,
    putGap(meterNo, { atMs, state, attempts, commandId, detail, openedAtMs, settledAtMs }) {
      put.run(meterNo, atMs, state, attempts, commandId, detail, openedAtMs, settledAtMs);
    },
  };
}

export interface GapRows {
  /** With the state of the last command. */
  gaps(meterNo: number): readonly (RegisterGap & { readonly commandState: CommandState | null })[];
}

/** The billing worker's half. */
export function gapRows(db: DatabaseSync): GapRows {
  const gaps = db.prepare(
    `SELECT ${columns}, (SELECT c.state FROM command AS c WHERE c.id = g.command_id) AS commandState
     FROM register_gap AS g WHERE meter_no = ? ORDER BY at`,
  );
  return { gaps: (meterNo) => all(gaps, meterNo) };
}

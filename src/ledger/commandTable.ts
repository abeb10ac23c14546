/** The valve ledger: every command with every step it went through. */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Approval, Command, CommandCause } from "#domain/command.ts";
import type { MeterParameters } from "#domain/parameters.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { CommandFrame, Ledger } from "#ports/ledger.ts";
import { all, one, selectList, upsertSql } from "./sql.ts";

const columns = {
  id: "id",
  meterNo: "meter_no",
  action: "action",
  causeKind: "cause_kind",
  causeRef: "cause_ref",
  reason: "reason",
  state: "state",
  detail: "detail",
  sequence: "sequence",
  attempts: "attempts",
  approvalsNeeded: "approvals_needed",
  approvals: "approvals",
  workOrder: "work_order",
  leakCheck: "leak_check",
  leakCheckAtMs: "leak_check_at",
  parameters: "parameters",
  armedAtMs: "armed_at",
  requestedAtMs: "requested_at",
  expiresAtMs: "expires_at",
  sentAtMs: "sent_at",
} as const satisfies Record<keyof CommandRow, string>;

/** Every field of a CommandRow, from `command AS c`. */
export const commandColumns = selectList(columns, "c");

/** A command as SQLite gives it. */
export type CommandRow = Omit<Command, "cause" | "approvals" | "permit" | "parameters"> & {
  readonly parameters: string | null;
  readonly approvals: string;
  readonly workOrder: string | null;
  readonly leakCheck: string | null;
  readonly leakCheckAtMs: TimestampMs | null;
  readonly causeKind: CommandCause["kind"];
  readonly causeRef: string;
};

export function commandOf(row: CommandRow): Command {
  const { causeKind, causeRef, approvals, workOrder, leakCheck, leakCheckAtMs, ...rest } = row;
  const { parameters, ...same } = rest;
  const isPermit = workOrder !== null && leakCheck !== null && leakCheckAtMs !== null;
  return {
    ...same,
    cause: { kind: causeKind, ref: causeRef },
    approvals: JSON.parse(approvals) as readonly Approval[],
    permit: isPermit ? { workOrder, leakCheck, leakCheckAtMs } : null,
    parameters: parameters === null ? null : (JSON.parse(parameters) as MeterParameters),
  };
}

/** What stands in the columns that the order of a permission needs. */
const noPermit = { workOrder: null, leakCheck: null, leakCheckAtMs: null } as const;

type CommandPart = Pick<
  Ledger,
  | "putCommand"
  | "putCommandFrame"
  | "commandFrame"
  | "command"
  | "openCommands"
  | "automaticClosesSince"
>;

export function commandTable(db: DatabaseSync): CommandPart {
  const put = db.prepare(upsertSql("command", columns, "id"));
  const append = db.prepare(
    `INSERT INTO command_transition (command_id, n, state, at, by, detail)
     SELECT ?1, ifnull(max(n), 0) + 1, ?2, ?3, ?4, ?5
     FROM command_transition WHERE command_id = ?1`,
  );
  const byId = db.prepare(`SELECT ${commandColumns} FROM command AS c WHERE c.id = ?`);
  const putFrame = db.prepare(
    `INSERT OR REPLACE INTO command_frame (command_id, frame, sha256, basis, encoded_at)
     VALUES (?, ?, ?, ?, ?)`,
  );
  const frameById = db.prepare(
    "SELECT frame, sha256, basis FROM command_frame WHERE command_id = ?",
  );
  // The list is the one of the partial index `command_open`: states that nothing follows.
  const open = db.prepare(
    `SELECT ${commandColumns} FROM command AS c WHERE c.state NOT IN
       ('refused', 'verified', 'passing', 'failed', 'expired', 'superseded', 'cancelled')
     ORDER BY c.requested_at, c.id`,
  );
  const closes = db.prepare(
    `SELECT DISTINCT c.id, c.requested_at AS atMs, ifnull(m.area, '') AS area
     FROM command_transition AS t JOIN command AS c ON c.id = t.command_id
     LEFT JOIN meter AS m ON m.no = c.meter_no
     WHERE t.state = 'authorised' AND t.by = 'engine' AND t.at >= ? AND c.cause_kind = 'alarm' AND c.action = 'close'
     ORDER BY c.requested_at, c.id`,
  );
  return {
    putCommand({ command, transitions }) {
      const { cause, approvals, permit, parameters, ...row } = command;
      const texts = { causeKind: cause.kind, causeRef: cause.ref };
      put.run({
        ...row,
        ...texts,
        approvals: JSON.stringify(approvals),
        parameters: parameters === null ? null : JSON.stringify(parameters),
        ...(permit ?? noPermit),
      });
      for (const step of transitions) {
        append.run(command.id, step.state, step.atMs, step.by, step.detail);
      }
    },
    putCommandFrame(id, frame, basis, atMs) {
      const sha256 = createHash("sha256").update(frame).digest("hex");
      putFrame.run(id, frame, sha256, basis, atMs);
      return { frame, sha256, basis };
    },
    commandFrame: (id) => one<CommandFrame>(frameById, id),
    command(id) {
      const row = one<CommandRow>(byId, id);
      return row && commandOf(row);
    },
    openCommands: () => all<CommandRow>(open).map(commandOf),
    automaticClosesSince: (sinceMs) =>
      all<{ atMs: number; area: string }>(closes, sinceMs).map(({ atMs, area }) => ({
        atMs,
        area,
      })),
  };
}

/** Removes the oldest rows of a kind, some at a time; the newest always stays, for numbers go on from it. */
import type { DatabaseSync } from "node:sqlite";
import type { RetainedKind } from "#domain/retention.ts";
import type { Ledger } from "#ports/ledger.ts";
import { all, numberOf } from "./sql.ts";

interface Kind {
  readonly table: string;
  readonly key: string;
  readonly at: string;
  /** What still needs a row, as a condition that it must meet to go. */
  readonly unless: string;
}

const kinds: Readonly<Record<RetainedKind, Kind>> = {
  quarantine: { table: "quarantine", key: "id", at: "received_at", unless: "1" },
  uplinks: {
    table: "uplink",
    key: "seq",
    at: "received_at",
    unless: "NOT EXISTS (SELECT 1 FROM quarantine AS q WHERE q.uplink_seq = uplink.seq)",
  },
  events: { table: "event", key: "seq", at: "at", unless: "1" },
};

export function retentionTable(db: DatabaseSync): Pick<Ledger, "dropOld"> {
  const statements = new Map(
    Object.entries(kinds).map(([name, { table, key, at, unless }]) => [
      name,
      {
        newest: `SELECT max(${key}) FROM ${table}`,
        look: db.prepare(
          `SELECT ${key} AS no, ${at} AS atMs FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`,
        ),
        drop: db.prepare(`DELETE FROM ${table} WHERE ${key} > ? AND ${key} <= ? AND ${unless}`),
      },
    ]),
  );
  return {
    dropOld(kind, beforeMs, afterNo, countMax) {
      const statement = statements.get(kind);
      if (statement === undefined) return { deleted: 0, lastNo: afterNo, isEnd: true };
      const newest = numberOf(db, statement.newest);
      const seen = all<{ no: number; atMs: number }>(statement.look, afterNo, countMax);
      const firstKept = seen.findIndex(({ no, atMs }) => atMs >= beforeMs || no === newest);
      const old = firstKept === -1 ? seen : seen.slice(0, firstKept);
      const lastNo = old.at(-1)?.no ?? afterNo;
      const isEnd = firstKept !== -1 || seen.length < countMax;
      if (old.length === 0) return { deleted: 0, lastNo, isEnd };
      return { deleted: Number(statement.drop.run(afterNo, lastNo).changes), lastNo, isEnd };
    },
  };
}

/** Removes the oldest rows of a kind, some at a time; the newest always stays, for numbers go on from it. */
import type { DatabaseSync } from "node:sqlite";
import type { RetainedKind } from "#domain/retention.ts";
import type { Ledger } from "#ports/ledger.ts";
import { all, numberOf } from "./sql.ts";

const filesPerStep = 16;

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
  const old = db.prepare(
    `SELECT no, row_count AS rows FROM frame_file
     WHERE dropped = 0 AND last_seq > 0 AND last_at < ? LIMIT ?`,
  );
  const dropFile = db.prepare("UPDATE frame_file SET dropped = 1 WHERE no = ?");

  /** Whole files of the archive; the archive's keeper removes what is listed no more. */
  function dropArchived(beforeMs: number): number {
    const files = all<{ no: number; rows: number }>(old, beforeMs, filesPerStep);
    for (const { no } of files) dropFile.run(no);
    return files.reduce((sum, { rows }) => sum + rows, 0);
  }

  return {
    dropOld(kind, beforeMs, afterNo, countMax) {
      const archived = kind === "uplinks" ? dropArchived(beforeMs) : 0;
      const stepped = dropStep(kind, beforeMs, afterNo, countMax);
      return { ...stepped, deleted: stepped.deleted + archived };
    },
  };

  function dropStep(
    kind: RetainedKind,
    beforeMs: number,
    afterNo: number,
    countMax: number,
  ): ReturnType<Ledger["dropOld"]> {
    const statement = statements.get(kind);
    if (statement === undefined) return { deleted: 0, lastNo: afterNo, isEnd: true };
    const newest = numberOf(db, statement.newest);
    const seen = all<{ no: number; atMs: number }>(statement.look, afterNo, countMax);
    const firstKept = seen.findIndex(({ no, atMs }) => atMs >= beforeMs || no === newest);
    const gone = firstKept === -1 ? seen : seen.slice(0, firstKept);
    const lastNo = gone.at(-1)?.no ?? afterNo;
    const isEnd = firstKept !== -1 || seen.length < countMax;
    if (gone.length === 0) return { deleted: 0, lastNo, isEnd };
    return { deleted: Number(statement.drop.run(afterNo, lastNo).changes), lastNo, isEnd };
  }
}

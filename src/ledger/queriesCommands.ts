/** Reads of the valve ledger, newest first. */
import type { DatabaseSync } from "node:sqlite";
import type { CommandView, Queries } from "#ports/queries.ts";
import type { Position } from "#domain/meter.ts";
import { commandColumns, commandOf, type CommandRow } from "./commandTable.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { positionOf } from "./registryTable.ts";
import { all, one } from "./sql.ts";

type CommandRead = Pick<Queries, "commands" | "command">;
type NamedCommand = CommandRow & {
  readonly meterId: string;
  readonly area: string;
  readonly profile: string | null;
  readonly longitude: number | null;
  readonly latitude: number | null;
  readonly crs: Position["crs"] | null;
  readonly reportEveryMs: number;
  readonly lastSeenAtMs: number | null;
  /** JSON; null before the first report. */
  readonly gapsMs: string | null;
  readonly actuations: number | null;
};

/** The meter's habit stands in what the engine keeps of it: no write of its own. */
const namedCommand = `SELECT ${commandColumns}, m.id AS meterId, m.area AS area, m.profile AS profile,
    m.longitude AS longitude, m.latitude AS latitude, m.crs AS crs, m.report_every_ms AS reportEveryMs,
    json_extract(x.json, '$.lastReceivedAtMs') AS lastSeenAtMs,
    json_extract(x.json, '$.gapsMs') AS gapsMs,
    json_extract(x.json, '$.valve.actuations') AS actuations
  FROM command AS c JOIN meter AS m ON m.no = c.meter_no
  LEFT JOIN context AS x ON x.meter_no = c.meter_no`;
/** ?1, ?2: where the page before ended; ?3: states as JSON or null; ?4: rows; ?5: meter. */
function listSql(where: string): string {
  return `${namedCommand} WHERE (c.requested_at, c.id) < (?1, ?2)
    AND (?3 IS NULL OR c.state IN (SELECT value FROM json_each(?3))) ${where}
    ORDER BY c.requested_at DESC, c.id DESC LIMIT ?4`;
}

export function commandQueries(db: DatabaseSync): Answers<CommandRead> {
  const byId = db.prepare(`${namedCommand} WHERE c.id = ?`);
  const list = db.prepare(listSql(""));
  const ofMeter = db.prepare(listSql("AND c.meter_no = (SELECT no FROM meter WHERE id = ?5)"));
  const history = db.prepare(
    `SELECT state, at AS atMs, by, detail FROM command_transition WHERE command_id = ? ORDER BY n`,
  );
  function viewOf(named: NamedCommand): CommandView {
    const { meterId, area, reportEveryMs, lastSeenAtMs, gapsMs, actuations, ...placed } = named;
    const { longitude, latitude, crs, profile, ...row } = placed;
    const gaps = JSON.parse(gapsMs ?? "[]") as readonly number[];
    return {
      command: commandOf(row),
      meterId,
      area,
      profile,
      position: positionOf({ longitude, latitude, crs }),
      history: all(history, row.id),
      habit: { lastSeenAtMs, gapsMs: gaps, reportEveryMs },
      actuations: actuations ?? 0,
    };
  }
  return {
    commands(states, meterId, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [atMs, id] = decodeCursor(cursor, [Number.MAX_SAFE_INTEGER, ""]);
      const wanted = states === null ? null : JSON.stringify(states);
      const rows =
        meterId === null
          ? all<NamedCommand>(list, atMs, id, wanted, limit + 1)
          : all<NamedCommand>(ofMeter, atMs, id, wanted, limit + 1, meterId);
      return mapPage(
        pageOf(rows, limit, (row) => [row.requestedAtMs, row.id]),
        viewOf,
      );
    },
    command(id) {
      const row = one<NamedCommand>(byId, id);
      return row === undefined ? null : viewOf(row);
    },
  };
}

/** Reads of the registry: meters with what they last said, gateways, areas, settings. */
import type { DatabaseSync } from "node:sqlite";
import type { Queries } from "#ports/queries.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { gatewaysOf, meterColumns, meterOf, type MeterRow } from "./registryTable.ts";
import { all, one } from "./sql.ts";

type MeterRead = Pick<
  Queries,
  "meters" | "meter" | "meterKeys" | "gateways" | "areas" | "settings"
>;

type SeenMeter = MeterRow & {
  readonly lastSeenAtMs: number | null;
  readonly valvePosition: ValvePosition | null;
};

/** What the engine keeps in a meter's context and people want to see; no extra write per uplink. */
const seenColumns = `json_extract(x.json, '$.lastReceivedAtMs') AS lastSeenAtMs,
  json_extract(x.json, '$.valve.position') AS valvePosition`;
const seenMeter = `SELECT ${meterColumns}, ${seenColumns}
  FROM meter AS m LEFT JOIN context AS x ON x.meter_no = m.no`;

function viewOf({ lastSeenAtMs, valvePosition, ...row }: SeenMeter): {
  meter: ReturnType<typeof meterOf>;
  lastSeenAtMs: number | null;
  valve: ValvePosition | null;
} {
  return { meter: meterOf(row), lastSeenAtMs, valve: valvePosition };
}

export function meterQueries(db: DatabaseSync): Answers<MeterRead> {
  const everywhere = db.prepare(`${seenMeter} WHERE m.id > ? ORDER BY m.id LIMIT ?`);
  const inArea = db.prepare(`${seenMeter} WHERE m.area = ? AND m.id > ? ORDER BY m.id LIMIT ?`);
  const byId = db.prepare(`${seenMeter} WHERE m.id = ?`);
  const areas = db.prepare(
    `SELECT m.area, count(*) AS meters, ifnull(sum(a.live), 0) AS activeAlarms
     FROM meter AS m LEFT JOIN (
       SELECT meter_no, count(*) AS live FROM alarm INDEXED BY alarm_list
       WHERE standing IN (0, 1) AND historical = 0
         AND state NOT IN ('shelved', 'suppressed', 'out-of-service') GROUP BY meter_no
     ) AS a ON a.meter_no = m.no
     GROUP BY m.area ORDER BY m.area`,
  );
  const keys = db.prepare(
    `SELECT k.purpose, k.algorithm, k.set_at AS setAtMs
     FROM meter_key AS k JOIN meter AS m ON m.no = k.meter_no WHERE m.id = ? ORDER BY k.purpose`,
  );
  const settings = db.prepare("SELECT name, value FROM setting ORDER BY name");
  return {
    meters(after, limitWanted, area) {
      const limit = clampLimit(limitWanted);
      const [afterId] = decodeCursor(after, [""]);
      const rows =
        area === null
          ? all<SeenMeter>(everywhere, afterId, limit + 1)
          : all<SeenMeter>(inArea, area, afterId, limit + 1);
      return mapPage(
        pageOf(rows, limit, (row) => [row.id]),
        viewOf,
      );
    },
    meter(id) {
      const row = one<SeenMeter>(byId, id);
      return row === undefined ? null : viewOf(row);
    },
    meterKeys: (meterId) => all(keys, meterId),
    gateways: () => gatewaysOf(db),
    areas: () => all(areas),
    settings: () =>
      Object.fromEntries(
        all<{ name: string; value: string }>(settings).map(({ name, value }) => [name, value]),
      ),
  };
}

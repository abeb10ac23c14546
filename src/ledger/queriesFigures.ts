/** Reads for the key figures of alarms. */
import type { DatabaseSync } from "node:sqlite";
import type { AlarmEvent, AlarmStanding } from "#domain/alarmEvent.ts";
import type { Queries } from "#ports/queries.ts";
import type { Answers } from "./queries.ts";
import { all, one } from "./sql.ts";

const none: AlarmStanding = { standing: 0, stale: 0, shelved: 0, suppressed: 0, outOfService: 0 };

export function figureQueries(
  db: DatabaseSync,
): Answers<Pick<Queries, "alarmEvents" | "alarmStanding">> {
  const events = db.prepare(
    `SELECT at AS atMs, kind, json ->> '$.alarm.id' AS alarmId, json ->> '$.alarm.rule' AS rule,
       json ->> '$.alarm.priority' AS priority, json ->> '$.alarm.state' AS state,
       json ->> '$.meterId' AS meterId
     FROM event
     WHERE at >= ?1 AND at < ?2 AND kind LIKE 'alarm.%'
       AND (?3 IS NULL OR json ->> '$.alarm.area' = ?3)
     ORDER BY at, seq LIMIT ?4`,
  );
  const standing = db.prepare(
    `SELECT count(*) FILTER (WHERE a.state NOT IN ('shelved', 'suppressed', 'out-of-service'))
         AS standing,
       count(*) FILTER (WHERE a.state NOT IN ('shelved', 'suppressed', 'out-of-service')
         AND a.known_at < ?1) AS stale,
       count(*) FILTER (WHERE a.state = 'shelved') AS shelved,
       count(*) FILTER (WHERE a.state = 'suppressed') AS suppressed,
       count(*) FILTER (WHERE a.state = 'out-of-service') AS outOfService
     FROM alarm AS a
     WHERE a.standing < 2 AND a.historical = 0
       AND (?2 IS NULL OR EXISTS (SELECT 1 FROM meter WHERE no = a.meter_no AND area = ?2))`,
  );
  return {
    alarmEvents: (fromMs, toMs, area, limit) => all<AlarmEvent>(events, fromMs, toMs, area, limit),
    alarmStanding: (staleBeforeMs, area) =>
      one<AlarmStanding>(standing, staleBeforeMs, area) ?? none,
  };
}

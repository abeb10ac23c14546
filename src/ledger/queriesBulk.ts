/** Readings of all meters, a bounded look at a time. */
import type { DatabaseSync } from "node:sqlite";
import type { StoredReading } from "#domain/reading.ts";
import type { Queries } from "#ports/queries.ts";
import { clampLimit, decodeCursor, encodeCursor } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all } from "./sql.ts";

/** Meters without any reading in the span cost time as well. */
const metersPerLookMax = 500;

type OneMeter = Answers<Pick<Queries, "readings">>;

export function bulkQueries(
  db: DatabaseSync,
  { readings }: OneMeter,
): Answers<Pick<Queries, "readingsOfAll">> {
  const meters = db.prepare(
    `SELECT id FROM meter WHERE id >= ?1 AND (?2 IS NULL OR area = ?2) ORDER BY id
     LIMIT ${metersPerLookMax + 1}`,
  );
  return {
    readingsOfAll(fromMs, toMs, area, cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      // The meter to go on with, and where in its readings.
      const [firstId, inner] = decodeCursor(cursor, ["", ""]);
      const items: (StoredReading & { readonly meterId: string })[] = [];
      const found = all<{ id: string }>(meters, firstId, area);
      for (const [place, { id }] of found.entries()) {
        if (place === metersPerLookMax || items.length >= limit) {
          return { items, next: encodeCursor([id, ""]) };
        }
        const from = id === firstId && inner !== "" ? inner : null;
        const page = readings(id, fromMs, toMs, from, limit - items.length);
        for (const reading of page.items) items.push({ ...reading, meterId: id });
        if (page.next !== null) return { items, next: encodeCursor([id, page.next]) };
      }
      return { items, next: null };
    },
  };
}

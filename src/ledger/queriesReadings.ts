/** Reads of readings: history, latest, and the register at an instant. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { StoredReading } from "#domain/reading.ts";
import type { Queries, RegisterView } from "#ports/queries.ts";
import { clampLimit, decodeCursor, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { readingColumns, type Generation } from "./readingTable.ts";
import { all, numberOf, one } from "./sql.ts";

type ReadingRead = Pick<
  Queries,
  | "readings"
  | "latestReading"
  | "registerAt"
  | "registersAt"
  | "alarmReadings"
  | "readingsAfterSeq"
  | "newestReadingSeq"
>;

interface MeterName {
  readonly no: number;
  readonly id: string;
}

export function readingQueries(db: DatabaseSync): Answers<ReadingRead> {
  const meterByName = db.prepare("SELECT no, id FROM meter WHERE id = ?");
  const raisedAt = db.prepare(
    `SELECT meter_no AS meterNo, raised_at AS atMs FROM alarm
     WHERE id = ? AND meter_no IS NOT NULL`,
  );
  // CROSS JOIN fixes the order of the joins: each fitting generation, then its part of the index.
  const span = db.prepare(
    `SELECT ${readingColumns} FROM reading_generation AS g CROSS JOIN reading AS r
     WHERE g.to_at >= $fromMs AND g.from_at < $toMs AND r.generation = g.n
       AND r.meter_no = $meterNo AND r.measured_at >= $fromMs AND r.measured_at < $toMs
       AND (r.measured_at > $fromMs OR r.seq > $afterSeq)
     ORDER BY r.measured_at, r.seq LIMIT $rows`,
  );
  const behind = db.prepare(
    `SELECT ${readingColumns}, m.id AS meterId, m.area AS area
     FROM reading AS r JOIN meter AS m ON m.no = r.meter_no
     WHERE r.seq > ? ORDER BY r.seq LIMIT ?`,
  );
  const { lastReadings, lastTrusted } = lastReadingsOf(db);

  function inSpan(meterNo: number, fromMs: number, toMs: number, afterSeq: number, rows: number) {
    // node:sqlite binds names from an object; the shared helper binds by place.
    const found: unknown = span.all({ meterNo, fromMs, toMs, afterSeq, rows });
    return found as readonly StoredReading[];
  }

  return {
    readings(meterId, fromMs, toMs, cursor, limitWanted) {
      const meter = one<MeterName>(meterByName, meterId);
      if (meter === undefined) return { items: [], next: null };
      const limit = clampLimit(limitWanted);
      const [atMs, seq] = decodeCursor(cursor, [fromMs, -1]);
      const start = Math.max(atMs, fromMs);
      const rows = inSpan(meter.no, start, toMs, start === atMs ? seq : -1, limit + 1);
      return pageOf(rows, limit, (row) => [row.measuredAtMs, row.seq]);
    },
    latestReading(meterId) {
      const meter = one<MeterName>(meterByName, meterId);
      if (meter === undefined) return null;
      return lastReadings(meter.no, Number.MAX_SAFE_INTEGER, 1)[0] ?? null;
    },
    registerAt(meterId, atMs) {
      const meter = one<MeterName>(meterByName, meterId);
      return meter === undefined
        ? null
        : registerOf(meter, atMs, lastTrusted(meter.no, atMs, 1)[0]);
    },
    registersAt: registersAt(db, lastTrusted),
    alarmReadings(id, limitWanted) {
      const alarm = one<{ meterNo: number; atMs: number }>(raisedAt, id);
      if (alarm === undefined) return [];
      const limit = clampLimit(limitWanted);
      const until = lastReadings(alarm.meterNo, alarm.atMs, Math.ceil(limit / 2)).toReversed();
      const rest = limit - until.length;
      if (rest === 0) return until;
      const later = inSpan(alarm.meterNo, alarm.atMs + 1, Number.MAX_SAFE_INTEGER, -1, rest);
      return [...until, ...later];
    },
    newestReadingSeq: () => numberOf(db, "SELECT max(seq) FROM reading"),
    readingsAfterSeq: (afterSeq, limit) => all(behind, afterSeq, clampLimit(limit)),
  };
}

/** Readings of a meter at or before an instant, newest first. */
type LastReadings = (meterNo: number, atMs: number, limit: number) => readonly StoredReading[];

function lastReadingsOf(db: DatabaseSync): {
  readonly lastReadings: LastReadings;
  readonly lastTrusted: LastReadings;
} {
  const generations = db.prepare(
    `SELECT n, from_at AS fromMs, to_at AS toMs FROM reading_generation
     WHERE from_at <= ? ORDER BY to_at DESC`,
  );
  const newest = (where: string): StatementSync =>
    db.prepare(
      `SELECT ${readingColumns} FROM reading AS r
       WHERE r.generation = ? AND r.meter_no = ? AND r.measured_at <= ? ${where}
       ORDER BY r.measured_at DESC, r.seq DESC LIMIT ?`,
    );

  /** From the newest generation back, until no older one can hold a newer reading. */
  function search(statement: StatementSync): LastReadings {
    return (meterNo, atMs, limit) => {
      let found: readonly StoredReading[] = [];
      for (const { n, toMs } of all<Generation>(generations, atMs)) {
        const oldest = found.length < limit ? undefined : found.at(-1);
        if (oldest !== undefined && oldest.measuredAtMs > toMs) break;
        const more = all<StoredReading>(statement, n, meterNo, atMs, limit);
        if (more.length > 0) found = [...found, ...more].sort(newestFirst).slice(0, limit);
      }
      return found;
    };
  }

  return {
    lastReadings: search(newest("")),
    lastTrusted: search(newest("AND r.quality <> 'suspect' AND r.index_ml IS NOT NULL")),
  };
}

function newestFirst(a: StoredReading, b: StoredReading): number {
  return b.measuredAtMs - a.measuredAtMs || b.seq - a.seq;
}

/** A value that the meter itself showed: billing gets no computed registers. */
function registerOf(
  meter: MeterName,
  atMs: number,
  reading: StoredReading | undefined,
): RegisterView | null {
  if (reading === undefined || reading.indexMl === null) return null;
  const { indexMl, measuredAtMs, quality } = reading;
  const method = measuredAtMs === atMs ? "exact" : "last-before";
  return { meterId: meter.id, atMs, indexMl, measuredAtMs, quality, method };
}

function registersAt(
  db: DatabaseSync,
  lastTrusted: LastReadings,
): Answers<ReadingRead>["registersAt"] {
  const everywhere = db.prepare("SELECT no, id FROM meter WHERE id > ? ORDER BY id LIMIT ?");
  const inArea = db.prepare(
    "SELECT no, id FROM meter WHERE area = ? AND id > ? ORDER BY id LIMIT ?",
  );
  return (atMs, area, after, limitWanted) => {
    const limit = clampLimit(limitWanted);
    const [afterId] = decodeCursor(after, [""]);
    const rows =
      area === null
        ? all<MeterName>(everywhere, afterId, limit + 1)
        : all<MeterName>(inArea, area, afterId, limit + 1);
    const page = pageOf(rows, limit, (meter) => [meter.id]);
    const views = page.items.map((meter) =>
      registerOf(meter, atMs, lastTrusted(meter.no, atMs, 1)[0]),
    );
    return { items: views.filter((view) => view !== null), next: page.next };
  };
}

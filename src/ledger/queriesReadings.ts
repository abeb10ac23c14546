/** Reads of readings: history, latest, and the register at an instant. */
import type { DatabaseSync } from "node:sqlite";
import type { StoredReading } from "#domain/reading.ts";
import { formatInstant, timestampMs } from "#domain/units.ts";
import type { Queries, RegisterView } from "#ports/queries.ts";
import type { FollowedReadings } from "#readings/followedReadings.ts";
import { columnsFromRows, plainRegister } from "#readings/registersAt.ts";
import type { Registers } from "#ports/readingStore.ts";
import { clampLimit, decodeCursor, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { QueryError } from "./queryError.ts";
import { all, one } from "./sql.ts";

type ReadingRead = Pick<
  Queries,
  | "readings"
  | "requireReadings"
  | "latestReading"
  | "registerAt"
  | "registersAt"
  | "registerColumns"
  | "alarmReadings"
  | "readingsAfterSeq"
  | "newestReadingSeq"
  | "rollUpPart"
  | "readingDamage"
>;

interface MeterName {
  readonly no: number;
  readonly id: string;
}

export function readingQueries(db: DatabaseSync, followed: FollowedReadings): Answers<ReadingRead> {
  const meterByName = db.prepare("SELECT no, id FROM meter WHERE id = ?");
  const raisedAt = db.prepare(
    `SELECT meter_no AS meterNo, raised_at AS atMs FROM alarm
     WHERE id = ? AND meter_no IS NOT NULL`,
  );
  /** As of now. */
  const current = () => {
    followed.refresh();
    return followed.reads;
  };

  return {
    readings(meterId, fromMs, toMs, cursor, limitWanted) {
      const meter = one<MeterName>(meterByName, meterId);
      if (meter === undefined) return { items: [], next: null };
      const limit = clampLimit(limitWanted);
      const [atMs, seq] = decodeCursor(cursor, [fromMs, -1]);
      const from = atMs >= fromMs ? { atMs, afterSeq: seq } : { atMs: fromMs, afterSeq: -1 };
      const rows = current().onward(meter.no, from, toMs, limit + 1);
      return pageOf(rows, limit, (row) => [row.measuredAtMs, row.seq]);
    },
    requireReadings(fromMs) {
      const { retiredToMs } = current();
      if (fromMs >= retiredToMs) return;
      const limit = formatInstant(timestampMs(retiredToMs));
      throw new QueryError("READINGS_RETIRED", `readings before ${limit} were retired`);
    },
    latestReading(meterId) {
      const meter = one<MeterName>(meterByName, meterId);
      if (meter === undefined) return null;
      return current().newest(meter.no, Infinity, 1, isAny)[0] ?? null;
    },
    registerAt(meterId, atMs) {
      const meter = one<MeterName>(meterByName, meterId);
      if (meter === undefined) return null;
      return registerOf(meter, atMs, current().newest(meter.no, atMs, 1, isTrusted)[0]);
    },
    registersAt: registersAt(db, current),
    registerColumns: (atMs) => current().registersAt(atMs),
    alarmReadings(id, limitWanted) {
      const alarm = one<{ meterNo: number; atMs: number }>(raisedAt, id);
      if (alarm === undefined) return [];
      const { meterNo, atMs } = alarm;
      const limit = clampLimit(limitWanted);
      const reads = current();
      const until = reads.newest(meterNo, atMs, Math.ceil(limit / 2), isAny).toReversed();
      const later = { atMs: atMs + 1, afterSeq: -1 };
      return [...until, ...reads.onward(meterNo, later, Infinity, limit - until.length)];
    },
    newestReadingSeq() {
      followed.refresh();
      return followed.newestSeq;
    },
    readingsAfterSeq: readingsAfterSeq(db, followed),
    rollUpPart: rollUpPart(db, current),
    readingDamage: () => followed.reads.damage(),
  };
}

function isAny(): boolean {
  return true;
}

function isTrusted({ quality, indexMl }: StoredReading): boolean {
  return quality !== "suspect" && indexMl !== null;
}

/** A value that the meter itself showed: billing gets no computed registers. */
function registerOf(
  meter: MeterName,
  atMs: number,
  reading: Pick<StoredReading, "indexMl" | "measuredAtMs" | "quality"> | undefined,
): RegisterView | null {
  if (reading === undefined || reading.indexMl === null) return null;
  const { indexMl, measuredAtMs, quality } = reading;
  const method = measuredAtMs === atMs ? "exact" : "last-before";
  return { meterId: meter.id, atMs, indexMl, measuredAtMs, quality, method };
}

/** A run over a city takes from one look what is plain, as of its first page; the others are looked at one by one. */
function registersAt(
  db: DatabaseSync,
  current: () => FollowedReadings["reads"],
): Answers<ReadingRead>["registersAt"] {
  let look: { readonly atMs: number; readonly registers: Registers } | null = null;
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
    const reads = current();
    if (after === null || look?.atMs !== atMs) look = null;
    if (limit >= columnsFromRows) look ??= { atMs, registers: reads.registersAt(atMs) };
    const views = page.items.map((meter) => {
      const plain = look === null ? null : plainRegister(look.registers, meter.no);
      const reading = plain ?? reads.newest(meter.no, atMs, 1, isTrusted)[0];
      return registerOf(meter, atMs, reading);
    });
    if (page.next === null) look = null;
    return { items: views.filter((view) => view !== null), next: page.next };
  };
}

function rollUpPart(
  db: DatabaseSync,
  current: () => FollowedReadings["reads"],
): Answers<ReadingRead>["rollUpPart"] {
  const byNo = db.prepare("SELECT id AS meterId, area FROM meter WHERE no = ?");
  return (afterFileNo, part) => {
    const found = current().rollUpPart(afterFileNo, part);
    if (found.fileNo === null) return found;
    const rows = found.rows.flatMap((row) => {
      const name = one<{ meterId: string; area: string }>(byNo, row.meterNo);
      return name === undefined ? [] : [{ ...row, ...name }];
    });
    return { ...found, rows };
  };
}

function readingsAfterSeq(
  db: DatabaseSync,
  followed: FollowedReadings,
): Answers<ReadingRead>["readingsAfterSeq"] {
  const byNo = db.prepare("SELECT id AS meterId, area FROM meter WHERE no = ?");
  return (afterSeq, limit) => {
    followed.refresh();
    const names = new Map<number, { meterId: string; area: string } | undefined>();
    return followed.order.after(afterSeq, clampLimit(limit)).flatMap((reading) => {
      const { meterNo } = reading;
      const name = names.get(meterNo) ?? one<{ meterId: string; area: string }>(byNo, meterNo);
      names.set(meterNo, name);
      return name === undefined ? [] : [{ ...reading, ...name }];
    });
  };
}

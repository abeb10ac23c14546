/**
 * Which files count, which batches are hot, and how the ones became the others. All of it changes in single
 * transactions of the writer's own connection, so a crash leaves the state before or after.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

import type { GasCalendarSettings } from "./gasDay.ts";

/** `last`: what is left of retired months, each meter's last readings of that time. */
export type FileKind = "day" | "month" | "rollup" | "last";

/** A file that counts, or did. */
export interface ManifestFile {
  readonly no: number;
  readonly kind: FileKind;
  readonly name: string;
  /** First gas day and the day after the last. */
  readonly fromDay: number;
  readonly toDay: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Span of measured time of what is in it. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Lowest and highest `seq` of a reading in it; both 0 in a roll-up, and where readings have none. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Why it was made: "flush", "late", "merge", "day closed", … */
  readonly reason: string;
  /** Numbers of the files it was made from, as a JSON array. */
  readonly madeFrom: string;
  /** Rows of these files that were there twice. */
  readonly repeated: number;
  /** Of a roll-up, see `staleness`. */
  readonly stale: number;
}

/** It holds readings that count, of days or a month. */
export function isSegment({ kind }: ManifestFile): boolean {
  return kind === "day" || kind === "month";
}

/**
 * What a roll-up lacks: nothing; rows of its own day; perhaps what an earlier day now ends with; certainly that.
 * Any but the first is not read and will be made again or found right.
 */
export const staleness = { none: 0, ownRows: 1, perhapsCarried: 2, carried: 3 } as const;

export interface HotBatchRow {
  readonly no: number;
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** What one flush took and what it made of it: rows = kept + repeated, or something is wrong. */
export interface FlushRow {
  readonly fromNo: number;
  readonly toNo: number;
  readonly rows: number;
  readonly kept: number;
  readonly repeated: number;
  /** The highest `seq` that a reading had by then; 0 where they have none. */
  readonly newestSeq: number;
}

const fileColumns = `no, kind, name, from_day AS fromDay, to_day AS toDay, from_ms AS fromMs,
  to_ms AS toMs, row_count AS rows, chunk_count AS chunks, size AS bytes, first_ms AS firstMs,
  last_ms AS lastMs, first_seq AS firstSeq, last_seq AS lastSeq, reason, made_from AS madeFrom,
  repeated, stale`;

export class Manifest {
  readonly #db: DatabaseSync;
  readonly #putBatch: StatementSync;
  readonly #dropBatches: StatementSync;

  /** On a database with the tables. */
  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#putBatch = db.prepare(
      "INSERT INTO reading_batch (no, row_count, newest_seq, bytes) VALUES (?, ?, ?, ?)",
    );
    this.#dropBatches = db.prepare(
      `DELETE FROM reading_batch WHERE no IN
         (SELECT no FROM reading_batch WHERE no <= ? ORDER BY no LIMIT ?)`,
    );
  }

  get isInTransaction(): boolean {
    return this.#db.isTransaction;
  }

  /** All of the changes or none. */
  transaction(change: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      change();
      this.#db.exec("COMMIT");
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw cause;
    }
  }

  /** `newestSeq`: the highest that a reading has by then. */
  putBatch(no: number, rows: number, newestSeq: number, bytes: Uint8Array): void {
    this.#putBatch.run(no, rows, newestSeq, bytes);
  }

  /** Hot batches with their bytes, in order; `toNo` inclusive, `afterNo` exclusive. */
  batches(toNo: number, afterNo = 0): Iterable<HotBatchRow> {
    const statement = this.#db.prepare(
      "SELECT no, row_count AS rows, bytes FROM reading_batch WHERE no > ? AND no <= ? ORDER BY no",
    );
    const from = Math.max(this.flushedTo, afterNo);
    return statement.iterate(from, toNo) as Iterable<unknown> as Iterable<HotBatchRow>;
  }

  /** Batches up to this number are in segments. */
  get flushedTo(): number {
    return this.#number("SELECT max(to_no) FROM reading_flush");
  }

  /** Highest number that a batch ever had. */
  get newestBatch(): number {
    return Math.max(this.flushedTo, this.#number("SELECT max(no) FROM reading_batch"));
  }

  putFlush(flush: FlushRow): void {
    this.#run(
      `INSERT INTO reading_flush (to_no, from_no, row_count, kept, repeated, newest_seq)
       VALUES (?, ?, ?, ?, ?, ?)`,
      flush.toNo,
      flush.fromNo,
      flush.rows,
      flush.kept,
      flush.repeated,
      flush.newestSeq,
    );
  }

  flushes(): readonly FlushRow[] {
    return this.#all<FlushRow>(
      `SELECT from_no AS fromNo, to_no AS toNo, row_count AS rows, kept, repeated,
         newest_seq AS newestSeq
       FROM reading_flush ORDER BY to_no`,
    );
  }

  /** Numbers of batches that were set aside. */
  damagedBatches(): readonly number[] {
    const rows = this.#all<{ no: number }>("SELECT no FROM reading_batch_damaged ORDER BY no");
    return rows.map(({ no }) => no);
  }

  /** Sets a batch aside that cannot be read. */
  putDamagedBatch(no: number, fault: string): void {
    this.#run(
      `INSERT INTO reading_batch_damaged (no, row_count, bytes, fault)
       SELECT no, row_count, bytes, ? FROM reading_batch WHERE no = ?`,
      fault,
      no,
    );
  }

  /**
   * Removes some of the batches that are in segments; a few at a time, so that no commit waits for all of them.
   * False: there was none.
   */
  dropFlushed(countMax: number): boolean {
    return this.#dropBatches.run(this.flushedTo, countMax).changes > 0;
  }

  /** The highest `seq` that a reading had after this batch; 0 where they have none. */
  newestSeqAfter(no: number): number {
    return Math.max(
      this.#number(`SELECT newest_seq FROM reading_flush WHERE to_no = ${no}`),
      this.#number(`SELECT newest_seq FROM reading_batch WHERE no = ${no}`),
    );
  }

  get nextFileNo(): number {
    return this.#number("SELECT max(no) FROM reading_file") + 1;
  }

  /** Files that count, by their days. */
  files(): readonly ManifestFile[] {
    return this.#all<ManifestFile>(
      `SELECT ${fileColumns} FROM reading_file WHERE replaced_by = 0 ORDER BY from_day, no`,
    );
  }

  /** Rows that merges of all times found twice. */
  get repeatedInMerges(): number {
    return this.#number("SELECT sum(repeated) FROM reading_file WHERE kind <> 'rollup'");
  }

  /** Files that no longer count, and why. */
  replaced(): readonly { readonly name: string; readonly reason: string }[] {
    return this.#all(
      "SELECT name, replaced_reason AS reason FROM reading_file WHERE replaced_by <> 0 ORDER BY no",
    );
  }

  putFile(file: ManifestFile): void {
    this.#run(
      `INSERT INTO reading_file (no, kind, name, from_day, to_day, from_ms, to_ms, row_count,
         chunk_count, size, first_ms, last_ms, first_seq, last_seq, reason, made_from, repeated,
         stale)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[file.no, file.kind, file.name, file.fromDay, file.toDay, file.fromMs, file.toMs],
      ...[file.rows, file.chunks, file.bytes, file.firstMs, file.lastMs],
      ...[file.firstSeq, file.lastSeq, file.reason, file.madeFrom, file.repeated, file.stale],
    );
  }

  /** The former file stays on record with the reason why it no longer counts. */
  replaceFile(no: number, by: number, reason: string): void {
    this.#run(
      "UPDATE reading_file SET replaced_by = ?, replaced_reason = ? WHERE no = ?",
      by,
      reason,
      no,
    );
  }

  /** Retention lets the file go; it stays on record with the time and the reason. */
  retireFile(no: number, by: number, atMs: number, reason: string): void {
    this.#run(
      "UPDATE reading_file SET retired_at = ?, replaced_by = ?, replaced_reason = ? WHERE no = ?",
      atMs,
      by,
      reason,
      no,
    );
  }

  /** Rows that counted when their files were retired. */
  get retiredRows(): number {
    return this.#number(
      "SELECT sum(row_count) FROM reading_file WHERE retired_at > 0 AND kind IN ('day', 'month')",
    );
  }

  /** Roll-ups of the day and of later ones no longer say what the segments say. */
  markStale(day: number): void {
    this.#run(
      `UPDATE reading_file
       SET stale = CASE WHEN from_day = ?1 THEN 1 WHEN stale = 0 THEN 2 ELSE stale END
       WHERE kind = 'rollup' AND replaced_by = 0 AND from_day >= ?1`,
      day,
    );
  }

  setStale(no: number, stale: number): void {
    this.#run("UPDATE reading_file SET stale = ? WHERE no = ?", stale, no);
  }

  /** The calendar by which days are cut: the wanted one at the first start, and ever after the one of then. */
  calendar(wanted: GasCalendarSettings): GasCalendarSettings {
    this.#run(
      "INSERT OR IGNORE INTO reading_calendar (one, zone, start_minute) VALUES (1, ?, ?)",
      wanted.zone,
      wanted.startMinute,
    );
    const row = this.#db
      .prepare("SELECT zone, start_minute FROM reading_calendar WHERE one = 1")
      .get();
    return { zone: String(row?.["zone"]), startMinute: Number(row?.["start_minute"]) };
  }

  /** The number of a reason in words; the same words have one number. */
  reasonNo(reason: string): number {
    this.#run("INSERT OR IGNORE INTO reading_reason (reason) VALUES (?)", reason);
    const row = this.#db.prepare("SELECT no FROM reading_reason WHERE reason = ?").get(reason);
    return Number(row?.["no"]);
  }

  reason(no: number): string | undefined {
    const row = this.#db.prepare("SELECT reason FROM reading_reason WHERE no = ?").get(no);
    return row === undefined ? undefined : String(row["reason"]);
  }

  /** What SQLite itself says of its file. */
  integrity(): string {
    const row = this.#db.prepare("PRAGMA integrity_check(1)").get();
    return String(row?.["integrity_check"]);
  }

  #number(sql: string): number {
    const row = this.#db.prepare(`SELECT (${sql}) AS value`).get();
    return Number(row?.["value"] ?? 0);
  }

  // node:sqlite cannot know a row's type; the statement fixes it.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  #all<Row>(sql: string): readonly Row[] {
    return this.#db.prepare(sql).all() as unknown as readonly Row[];
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values);
  }
}

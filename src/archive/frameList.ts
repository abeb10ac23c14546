/** Which archive files count, on a connection of the ledger; written by the one writer. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { UplinkRow } from "#ports/ledger.ts";

/** Folder of the archive in the data directory. */
export const frameFolderName = "frames";

export interface FrameFileRow {
  readonly no: number;
  readonly name: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly rows: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** Rows of the ledger up to this number are removed already. */
  readonly removedTo: number;
}

export interface FrameTime {
  readonly seq: number;
  readonly atMs: number;
}

const columns = `no, name, first_seq AS firstSeq, last_seq AS lastSeq, row_count AS rows,
  chunk_count AS chunks, size AS bytes, first_at AS firstAtMs, last_at AS lastAtMs,
  removed_to AS removedTo`;

/** A frame that was refused stays in the ledger with its entry in the quarantine, for it may be decoded again. */
const isFree = "NOT EXISTS (SELECT 1 FROM quarantine AS q WHERE q.uplink_seq = u.seq)";

export class FrameList {
  readonly #db: DatabaseSync;
  readonly #atOrBefore: StatementSync;
  readonly #after: StatementSync;
  readonly #frames: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    const frame = "SELECT seq, received_at AS atMs FROM uplink";
    this.#atOrBefore = db.prepare(`${frame} WHERE seq <= ? ORDER BY seq DESC LIMIT 1`);
    this.#after = db.prepare(`${frame} WHERE seq > ? ORDER BY seq LIMIT 1`);
    this.#frames = db.prepare(
      `SELECT u.seq, u.meter_no AS meterNo, u.route, u.protocol, u.received_at AS receivedAtMs,
         u.outcome, u.bytes FROM uplink AS u
       WHERE u.seq > ? AND u.seq <= ? AND ${isFree} ORDER BY u.seq`,
    );
  }

  /** Files that count and hold a higher number, by their numbers. */
  files(afterSeq = 0): readonly FrameFileRow[] {
    const statement = this.#db.prepare(
      `SELECT ${columns} FROM frame_file WHERE dropped = 0 AND last_seq > ? ORDER BY first_seq`,
    );
    return statement.all(afterSeq) as unknown as readonly FrameFileRow[];
  }

  /** Names of files that count no more. */
  droppedNames(): readonly string[] {
    return this.#db
      .prepare("SELECT name FROM frame_file WHERE dropped <> 0")
      .all()
      .map(({ name }) => String(name));
  }

  get nextNo(): number {
    return this.#number("SELECT max(no) FROM frame_file") + 1;
  }

  /** Frames up to this number are in the archive or stay where they are. */
  get archivedTo(): number {
    return this.#number("SELECT max(last_seq) FROM frame_file");
  }

  /** The newest frame of all, which stays in the ledger: numbers go on from it. */
  get newestSeq(): number {
    return this.#number("SELECT max(seq) FROM uplink");
  }

  /** Number and time of the first frame behind a number. */
  frameAfter(seq: number): FrameTime | undefined {
    return this.#after.get(seq) as unknown as FrameTime | undefined;
  }

  /** The same of the last one that is not behind it. */
  frameUpTo(seq: number): FrameTime | undefined {
    return this.#atOrBefore.get(seq) as unknown as FrameTime | undefined;
  }

  frames(afterSeq: number, toSeq: number): Iterable<UplinkRow> {
    return this.#frames.iterate(afterSeq, toSeq) as Iterable<unknown> as Iterable<UplinkRow>;
  }

  /** Lists the file: from now on its frames may leave the ledger. */
  put(file: Omit<FrameFileRow, "removedTo">): void {
    this.#transaction(() => {
      this.#db
        .prepare(
          `INSERT INTO frame_file (no, name, first_seq, last_seq, row_count, chunk_count, size,
             first_at, last_at, removed_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[file.no, file.name, file.firstSeq, file.lastSeq, file.rows, file.chunks],
          ...[file.bytes, file.firstAtMs, file.lastAtMs, file.firstSeq - 1],
        );
    });
  }

  /** Removes these frames of the file from the ledger: some at a commit, so that no batch waits for all. */
  remove(fileNo: number, seqs: readonly number[]): void {
    this.#transaction(() => {
      const remove = this.#db.prepare("DELETE FROM uplink WHERE seq = ?");
      for (const seq of seqs) remove.run(seq);
      this.#db
        .prepare("UPDATE frame_file SET removed_to = ? WHERE no = ?")
        .run(seqs.at(-1) ?? 0, fileNo);
    });
  }

  #transaction(change: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      change();
      this.#db.exec("COMMIT");
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw cause;
    }
  }

  #number(sql: string): number {
    return Number(this.#db.prepare(`SELECT (${sql}) AS value`).get()?.["value"] ?? 0);
  }
}

/** The ledger's file, opened by its one writer: its log is checked before SQLite takes from it what it likes. */
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Disk, DiskFile } from "#ports/disk.ts";
import type { LedgerOpening } from "#ports/ledger.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { damaged } from "../ledgerError.ts";
import { pageSums } from "./pageSums.ts";
import { LedgerPages, logCounter, openGuard, openWriting, type LogCounts } from "./ledgerPages.ts";
import { loadSums, sumsFileName, type Sums } from "./sumsFile.ts";
import { pageBytes, readWal } from "./walFile.ts";

const walKeptBytesMax = 64 * 1024 * 1024;
const cacheKibibytes = 64 * 1024;
/** 16 MiB: without a keeper the writer waits at a checkpoint, so there are few. */
const waitingFramesMax = 4_000;
const commitsBetweenLooks = 16;

/** Who is told of it. */
export interface LedgerWatch {
  /** Pages are not as they were written. */
  onDamage(places: readonly DamagedPlace[]): void;
  /** A checkpoint came to nothing; it is tried again. */
  onFailure(cause: unknown): void;
}

/** To be made without a connection of this process to the file: see `LedgerPagesParts.main`. */
export class LedgerFile {
  readonly db: DatabaseSync;
  readonly opening: LedgerOpening;
  readonly #watch: LedgerWatch;
  readonly #path: string;
  readonly #disk: Disk;
  readonly #main: DiskFile;
  readonly #guards: readonly [DatabaseSync, DatabaseSync];
  readonly #counts: () => LogCounts;
  /** null: a keeper on another thread has them. */
  #pages: LedgerPages | null = null;
  #commits = 0;

  constructor(path: string, watch: LedgerWatch, disk: Disk = nodeDisk) {
    this.#path = path;
    this.#disk = disk;
    this.#watch = watch;
    const { sums, ...opening } = sumsBefore(disk, path);
    this.opening = opening;
    this.#main = disk.open(path);
    const guard = openGuard(path);
    this.db = openWriting(path);
    this.#guards = [guard, openGuard(path)];
    kept.add(this);
    try {
      this.db.exec(`PRAGMA journal_size_limit = ${walKeptBytesMax};
        PRAGMA cache_size = -${cacheKibibytes};
        PRAGMA temp_store = MEMORY`);
      if (opening.origin === "made" || opening.origin === "remade") checkStructure(this.db);
      this.#counts = logCounter(this.db);
      this.#pages = this.#opened(sums);
      this.#pages.checkpoint();
    } catch (cause) {
      this.abandon();
      throw cause;
    }
  }

  #opened(sums: Sums): LedgerPages {
    return new LedgerPages({
      disk: this.#disk,
      path: this.#path,
      sumsPath: sumsPathOf(this.#path),
      db: this.db,
      pin: this.#guards[0],
      main: this.#main,
      sums,
      onDamage: (places) => this.#watch.onDamage(places),
    });
  }

  /** Frames of the log that are not in the main file. */
  waitingFrames(): number {
    const { log, checkpointed } = this.#counts();
    return log - checkpointed;
  }

  /** After a commit: checkpoints when much waits and nobody else does. The commit stands, whatever becomes of it. */
  committed(): void {
    this.#commits += 1;
    if (this.#pages === null || this.#commits % commitsBetweenLooks !== 0) return;
    try {
      if (this.waitingFrames() >= waitingFramesMax) this.#pages.checkpoint();
    } catch (cause) {
      this.#watch.onFailure(cause);
    }
  }

  /** From here on a keeper checkpoints; what it needs. */
  handOver(): { readonly path: string; readonly sumsPath: string } {
    this.#pages?.close();
    this.#pages = null;
    return { path: this.#path, sumsPath: sumsPathOf(this.#path) };
  }

  /** The keeper has ended. */
  takeBack(): void {
    if (this.#pages !== null) return;
    const sums = loadSums(this.#disk, sumsPathOf(this.#path));
    if (typeof sums === "string") throw damaged(new TypeError(`${sumsFileName} is ${sums}`));
    this.#pages = this.#opened(sums);
  }

  /** Everything goes into the main file, and the log away; what a reader still holds back stays in the log. */
  close(): void {
    try {
      this.takeBack();
      const { log, checkpointed } = this.#pages?.checkpoint() ?? { log: 1, checkpointed: 0 };
      const connections = [this.db, ...this.#guards];
      // The last that closes takes the log away; a guard may not.
      if (log === checkpointed) connections.reverse();
      for (const connection of connections) connection.close();
      this.#pages?.closed(statSync(this.#path, { bigint: true }).mtimeNs);
    } finally {
      this.abandon();
    }
  }

  /** Without a checkpoint, as when the process is killed. */
  abandon(): void {
    for (const connection of [this.db, ...this.#guards]) if (connection.isOpen) connection.close();
    this.#pages?.close();
    this.#pages = null;
    if (kept.delete(this)) this.#main.close();
  }
}

/** A ledger that nobody holds any more would be closed, and so checkpointed, in the order of chance. */
const kept = new Set<LedgerFile>();

/** For callers with nobody to tell: whoever walks the pages finds the same. */
export const unwatched: LedgerWatch = { onDamage: () => undefined, onFailure: () => undefined };

function sumsPathOf(path: string): string {
  return join(dirname(path), sumsFileName);
}

/** The sums to begin with. Throws LEDGER_CORRUPT when transactions in the log would be dropped at the opening. */
function sumsBefore(disk: Disk, path: string): LedgerOpening & { readonly sums: Sums } {
  const isNew = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
  const loaded = isNew ? "missing" : loadSums(disk, sumsPathOf(path));
  const known = typeof loaded === "string" ? nothingKnown : loaded;
  const bad = isNew ? null : readWal(disk, `${path}-wal`, known, "whole").damagedFrame;
  if (bad !== null) {
    const why = `${path}-wal, frame ${bad}: transactions from here on cannot be read`;
    throw damaged(new TypeError(why));
  }
  prepare(disk, path);
  if (typeof loaded === "string") {
    const origin = isNew ? "new" : loaded === "missing" ? "made" : "remade";
    return { origin, isTouched: false, sums: { ...nothingKnown, pages: sumsOf(disk, path) } };
  }
  const { closedNs } = loaded;
  const isTouched = closedNs !== 0n && closedNs !== statSync(path, { bigint: true }).mtimeNs;
  return { origin: "kept", isTouched, sums: loaded };
}

const nothingKnown: Sums = {
  salts: 0n,
  settled: 0,
  durable: 0,
  pages: new Uint32Array(),
  isBegun: true,
  closedNs: 0n,
};

/** What SQLite writes past the log: the first page of a new file, and that there is to be a log. */
function prepare(disk: Disk, path: string): void {
  const versions = new Uint8Array(2);
  if (existsSync(path)) {
    const file = disk.open(path);
    file.read(versions, 18);
    file.close();
  }
  if (versions.every((version) => version === 2)) return;
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL`);
  } finally {
    db.close();
  }
}

function sumsOf(disk: Disk, path: string): Uint32Array {
  const file = disk.open(path);
  const count = Math.ceil(file.sizeBytes() / pageBytes);
  const all = Uint32Array.from({ length: count }, (_none, place) => place + 1);
  const sums = pageSums(file, all);
  file.close();
  return sums;
}

function checkStructure(db: DatabaseSync): void {
  const found = String(db.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"]);
  if (found !== "ok") throw damaged(new TypeError(found));
}

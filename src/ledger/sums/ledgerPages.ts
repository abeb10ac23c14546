/**
 * Checkpoints of the ledger with the sums of the pages that they write. Nobody else writes pages into the main file, so
 * a page whose sum does not fit was changed by a fault or by another program.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Disk, DiskFile } from "#ports/disk.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { damaged } from "../ledgerError.ts";
import { openIfThere } from "./openIfThere.ts";
import { pageSums } from "./pageSums.ts";
import { SumsFile, type Sums } from "./sumsFile.ts";
import { readWal, walSalts, type WalFrames } from "./walFile.ts";

const busyTimeoutMs = 5_000;

/** Frames of the log, and how many of them are in the main file. */
export interface LogCounts {
  readonly log: number;
  readonly checkpointed: number;
}

/** A connection that writes, and never checkpoints by itself. */
export function openWriting(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
  db.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL");
  return db;
}

/**
 * A connection that only reads. The last one to close a ledger checkpoints it; as long as this one is open no other is
 * the last, and it may not. A thread that ends closes its connections in no order that is promised: one of these stands
 * before each that writes and one behind it.
 */
export function openGuard(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  db.prepare("SELECT count(*) FROM sqlite_schema").get();
  return db;
}

/** Counts of the log without a checkpoint. */
export function logCounter(db: DatabaseSync): () => LogCounts {
  const noop = db.prepare("PRAGMA wal_checkpoint(NOOP)");
  return () => countsOf(noop);
}

function countsOf(checkpoint: StatementSync): LogCounts {
  const row = checkpoint.get();
  return { log: Number(row?.["log"]), checkpointed: Number(row?.["checkpointed"]) };
}

export interface LedgerPagesParts {
  readonly disk: Disk;
  /** Of the ledger's main file. */
  readonly path: string;
  readonly sumsPath: string;
  /** Writes; in no transaction when it is asked. */
  readonly db: DatabaseSync;
  readonly pin: DatabaseSync;
  /** Closed by the caller, and not before the connections: closing a file gives up the process's locks on it. */
  readonly main: DiskFile;
  readonly sums: Sums;
  readonly onDamage: (places: readonly DamagedPlace[]) => void;
}

export class LedgerPages {
  readonly #parts: LedgerPagesParts;
  readonly #sums: SumsFile;
  readonly #counts: () => LogCounts;
  readonly #passive: StatementSync;

  constructor(parts: LedgerPagesParts) {
    this.#parts = parts;
    this.#sums = new SumsFile(parts.disk, parts.sumsPath, parts.sums);
    this.#counts = logCounter(parts.db);
    this.#passive = parts.db.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  }

  get pageCount(): number {
    return this.#sums.sums.pages.length;
  }

  /** Notes how much of the log is durable, so that damage to its end is told from a torn tail. */
  counts(): LogCounts {
    const file = openIfThere(this.#parts.disk, `${this.#parts.path}-wal`);
    try {
      const salts = file === null ? 0n : walSalts(file);
      const counts = this.#counts();
      // Between the two the log may have begun anew.
      const isSame = file !== null && counts.log > 0 && salts !== 0n && walSalts(file) === salts;
      if (isSame) this.#sums.durable(salts, counts.log);
      return counts;
    } finally {
      file?.close();
    }
  }

  /**
   * Brings what can be brought into the main file, and then its sums. The pinned snapshot keeps the log from beginning
   * anew before the sums are on the medium. Throws LEDGER_CORRUPT, and checkpoints nothing, when the log is damaged.
   */
  checkpoint(): LogCounts {
    const before = this.#counts();
    if (before.log <= before.checkpointed) return before;
    const { pin } = this.#parts;
    pin.exec("BEGIN");
    try {
      pin.prepare("SELECT count(*) FROM sqlite_schema").get();
      return this.#settle(before);
    } finally {
      pin.exec("ROLLBACK");
    }
  }

  #settle(before: LogCounts): LogCounts {
    const former = this.#sums.sums;
    const first = this.#frames(before.log);
    if (!former.isBegun) this.#lookAt(Uint32Array.from(new Set(first.pages)).sort());
    this.#sums.begin();
    const { log, checkpointed } = countsOf(this.#passive);
    // Negative: another program was at a checkpoint of its own.
    const safe = Math.max(checkpointed, before.checkpointed);
    // What was committed while the checkpoint ran it did not see.
    const part = upTo(log, log <= endOf(first) ? first : this.#frames(log, first));
    const settled = former.salts === part.salts ? Math.max(former.settled, safe) : safe;
    const place = { salts: part.salts, settled, durable: Math.max(log, before.log) };
    const pages = part.commits.findLast((count) => count !== 0) ?? former.pages.length;
    this.#sums.done(place, pages, this.#changed(part, safe, former.pages.length, pages));
    return { log, checkpointed: safe };
  }

  /** Behind what is settled; `read` has the first of them, and no more than the others is read. */
  #frames(least: number, read?: WalFrames): WalFrames {
    const { salts, settled } = read ? { ...read, settled: endOf(read) } : this.#sums.sums;
    const known = { salts, settled, durable: least };
    const part = readWal(this.#parts.disk, `${this.#parts.path}-wal`, known, "new");
    if (part.damagedFrame !== null || endOf(part) < least) {
      throw damaged(new TypeError(`its log is damaged in frame ${endOf(part) + 1}`));
    }
    return read?.salts === part.salts && endOf(read) === part.after ? joined(read, part) : part;
  }

  /**
   * SQLite writes a page when its last frame may be written, and passes over one that has a later frame. New pages that
   * no frame gave a content are taken as they lie in the file.
   */
  #changed(part: WalFrames, safe: number, before: number, pages: number): Uint32Array {
    const last = new Map<number, number>();
    for (const [place, page] of part.pages.entries()) last.set(page, place);
    const changed: number[] = [];
    for (const [page, place] of last) {
      const isWritten = part.after + place + 1 <= safe && page <= pages;
      if (isWritten) changed.push(page, part.sums[place] ?? 0);
      else last.delete(page);
    }
    const grown: number[] = [];
    for (let page = before + 1; page <= pages; page += 1) if (!last.has(page)) grown.push(page);
    const found = pageSums(this.#parts.main, grown);
    for (const [place, page] of grown.entries()) changed.push(page, found[place] ?? 0);
    return Uint32Array.from(changed);
  }

  /** Compares so many pages from this one on with their sums; returns the next one, 1 behind the last. */
  look(fromPage: number, countMax: number): number {
    const end = Math.min(fromPage + countMax, this.pageCount + 1);
    const count = Math.max(0, end - fromPage);
    this.#lookAt(Uint32Array.from({ length: count }, (_none, place) => fromPage + place));
    return end > this.pageCount ? 1 : end;
  }

  /** A page that does not fit is told, also before it is overwritten: what is written was made from it. */
  #lookAt(pages: Uint32Array): void {
    const known = this.#sums.sums.pages;
    const places: DamagedPlace[] = [];
    const summed = pages.filter((page) => (known[page - 1] ?? 0) !== 0);
    const found = pageSums(this.#parts.main, summed);
    for (const [place, page] of summed.entries()) {
      if (found[place] !== known[page - 1]) places.push(damagedPage(this.#parts.path, page));
    }
    if (places.length > 0) this.#parts.onDamage(places);
  }

  closed(changedNs: bigint): void {
    this.#sums.closed(changedNs);
  }

  /** The sums are as they were last; nothing is checkpointed any more. */
  close(): void {
    this.#sums.close();
  }
}

function endOf({ after, pages }: WalFrames): number {
  return after + pages.length;
}

function joined(one: WalFrames, next: WalFrames): WalFrames {
  return {
    ...one,
    pages: [...one.pages, ...next.pages],
    sums: [...one.sums, ...next.sums],
    commits: [...one.commits, ...next.commits],
  };
}

function upTo(log: number, { salts, after, pages, sums, commits }: WalFrames): WalFrames {
  const end = Math.max(0, log - after);
  return {
    salts,
    after,
    pages: pages.slice(0, end),
    sums: sums.slice(0, end),
    commits: commits.slice(0, end),
  };
}

/** `chunk` is the number of the page. */
export function damagedPage(file: string, page: number): DamagedPlace {
  const what = "page is not as it was written by this program";
  return { file, chunk: page, fault: { kind: "checksumMismatch", what } };
}

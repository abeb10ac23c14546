/**
 * Keeps the ledger's file beside its writer: checkpoints often and little, so that no commit waits long for the disk,
 * and walks all pages after the start and once a day.
 */
import type { DatabaseSync } from "node:sqlite";
import { dayMs, secondMs } from "#domain/units.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { damaged } from "../ledgerError.ts";
import { LedgerPages, openGuard, openWriting } from "./ledgerPages.ts";
import { loadSums } from "./sumsFile.ts";

/** 4 MiB of pages: what a disk takes in some milliseconds. */
const framesAtOnce = 1_000;
const restMs = 10 * secondMs;
/** 64 MiB: from here on the writer waits for the rest of a checkpoint, so that the log can begin anew. */
const logFramesMax = 16_000;
/** 2 MiB a look. */
const pagesALook = 512;

export interface LedgerKeeperParts {
  /** Of the ledger's main file, which a `LedgerFile` has opened and handed over. */
  readonly path: string;
  readonly sumsPath: string;
  readonly onDamage: (places: readonly DamagedPlace[]) => void;
}

export class LedgerKeeper {
  readonly #pages: LedgerPages;
  readonly #connections: readonly DatabaseSync[];
  readonly #blocker: DatabaseSync;
  #checkpointDueMs = -Infinity;
  #walkDueMs = -Infinity;
  #nextPage = 1;

  constructor({ path, sumsPath, onDamage }: LedgerKeeperParts) {
    const sums = loadSums(nodeDisk, sumsPath);
    if (typeof sums === "string") throw damaged(new TypeError(`${sumsPath} is ${sums}`));
    const pin = openGuard(path);
    const db = openWriting(path);
    this.#blocker = openWriting(path);
    this.#connections = [pin, db, this.#blocker, openGuard(path)];
    // Never closed: that would give up the locks of the writer's connections, which are the same process's.
    const main = nodeDisk.open(path);
    this.#pages = new LedgerPages({
      disk: nodeDisk,
      path,
      sumsPath,
      db,
      pin,
      main,
      sums,
      onDamage,
    });
  }

  /** To be asked some times a second. Throws what a checkpoint met; what is asked next tries again. */
  look(nowMs: number): void {
    const { log, checkpointed } = this.#pages.counts();
    const waiting = log - checkpointed;
    const isDue = waiting >= framesAtOnce || (waiting > 0 && nowMs >= this.#checkpointDueMs);
    if (!isDue) {
      this.#walk(nowMs);
      return;
    }
    this.#checkpointDueMs = nowMs + restMs;
    const after = this.#pages.checkpoint();
    if (after.log > logFramesMax && after.checkpointed < after.log) this.#finish();
  }

  /** Under load a commit always comes while pages are written: the writer is held for the few that are left. */
  #finish(): void {
    this.#blocker.exec("BEGIN IMMEDIATE");
    try {
      this.#pages.checkpoint();
    } finally {
      this.#blocker.exec("ROLLBACK");
    }
  }

  #walk(nowMs: number): void {
    if (nowMs < this.#walkDueMs) return;
    this.#nextPage = this.#pages.look(this.#nextPage, pagesALook);
    if (this.#nextPage === 1) this.#walkDueMs = nowMs + dayMs;
  }

  /** The rest is the writer's, which takes the sums back. */
  close(): void {
    for (const connection of this.#connections) connection.close();
    this.#pages.close();
  }
}

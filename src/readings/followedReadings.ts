/**
 * The store seen from beside its writer, on a read-only connection: it keeps its own copy of what is hot by following
 * the batches, and opens the files that the manifest lists.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Disk } from "#ports/disk.ts";
import { HotBatchCodec } from "./hotBatch.ts";
import { HotRows } from "./hotRows.ts";
import { JoinedReadings } from "./joinedReadings.ts";
import { Manifest } from "./manifest.ts";
import { SegmentFiles } from "./segmentFiles.ts";
import { StoredOrder } from "./storedOrder.ts";

/** The writer may replace a file between its list and our opening it; the next list has the other one. */
const attemptsMax = 5;

export class FollowedReadings {
  /** As of the last `refresh`. */
  readonly reads: JoinedReadings;
  /** The same in the order of storing. */
  readonly order: StoredOrder;
  readonly #db: DatabaseSync;
  readonly #manifest: Manifest;
  readonly #files: SegmentFiles;
  readonly #codec = new HotBatchCodec();
  #hot = new HotRows();
  #seenBatch = 0;
  #flushedTo = 0;
  /** Every change of the list makes a file, so its next number tells. */
  #nextFileNo = 0;
  #newestSeq = 0;
  #seenChange: unknown;

  constructor(db: DatabaseSync, disk: Disk, folder: string) {
    this.#db = db;
    this.#manifest = new Manifest(db);
    this.#files = new SegmentFiles(disk, folder);
    this.reads = new JoinedReadings(this.#files, () => [this.#hot]);
    this.order = new StoredOrder(this.#files, () => this.#hot);
  }

  /** The highest number of a reading; 0 where there is none. */
  get newestSeq(): number {
    return this.#newestSeq;
  }

  /** Brings it to what is committed now. Files that were open stay readable until then. */
  refresh(): void {
    for (let attempt = 1; ; attempt += 1) {
      this.#db.exec("BEGIN");
      try {
        const change = this.#db.prepare("PRAGMA data_version").get()?.["data_version"];
        if (change === this.#seenChange) return;
        if (this.#follow(attempt === attemptsMax)) {
          this.#seenChange = change;
          return;
        }
      } finally {
        this.#db.exec("COMMIT");
      }
    }
  }

  close(): void {
    this.#files.close();
  }

  /** Within one read of the database. False: a file went away meanwhile, and nothing has changed here. */
  #follow(isHeld: boolean): boolean {
    const manifest = this.#manifest;
    const { flushedTo, nextFileNo } = manifest;
    if (nextFileNo !== this.#nextFileNo && !this.#files.follow(manifest, isHeld)) return false;
    this.#nextFileNo = nextFileNo;
    if (flushedTo > this.#flushedTo) {
      this.#hot = this.#hot.since(flushedTo);
      this.#flushedTo = flushedTo;
      this.#seenBatch = Math.max(this.#seenBatch, flushedTo);
      this.#files.loseBatches(manifest.damagedBatches());
    }
    for (const { no, bytes } of manifest.batches(Number.MAX_SAFE_INTEGER, this.#seenBatch)) {
      if (this.#hot.add(this.#codec, no, bytes)) this.#files.loseBatches([no]);
      else this.order.noteBatch(this.#hot.batches.at(-1));
      this.#seenBatch = no;
    }
    this.#newestSeq = manifest.newestSeqAfter(this.#seenBatch);
    return true;
  }
}

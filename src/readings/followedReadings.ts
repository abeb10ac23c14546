/**
 * The store seen from beside its writer, on a read-only connection: it keeps its own copy of what is hot by following
 * the batches, and opens the files that the manifest lists.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Disk } from "#ports/disk.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { HotRows } from "./hotRows.ts";
import { JoinedReadings } from "./joinedReadings.ts";
import { Manifest } from "./manifest.ts";
import { SegmentFiles, type ListedFile } from "./segmentFiles.ts";
import { StoredOrder } from "./storedOrder.ts";
import { verifyFiles, verifyManifest } from "./verifyStore.ts";

/** The writer may replace a file between its list and our opening it; the next list has the other one. */
const attemptsMax = 5;

/** What a verification found; the first damaged place stands first. */
export interface StoreVerdict {
  readonly ok: boolean;
  readonly files: number;
  /** Hot ones. */
  readonly batches: number;
  readonly damage: readonly DamagedPlace[];
}

export class FollowedReadings {
  /** As of the last `refresh`. */
  readonly reads: JoinedReadings;
  /** The same in the order of storing. */
  readonly order: StoredOrder;
  readonly #db: DatabaseSync;
  readonly #manifest: Manifest;
  readonly #files: SegmentFiles;
  #hot = new HotRows();
  #seenBatch = 0;
  #flushedTo = 0;
  /** Every change of the list makes a file, so its next number tells. */
  #nextFileNo = 0;
  #newestSeq = 0;
  readonly #dataVersion: StatementSync;
  #seenChange: unknown;

  constructor(db: DatabaseSync, disk: Disk, folder: string) {
    this.#db = db;
    this.#dataVersion = db.prepare("PRAGMA data_version");
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
    // Nearly always nothing has changed, and a transaction to see that would cost more than the answer.
    if (this.#change() === this.#seenChange) return;
    for (let attempt = 1; ; attempt += 1) {
      this.#db.exec("BEGIN");
      try {
        const change = this.#change();
        if (this.#follow(attempt === attemptsMax)) {
          this.#seenChange = change;
          return;
        }
      } finally {
        this.#db.exec("COMMIT");
      }
    }
  }

  /** All of the store against its checksums and counts, also while it is written: as of one instant. */
  verify(): StoreVerdict {
    this.refresh();
    this.#db.exec("BEGIN");
    let listed: readonly ListedFile[];
    let inLedger: readonly DamagedPlace[];
    let batches = 0;
    try {
      this.#follow(true);
      listed = this.#files.listed(this.#manifest);
      inLedger = verifyManifest(this.#manifest);
      batches = this.#hot.batches.length;
    } finally {
      this.#db.exec("COMMIT");
    }
    // Open files stay readable when the writer drops them meanwhile.
    const damage = [...inLedger, ...verifyFiles(listed)];
    return { ok: damage.length === 0, files: listed.length, batches, damage };
  }

  close(): void {
    this.#files.close();
  }

  /** Another number when another connection has committed since. */
  #change(): unknown {
    return this.#dataVersion.get()?.["data_version"];
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
      if (this.#hot.add(no, bytes)) this.#files.loseBatches([no]);
      else this.order.noteBatch(this.#hot.batches.at(-1));
      this.#seenBatch = no;
    }
    this.#newestSeq = manifest.newestSeqAfter(this.#seenBatch);
    return true;
  }
}

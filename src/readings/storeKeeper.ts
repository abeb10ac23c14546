/**
 * Sees to flushes, merges and roll-ups beside a writer that must not wait: asked after every batch and by the clock, it
 * starts what is due on its own worker and lists what was made between two batches.
 */
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { SegmentedReadings } from "./segmentedReadings.ts";
import { isRemake, type Work, type WorkRunner } from "./work.ts";

/** The files are looked at so often; between that only a hot part that is full is work. */
const lookEveryMs = 60_000;

/** A worker that does the store's work, and ends when it is told to. */
export interface KeeperWorker extends WorkRunner {
  end(): void;
}

export interface KeeperParts {
  readonly store: SegmentedReadings;
  /** Starts a worker; again when one has failed. */
  startWorker(): KeeperWorker;
  /** Damage that was not told before. */
  onDamage(places: readonly DamagedPlace[]): void;
  /** The file of a damaged roll-up was put aside, and made again. */
  onRemade(file: string): void;
  /** Months of readings were let go: all before the instant, and how many rows they had. */
  onRetired(beforeMs: number, rows: number): void;
  /** Work came to nothing; it is tried again. */
  onFailure(cause: unknown): void;
}

export class StoreKeeper {
  readonly #parts: KeeperParts;
  #worker: KeeperWorker | undefined;
  #isBusy = false;
  #isStopped = false;
  #nextLookMs = -Infinity;
  /** After a failure nothing is tried before the next look. */
  #isResting = false;
  readonly #damageTold = new WeakSet<DamagedPlace>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** Cheap when nothing is due. Returns when what was due is done, for whoever wants to wait. */
  async look(nowMs: number): Promise<void> {
    const { store } = this.#parts;
    const isDue = nowMs >= this.#nextLookMs || (store.isFull && !this.#isResting);
    if (!isDue || this.#isBusy || this.#isStopped) return;
    this.#isBusy = true;
    this.#isResting = false;
    this.#nextLookMs = nowMs + lookEveryMs;
    const retiredRows = store.retired.rows;
    try {
      // The worker is started by the first piece of work, not by a look that finds none.
      const run = (work: Work) => {
        // What this work puts an end to is told before it.
        this.#tellDamage();
        return (this.#worker ??= this.#parts.startWorker()).run(work);
      };
      await store.maintain({ run }, nowMs, (work) => this.#tellRemade(work));
      this.#isResting = store.isFull;
    } catch (cause) {
      this.#fail(cause);
    } finally {
      this.#isBusy = false;
    }
    // Behind a stop the ledger is closed, and there is nobody left to tell.
    if (this.#isStopped) return;
    this.#tellDamage();
    const { beforeMs, rows } = store.retired;
    if (rows > retiredRows) this.#parts.onRetired(beforeMs, rows - retiredRows);
  }

  /** What others met in its files: what can be made again is, at the next look. */
  noteDamage(places: readonly DamagedPlace[]): void {
    this.#parts.store.noteDamage(places);
    this.#nextLookMs = -Infinity;
  }

  /** What is being made is given up: it is not listed, so nothing is lost. */
  stop(): void {
    this.#isStopped = true;
    this.#worker?.end();
  }

  #fail(cause: unknown): void {
    this.#isResting = true;
    this.#worker?.end();
    this.#worker = undefined;
    if (!this.#isStopped) this.#parts.onFailure(cause);
  }

  #tellDamage(): void {
    const places = this.#parts.store.damage().filter((place) => !this.#damageTold.has(place));
    for (const place of places) this.#damageTold.add(place);
    if (places.length > 0) this.#parts.onDamage(places);
  }

  #tellRemade(work: Work): void {
    if (isRemake(work) && work.former !== null) this.#parts.onRemade(work.former.name);
  }
}

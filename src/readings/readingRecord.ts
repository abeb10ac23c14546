/**
 * The engine's half of the store: readings one by one within the ledger's transaction, written as one hot batch before
 * its commit. Look-ups see what the open transaction has put.
 */
import { invariant } from "#domain/invariant.ts";
import type { StoredReading } from "#domain/reading.ts";
import { dayMs, hourMs, timestampMs } from "#domain/units.ts";
import { batchRowsMax } from "./hotBatch.ts";
import type { Manifest } from "./manifest.ts";
import { MeterWindow } from "./meterWindow.ts";
import { columnsOf, type VersionRow } from "./readingWords.ts";
import { isMeterNo, isTime, type SegmentedReadings } from "./segmentedReadings.ts";

/** A revision's number is its batch's, times this, and its place: later ones are higher, and nobody looks one up. */
const revisionsPerBatch = 2 ** 20;

/**
 * Of a late reading's meter so much is read at once: a daily upload asks for its midnights of up to a week, for each of
 * its hours, and then for what lies after the fold before them.
 */
const readBehindMs = dayMs + 2 * hourMs;
const readAheadMs = 8 * dayMs;

export class ReadingRecord {
  readonly #store: SegmentedReadings;
  readonly #manifest: Manifest;
  #pending: VersionRow[] = [];
  /** The same as they are in force, place by place; by meter up to the last look-up. */
  #rows: StoredReading[] = [];
  #changed = new Map<number, Map<number, StoredReading>>();
  #changedTo = 0;
  /** What was committed of the meter that was looked up last. */
  readonly #window = new MeterWindow();

  constructor(store: SegmentedReadings, manifest: Manifest) {
    this.#store = store;
    this.#manifest = manifest;
  }

  /** The highest number of a reading; 0 where there is none. */
  get newestSeq(): number {
    return this.#store.newestSeq;
  }

  put(row: StoredReading): void {
    checkPlace(row);
    this.#pending.push(row);
    this.#rows.push(row);
  }

  /** A further version of a stored reading, which is in force from now on; the former ones stay with their reasons. */
  revise(row: StoredReading, reason: string, atMs: number): void {
    checkPlace(row);
    const place = this.#pending.length;
    invariant(place < revisionsPerBatch, "one transaction revises a bounded number of readings");
    this.#pending.push({
      ...row,
      reasonNo: this.#manifest.reasonNo(reason),
      revision: this.#store.nextBatchNo * revisionsPerBatch + place,
      revisedAtMs: timestampMs(atMs),
    });
    this.#rows.push(row);
  }

  at(meterNo: number, measuredAtMs: number): readonly StoredReading[] {
    return this.#read(meterNo, measuredAtMs - 1, measuredAtMs, {
      fromMs: measuredAtMs - readBehindMs,
      toMs: measuredAtMs + readAheadMs,
    });
  }

  /** In time order, `fromMs` exclusive. */
  after(meterNo: number, fromMs: number): readonly StoredReading[] {
    return this.#read(meterNo, fromMs, Infinity, { fromMs, toMs: Infinity });
  }

  /** Before the commit: everything put becomes part of the transaction. */
  seal(): void {
    for (let from = 0; from < this.#pending.length; from += batchRowsMax) {
      this.#store.append(columnsOf(this.#pending.slice(from, from + batchRowsMax)));
    }
  }

  committed(): void {
    this.#forget();
    this.#store.committed();
  }

  rolledBack(): void {
    this.#forget();
    this.#store.rolledBack();
  }

  #forget(): void {
    this.#pending = [];
    this.#rows = [];
    this.#changed = new Map();
    this.#changedTo = 0;
    this.#window.forget();
  }

  /** What the open transaction has put of the meter. Most batches bring new readings only, and ask for nothing. */
  #changedOf(meterNo: number): ReadonlyMap<number, StoredReading> | undefined {
    for (; this.#changedTo < this.#rows.length; this.#changedTo += 1) {
      const row = this.#rows[this.#changedTo];
      if (row === undefined) break;
      const readings = this.#changed.get(row.meterNo);
      if (readings === undefined) this.#changed.set(row.meterNo, new Map([[row.seq, row]]));
      else readings.set(row.seq, row);
    }
    return this.#changed.get(meterNo);
  }

  #read(
    meterNo: number,
    fromMs: number,
    toMs: number,
    wide: { readonly fromMs: number; readonly toMs: number },
  ): readonly StoredReading[] {
    const { reads } = this.#store;
    if (!this.#window.holds({ meterNo, fromMs, toMs: Math.min(toMs, reads.lastMs) })) {
      this.#window.find(reads, { meterNo, ...wide });
    }
    const known = this.#window.between(fromMs, toMs);
    const changed = this.#changedOf(meterNo);
    if (changed === undefined) return known;
    const now = [...changed.values()].filter(
      ({ measuredAtMs }) => measuredAtMs > fromMs && measuredAtMs <= toMs,
    );
    return [...known.filter(({ seq }) => !changed.has(seq)), ...now].sort(
      (one, other) => one.measuredAtMs - other.measuredAtMs || one.seq - other.seq,
    );
  }
}

/** Here and not at the commit, so that what the store cannot hold is one uplink's fault and not the batch's. */
function checkPlace({ meterNo, measuredAtMs }: StoredReading): void {
  invariant(isMeterNo(meterNo), "a meter has a number that the store can hold");
  invariant(isTime(measuredAtMs), "a reading was measured at some time");
}

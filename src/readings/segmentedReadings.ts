/**
 * The reading store: hot batches in the caller's transaction, segments behind them, one writer. It decides nothing
 * about time: when to flush and merge is asked for by `maintain`, which waits for a runner that may be another thread.
 */
import { basename, dirname } from "node:path";
import { invariant } from "#domain/invariant.ts";
import type { Disk } from "#ports/disk.ts";
import type { AuditRow } from "#ports/ledger.ts";
import type {
  DamagedPlace,
  DayUses,
  FlowPeaks,
  MeterReadings,
  ReadingColumns,
  ReadingStore,
  Registers,
} from "#ports/readingStore.ts";
import type { GasCalendar } from "./gasDay.ts";
import {
  batchRowsMax,
  HotBatchCodec,
  spansOf,
  type ColumnSpans,
  type PlacedColumns,
} from "./hotBatch.ts";
import { hotBlockRows, HotRows, type HotBlock } from "./hotRows.ts";
import { JoinedReadings } from "./joinedReadings.ts";
import { listMade } from "./listMade.ts";
import { isRemake, type Work, type WorkMade, type WorkResult, type WorkRunner } from "./work.ts";
import type { Manifest } from "./manifest.ts";
import { isMuch, nextWork, outputKey, type PlanSettings } from "./planWork.ts";
import { readingPlaces } from "./schema.ts";
import { SegmentFiles, type ListedFile } from "./segmentFiles.ts";
import { clearAway, tidyFolder } from "./storeFolder.ts";

/** Meter numbers are given out one after the other; registers at an instant are held by number. */
const meterNoMax = 67_108_863;
/** Batches that are in segments are removed so many at a commit. */
const droppedBatchesMax = 16;

export interface StoreParts {
  readonly disk: Disk;
  /** Where the segments lie. */
  readonly folder: string;
  readonly manifest: Manifest;
  readonly calendar: GasCalendar;
  readonly plan: PlanSettings;
  /** In the open transaction. */
  readonly putAudit: (row: AuditRow) => void;
}

/** What opening found and did. */
export interface OpeningReport {
  readonly hotRows: number;
  readonly files: number;
  /** Files without a place in the manifest, moved aside into the folder `unlisted`. */
  readonly unlisted: readonly string[];
  readonly damagedBatches: readonly number[];
}

export class SegmentedReadings implements ReadingStore {
  readonly report: OpeningReport;
  /** Hot and flushed readings as one. */
  readonly reads: JoinedReadings;
  readonly #parts: StoreParts;
  readonly #files: SegmentFiles;
  readonly #codec = new HotBatchCodec();
  /** What arrives now; behind it what a flush has taken and not yet listed. */
  #hot = new HotRows();
  #flushing: HotRows | undefined;
  readonly #spareBlocks: HotBlock[] = [];
  /** Where batches are written, one after the other: SQLite makes a copy. */
  #room = new ArrayBuffer(0);
  #pending: {
    readonly no: number;
    readonly batch: PlacedColumns;
    readonly spans: ColumnSpans;
    readonly newestSeq: number;
  }[] = [];
  #newestSeq: number;
  #newestBatch: number;
  /** Batches that are in segments may still be in the ledger. */
  #mayDrop = true;
  #isBusy = false;
  #flushedAtMs = -Infinity;
  /** What cannot be made because of damage. */
  readonly #blocked = new Set<string>();

  constructor(parts: StoreParts) {
    this.#parts = parts;
    parts.disk.makeFolder(parts.folder);
    parts.disk.syncFolder(dirname(parts.folder));
    this.#files = new SegmentFiles(parts.disk, parts.folder);
    this.reads = new JoinedReadings(this.#files, () =>
      this.#flushing === undefined ? [this.#hot] : [this.#flushing, this.#hot],
    );
    const unlisted = tidyFolder(parts.disk, parts.folder, parts.manifest);
    const damagedBatches: number[] = [];
    for (const { no, bytes } of parts.manifest.batches(Infinity)) {
      if (this.#hot.add(no, bytes)) damagedBatches.push(no);
    }
    this.#newestBatch = parts.manifest.newestBatch;
    this.#newestSeq = parts.manifest.newestSeqAfter(this.#newestBatch);
    this.#files.loseBatches([...parts.manifest.damagedBatches(), ...damagedBatches]);
    this.#files.follow(parts.manifest);
    const files = this.#files.segments.length + this.#files.rollUps.length;
    this.report = { hotRows: this.#hot.count, files, unlisted, damagedBatches };
  }

  append(columns: ReadingColumns): void {
    const { count } = columns;
    invariant(this.#parts.manifest.isInTransaction, "readings are stored within a transaction");
    invariant(count > 0 && count <= batchRowsMax, "a batch has 1 to 32,768 readings");
    const no = this.nextBatchNo;
    const batch = placed(columns);
    const spans = spansOf(batch);
    check(spans);
    const bytes = this.#codec.encode(no, batch, this.#room, spans);
    this.#room = bytes.buffer;
    const newestSeq = Math.max(this.newestSeq, spans[readingPlaces.seq]?.most ?? 0);
    this.#parts.manifest.putBatch(no, count, newestSeq, bytes);
    this.#dropSome();
    this.#pending.push({ no, batch, spans, newestSeq });
  }

  committed(): void {
    for (const { no, batch, spans, newestSeq } of this.#pending) {
      this.#hot.put(no, batch, spans);
      this.#newestBatch = no;
      this.#newestSeq = newestSeq;
    }
    this.#pending = [];
  }

  rolledBack(): void {
    this.#pending = [];
    // What the transaction dropped is there again.
    this.#mayDrop = true;
  }

  /** The highest `seq` of a reading, also of one that is being appended. */
  get newestSeq(): number {
    return this.#pending.at(-1)?.newestSeq ?? this.#newestSeq;
  }

  /** Number that the next batch gets. */
  get nextBatchNo(): number {
    return this.#newestBatch + this.#pending.length + 1;
  }

  last(meterNo: number): MeterReadings {
    return this.reads.last(meterNo);
  }

  range(meterNo: number, fromMs: number, toMs: number): MeterReadings {
    return this.reads.range(meterNo, fromMs, toMs);
  }

  registersAt(atMs: number): Registers {
    return this.reads.registersAt(atMs);
  }

  dayUse(meterNos: readonly number[], fromDay: number, toDay: number): DayUses {
    return this.reads.dayUse(meterNos, fromDay, toDay);
  }

  peakFlows(day: number, count: number): DayUses {
    return this.reads.peakFlows(day, count);
  }

  peakFlowsWithin(fromMs: number, toMs: number, count: number): FlowPeaks {
    return this.reads.peakFlowsWithin(fromMs, toMs, count);
  }

  damage(): readonly DamagedPlace[] {
    return this.reads.damage();
  }

  /** Takes note of damage that others met, where it is in a file that counts. */
  noteDamage(places: readonly DamagedPlace[]): void {
    for (const place of places) if (this.#files.isListed(place)) this.#files.note(place);
  }

  /** Every file that counts, with its reader; for verification. */
  openFiles(): readonly ListedFile[] {
    return this.#files.listed(this.#parts.manifest);
  }

  /** Of which time readings were retired, and how many rows they had. */
  get retired(): { readonly beforeMs: number; readonly rows: number } {
    return { beforeMs: this.#files.retiredToMs, rows: this.#parts.manifest.retiredRows };
  }

  get hotRows(): number {
    return this.#hot.count + (this.#flushing?.count ?? 0);
  }

  /** What is hot is enough for a flush, whatever the time. */
  get isFull(): boolean {
    const { count, batches } = this.#hot;
    return isMuch(this.#parts.plan, { rows: count, batches: batches.length });
  }

  /** Does what is due, one after the other; returns how much was done. What meets damage is left as it is. */
  async maintain(
    runner: WorkRunner,
    nowMs: number,
    onDone: (work: Work) => void = () => undefined,
  ): Promise<number> {
    let done = 0;
    for (;;) {
      const work = this.#nextWork(nowMs);
      if (work === undefined) return done;
      if (work.kind === "flush") this.#flushedAtMs = nowMs;
      if (await this.#do(runner, work)) {
        done += 1;
        onDone(work);
      } else if (work.kind === "flush") return done;
      else this.#blocked.add(outputKey(work.output));
    }
  }

  /** Flushes whatever is hot, however little. */
  async flush(runner: WorkRunner): Promise<boolean> {
    const { manifest } = this.#parts;
    if (this.#hot.count === 0) return true;
    const work: Work = {
      kind: "flush",
      toNo: this.#hot.batchNo,
      firstFileNo: manifest.nextFileNo,
    };
    return this.#do(runner, work);
  }

  /** The same on this thread, at once: for a start, when nobody waits. */
  flushHere(run: (work: Work) => WorkResult): void {
    const { batchNo, count } = this.#hot;
    if (count === 0) return;
    invariant(!this.#isBusy, "the store does one piece of work at a time");
    const work: Work = {
      kind: "flush",
      toNo: batchNo,
      firstFileNo: this.#parts.manifest.nextFileNo,
    };
    const result = run(work);
    if (!result.ok) {
      this.#files.note(result.damage);
      return;
    }
    this.#flushing = this.#hot;
    this.#hot = new HotRows(this.#spareBlocks);
    this.#list(work, result);
  }

  close(): void {
    this.#files.close();
  }

  async #do(runner: WorkRunner, work: Work): Promise<boolean> {
    invariant(!this.#isBusy, "the store does one piece of work at a time");
    this.#isBusy = true;
    if (work.kind === "flush") {
      this.#flushing = this.#hot;
      this.#hot = new HotRows(this.#spareBlocks);
    }
    try {
      const result = await runner.run(work);
      if (!result.ok) {
        this.#files.note(result.damage);
        if (work.kind === "flush") this.#takeBack();
        return false;
      }
      this.#list(work, result);
    } catch (cause) {
      if (work.kind === "flush") this.#takeBack();
      throw cause;
    } finally {
      this.#isBusy = false;
    }
    return true;
  }

  #nextWork(nowMs: number): Work | undefined {
    const { manifest, calendar, plan } = this.#parts;
    const { count: rows, batches, batchNo, firstMs } = this.#hot;
    const flushedAtMs = this.#flushedAtMs;
    return nextWork(calendar, plan, {
      files: manifest.files(),
      hot: { rows, batches: batches.length, batchNo, firstMs, flushedAtMs },
      nextFileNo: manifest.nextFileNo,
      nowMs,
      blocked: this.#blocked,
      damaged: new Set(this.#files.damage.map(({ file }) => basename(file))),
    });
  }

  /** One transaction: the new files count, and what they were made from does no more. */
  #list(work: Work, made: WorkMade): void {
    const { manifest, plan, putAudit } = this.#parts;
    manifest.transaction(() => {
      if (work.kind === "flush") this.#listFlush(work.toNo, made);
      else listMade(manifest, work, made, { keepMs: plan.keepMs, putAudit });
    });
    if (work.kind === "flush") this.#release();
    this.#files.follow(manifest);
    clearAway(this.#parts.disk, this.#parts.folder, work);
    // What met that damage can be made now.
    if (isRemake(work)) this.#blocked.clear();
  }

  #listFlush(toNo: number, made: WorkMade): void {
    const { manifest } = this.#parts;
    const rollUpDays = new Set(this.#files.rollUps.map(({ file }) => file.fromDay));
    for (const file of made.files) {
      const isLate = rollUpDays.has(file.fromDay);
      manifest.putFile({ ...file, reason: isLate ? "late" : file.reason });
      manifest.markStale(file.fromDay);
    }
    for (const { no, fault } of made.damagedBatches) manifest.putDamagedBatch(no, fault);
    this.#files.loseBatches(made.damagedBatches.map(({ no }) => no));
    const fromNo = manifest.flushedTo + 1;
    const kept = made.rows - made.repeated;
    const newestSeq = manifest.newestSeqAfter(toNo);
    manifest.putFlush({ fromNo, toNo, rows: made.rows, kept, repeated: made.repeated, newestSeq });
    this.#mayDrop = true;
    this.#dropSome();
  }

  /**
   * What was flushed is served from files. Its blocks are kept for what comes: fresh memory costs more than what is
   * done with it, and as much is needed again until the next flush. Of two
   * neighbouring blocks one is more than half full.
   */
  #release(): void {
    const spare = this.#spareBlocks;
    const most = Math.ceil(this.#parts.plan.flushRows / hotBlockRows) * 2 + 1;
    const blocks = this.#flushing?.release() ?? [];
    spare.push(...blocks.slice(0, Math.max(0, most - spare.length)));
    this.#flushing = undefined;
  }

  /** Most commits find nothing to drop, and then they do not look again. */
  #dropSome(): void {
    if (this.#mayDrop) this.#mayDrop = this.#parts.manifest.dropFlushed(droppedBatchesMax);
  }

  /** A flush that came to nothing: its rows are hot again. */
  #takeBack(): void {
    const back = this.#flushing;
    if (back === undefined) return;
    back.take(this.#hot);
    this.#hot = back;
    this.#flushing = undefined;
  }
}

function placed({ count, columns }: ReadingColumns): PlacedColumns {
  const byPlace: (Float64Array | undefined)[] = [];
  for (const [name, place] of Object.entries(readingPlaces)) {
    byPlace[place] = columns[name as keyof typeof columns];
  }
  return { count, columns: byPlace };
}

/** Our own mistakes end here and in the coder, before anything is written. */
function check(spans: ColumnSpans): void {
  const meters = spans[readingPlaces.meterNo];
  const areMeters = meters?.missing === 0 && isMeterNo(meters.least) && isMeterNo(meters.most);
  invariant(areMeters, `a meter number is 1 to ${meterNoMax}`);
  const times = spans[readingPlaces.measuredAtMs];
  const areTimes = times?.missing === 0 && isTime(times.least) && isTime(times.most);
  invariant(areTimes, "a reading was measured at some time");
}

/** A number that the store can hold a meter under. */
export function isMeterNo(value: number): boolean {
  return value >= 1 && value <= meterNoMax;
}

/** An instant that the store can hold a reading at. */
export function isTime(value: number): boolean {
  return value >= 0 && value <= timeMsMax;
}

/** The year 9999. What a meter's clock says beyond belief is placed elsewhere before it comes here. */
const timeMsMax = 253_402_000_000_000;

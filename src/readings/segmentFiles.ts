/** The segments that count, open for reading, and what is found damaged in them. */
import { basename, join } from "node:path";
import type { Disk } from "#ports/disk.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { WantedRows } from "./chunkRows.ts";
import { ReadChunks } from "./readChunks.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import { ReadingStoreError } from "./readingStoreError.ts";
import type { RowTable } from "./rowTable.ts";
import { readingSchema, rollUpSchema, type Schema } from "./schema.ts";
import { SegmentReader } from "./segmentReader.ts";

/** So many different damaged places are named; more of them are counted only. */
const damagedPlacesMax = 1_000;

export interface OpenFile {
  readonly file: ManifestFile;
  readonly reader: SegmentReader;
}

/** A file that counts; without a reader it cannot be opened. */
export interface ListedFile {
  readonly file: ManifestFile;
  readonly reader: SegmentReader | undefined;
}

/** One meter's readings in (from, to]. */
export interface MeterSpan {
  readonly meterNo: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export class SegmentFiles {
  /** Readings, and roll-ups, each in the order of their days. */
  segments: readonly OpenFile[] = [];
  rollUps: readonly OpenFile[] = [];
  /** Readings, that which reaches furthest first. */
  newestFirst: readonly OpenFile[] = [];
  /** Before this instant only each meter's last readings are left; -Infinity: nothing was retired. */
  retiredToMs = -Infinity;
  /** Hot batches that cannot be read: they may hold any meter at any time. */
  readonly #lostBatches = new Map<number, DamagedPlace>();
  /** What lies somewhere in files of readings that could not be opened in full. */
  #unreadable: readonly { readonly file: ManifestFile; readonly damage: DamagedPlace }[] = [];
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #damage = new Map<string, DamagedPlace>();
  #listedNames: ReadonlySet<string> = new Set();
  readonly #chunks = new ReadChunks();

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /**
   * Opens what the manifest lists now and closes what it lists no more. With `isHeld` false the writer may have dropped
   * a file since the list was read: then nothing changes, and the answer is false.
   */
  follow(manifest: Manifest, isHeld = true): boolean {
    const known = new Map([...this.segments, ...this.rollUps].map((open) => [open.file.no, open]));
    const opened: OpenFile[] = [];
    let isMissing = false;
    const unreadable: { file: ManifestFile; damage: DamagedPlace }[] = [];
    const files = manifest.files();
    for (const file of files) {
      const open = known.get(file.no);
      known.delete(file.no);
      const { reader, damage } = open
        ? { reader: open.reader, damage: [] }
        : openSegment(this.#disk, this.#folder, file);
      if (reader) for (const place of damage) this.note(place);
      if (reader) opened.push({ file, reader });
      else isMissing = true;
      const lost = [...(open?.reader.openingDamage ?? []), ...damage];
      for (const place of lost) {
        if (reader === undefined || place.chunk !== null) unreadable.push({ file, damage: place });
      }
    }
    if (!isHeld && isMissing) {
      const before = new Set([...this.segments, ...this.rollUps].map(({ reader }) => reader));
      for (const { reader } of opened) if (!before.has(reader)) reader.close();
      return false;
    }
    this.retiredToMs = files.find(({ kind }) => kind === "last")?.toMs ?? -Infinity;
    this.#forget(new Set(files.map(({ name }) => name)));
    this.#unreadable = unreadable.filter(({ file }) => file.kind !== "rollup");
    for (const { damage } of unreadable) this.note(damage);
    for (const { reader } of known.values()) reader.close();
    this.segments = opened.filter(({ file }) => file.kind !== "rollup");
    this.newestFirst = this.segments.toSorted((one, other) => other.file.lastMs - one.file.lastMs);
    this.rollUps = opened.filter(({ file }) => file.kind === "rollup");
    return true;
  }

  /** Roll-ups that say what their day came to: that of the last retired day only says with which registers it ended. */
  get dayRollUps(): readonly OpenFile[] {
    return this.rollUps.filter(({ file }) => file.fromMs >= this.retiredToMs);
  }

  /** Every file that the manifest lists, as it is open here. */
  listed(manifest: Manifest): readonly ListedFile[] {
    const open = [...this.segments, ...this.rollUps];
    const readers = new Map(open.map(({ file, reader }) => [file.no, reader]));
    return manifest.files().map((file) => ({ file, reader: readers.get(file.no) }));
  }

  /** Damage that may concern any meter in the span: files and chunks that are not there to be searched. */
  unreadable(fromMs: number, toMs: number): readonly DamagedPlace[] {
    const files = this.#unreadable
      .filter(({ file }) => file.lastMs > fromMs && file.firstMs <= toMs)
      .map(({ damage }) => damage);
    return [...this.#lostBatches.values(), ...files];
  }

  /** Takes note of hot batches that cannot be read. */
  loseBatches(numbers: readonly number[]): void {
    for (const no of numbers) {
      const fault = { kind: "checksumMismatch", what: "hot batch" } as const;
      const damage = { file: "reading_batch", chunk: no, fault };
      this.#lostBatches.set(no, damage);
      this.note(damage);
    }
  }

  /** Adds the meter's rows in (from, to] to the table; tells what could not be read of them. */
  collect(meterNo: number, fromMs: number, toMs: number, into: RowTable): readonly DamagedPlace[] {
    const found = [...this.unreadable(fromMs, toMs)];
    for (const open of this.segments) {
      found.push(...this.collectFrom(open, { meterNo, fromMs, toMs }, into));
    }
    for (const damage of found) this.note(damage);
    return found;
  }

  /** The same from one file alone. */
  collectFrom(
    { file, reader }: OpenFile,
    wanted: WantedRows,
    into: RowTable,
  ): readonly DamagedPlace[] {
    const { meterNo, fromMs, toMs } = wanted;
    const found: DamagedPlace[] = [];
    if (file.lastMs <= fromMs || file.firstMs > toMs) return found;
    for (let place = reader.firstChunkOf(meterNo); ; place += 1) {
      const entry = reader.chunks[place];
      if (entry === undefined || entry.firstMeter > meterNo) break;
      if (entry.lastMs <= fromMs || entry.firstMs > toMs) continue;
      const damage = this.#chunks.collect(file.no, reader, entry, wanted, into);
      if (damage) found.push(damage);
    }
    return found;
  }

  note(damage: DamagedPlace | undefined): void {
    if (damage === undefined || this.#damage.size >= damagedPlacesMax) return;
    const place = `${damage.file} ${damage.chunk} ${damage.fault.what}`;
    if (!this.#damage.has(place)) this.#damage.set(place, damage);
  }

  /** The place is in a file that the manifest lists. */
  isListed({ file }: DamagedPlace): boolean {
    return this.#listedNames.has(basename(file));
  }

  /** Damage of files that counted and do no more is none. */
  #forget(listed: ReadonlySet<string>): void {
    for (const [place, { file }] of this.#damage) {
      const name = basename(file);
      if (this.#listedNames.has(name) && !listed.has(name)) this.#damage.delete(place);
    }
    this.#listedNames = listed;
  }

  get damage(): readonly DamagedPlace[] {
    return [...this.#damage.values()];
  }

  close(): void {
    for (const { reader } of [...this.segments, ...this.rollUps]) reader.close();
    this.segments = [];
    this.newestFirst = [];
    this.rollUps = [];
  }
}

/** A file that cannot be opened at all is told, and the rest is served. */
export function openSegment(
  disk: Disk,
  folder: string,
  file: ManifestFile,
): { readonly reader: SegmentReader | undefined; readonly damage: readonly DamagedPlace[] } {
  const path = join(folder, file.name);
  const schema: Schema = file.kind === "rollup" ? rollUpSchema : readingSchema;
  try {
    const reader = new SegmentReader(disk, path, schema, file.chunks);
    return { reader, damage: reader.openingDamage };
  } catch (cause) {
    // Not damage: with its key the file is whole. Whoever opens the store must know at once.
    if (cause instanceof ReadingStoreError && cause.code === "READINGS_KEY") throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    const damage: DamagedPlace = { file: path, chunk: null, fault: { kind: "missing", what } };
    return { reader: undefined, damage: [damage] };
  }
}

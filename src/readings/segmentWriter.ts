/**
 * Writes one segment: sorted rows in, chunks out, in bounded memory. The file has its name only when it is complete
 * and on the medium: written as `.part`, synced, renamed, and the folder synced.
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { invariant } from "#domain/invariant.ts";
import type { Disk, DiskFile } from "#ports/disk.ts";
import { ByteWriter } from "./byteWriter.ts";
import { chunkRowsMax } from "./columnCodec.ts";
import { FrameCodec } from "./frameCodec.ts";
import { RowTable } from "./rowTable.ts";
import type { Schema } from "./schema.ts";
import { encodeFooter, encodeHeader, writeChunkHead } from "./segmentLayout.ts";
import {
  chunkBytes,
  headerBytes,
  noPeak,
  type ChunkEntry,
  type SegmentHeader,
} from "./segmentLayout.ts";

/** A name with this end is no segment yet; what a crash leaves of it is removed at the next start. */
export const partSuffix = ".part";

export interface SegmentSettings {
  /** A chunk is closed at the first new meter after so many rows. */
  readonly chunkRows: number;
  /** zstd level. */
  readonly level: number;
}

export interface SegmentSummary {
  readonly file: string;
  readonly rows: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Rows that lie somewhere in another order. */
export interface OrderedRows {
  readonly count: number;
  meterAt(place: number): number | undefined;
  /** Appends the rows from one place to another. */
  appendTo(table: RowTable, from: number, to: number): void;
}

export class SegmentWriter {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #name: string;
  readonly #file: DiskFile;
  readonly #codec: FrameCodec;
  readonly #settings: SegmentSettings;
  readonly #rows: RowTable;
  readonly #chunk = new ByteWriter();
  readonly #chunks: ChunkEntry[] = [];
  readonly #fromMs: number;
  readonly #peakPlace: number;
  #bytes = headerBytes;
  #count = 0;

  constructor(
    disk: Disk,
    folder: string,
    name: string,
    schema: Schema,
    header: Omit<SegmentHeader, "kind">,
    settings: SegmentSettings,
  ) {
    invariant(settings.chunkRows <= chunkRowsMax / 2, "a chunk must stay within its limit");
    this.#disk = disk;
    this.#folder = folder;
    this.#name = name;
    this.#settings = settings;
    this.#fromMs = header.fromMs;
    this.#peakPlace = schema.peakPlace;
    this.#codec = new FrameCodec(schema);
    this.#rows = new RowTable(schema.columns.length, settings.chunkRows * 2);
    this.#file = disk.create(join(folder, name + partSuffix));
    this.#file.write(encodeHeader({ kind: schema.kind, ...header }));
  }

  /** Adds a run of rows that follow, in order, what was added before. */
  addRun(table: RowTable, from: number, to: number): void {
    const meters = table.column(0);
    this.#add(
      from,
      to,
      (row) => meters[row],
      (start, end) => this.#rows.addRun(table, start, end),
    );
  }

  /** Adds rows that follow, in order, what was added before. */
  addOrdered(rows: OrderedRows): void {
    this.#add(
      0,
      rows.count,
      (place) => rows.meterAt(place),
      (start, end) => rows.appendTo(this.#rows, start, end),
    );
  }

  finish(): SegmentSummary {
    if (this.#rows.count > 0) this.#closeChunk();
    const footer = encodeFooter({ rows: this.#count, chunks: this.#chunks });
    this.#file.write(footer);
    this.#file.sync();
    this.#file.close();
    const path = join(this.#folder, this.#name);
    this.#disk.rename(path + partSuffix, path);
    this.#disk.syncFolder(this.#folder);
    return {
      file: this.#name,
      rows: this.#count,
      chunks: this.#chunks.length,
      bytes: this.#bytes + footer.length,
      firstMs: this.#chunks.reduce((least, { firstMs }) => Math.min(least, firstMs), Infinity),
      lastMs: this.#chunks.reduce((most, { lastMs }) => Math.max(most, lastMs), -Infinity),
    };
  }

  /** Gives up: what has been written is removed. */
  abandon(): SegmentSummary {
    this.#file.close();
    this.#disk.remove(join(this.#folder, this.#name + partSuffix));
    return { file: this.#name, rows: 0, chunks: 0, bytes: 0, firstMs: 0, lastMs: 0 };
  }

  /** Cuts at the first new meter after a full chunk, or anywhere when one meter has more than two chunks hold. */
  #add(
    from: number,
    to: number,
    meterAt: (place: number) => number | undefined,
    copy: (start: number, end: number) => void,
  ): void {
    const pending = this.#rows;
    const { chunkRows } = this.#settings;
    let start = from;
    while (start < to) {
      const isSame = pending.count > 0 && pending.value(0, pending.count - 1) === meterAt(start);
      const isFull = pending.count >= (isSame ? chunkRows * 2 : chunkRows);
      if (isFull) this.#closeChunk();
      let end = Math.min(to, start + Math.max(1, chunkRows - pending.count));
      const endMax = Math.min(to, start + chunkRows * 2 - pending.count);
      while (end < endMax && meterAt(end) === meterAt(end - 1)) end += 1;
      copy(start, end);
      start = end;
    }
  }

  #closeChunk(): void {
    const rows = this.#rows;
    const times = rows.column(1);
    let firstMs = Infinity;
    let lastMs = -Infinity;
    // Of a comparison with a missing time nothing follows.
    for (let row = 0; row < rows.count; row += 1) {
      const at = times[row] ?? NaN;
      if (at < firstMs) firstMs = at;
      if (at > lastMs) lastMs = at;
    }
    const frames = this.#codec.encode(rows, this.#settings.level);
    const entry: ChunkEntry = {
      chunk: this.#chunks.length,
      rows: rows.count,
      firstMeter: rows.value(0, 0),
      lastMeter: rows.value(0, rows.count - 1),
      firstMs: Number.isFinite(firstMs) ? firstMs : this.#fromMs,
      lastMs: Number.isFinite(lastMs) ? lastMs : this.#fromMs,
      peak: peakOf(rows, this.#peakPlace),
      frames: frames.map((frame) => ({ bytes: frame.length, crc: crc32(frame) })),
      atByte: this.#bytes,
    };
    this.#chunk.clear();
    writeChunkHead(this.#chunk, entry);
    for (const frame of frames) this.#chunk.bytes(frame);
    this.#file.write(this.#chunk.written);
    this.#chunks.push(entry);
    this.#bytes += chunkBytes(entry);
    this.#count += rows.count;
    rows.clear();
  }
}

/** The highest value of a column, or that there is none. */
export function peakOf(table: RowTable, place: number): number {
  const values = table.columns[place];
  let peak = noPeak;
  if (values === undefined) return peak;
  for (let row = 0; row < table.count; row += 1) {
    const value = values[row] ?? NaN;
    if (value > peak) peak = value;
  }
  return peak;
}

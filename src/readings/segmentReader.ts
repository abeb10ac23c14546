/**
 * Reads one segment. A place that is damaged costs what it holds: a chunk its rows, a footer nothing, because it is
 * made again from the heads of the chunks. What was found is told, by file and chunk.
 */
import { crc32 } from "node:zlib";
import type { Disk, DiskFile } from "#ports/disk.ts";
import type { DamagedPlace, ReadingFault } from "#ports/readingStore.ts";
import type { ChunkRows } from "./chunkRows.ts";
import { FrameCodec, uncompress } from "./frameCodec.ts";
import type { RowTable } from "./rowTable.ts";
import { schemaOfKind, withReferences, type Schema } from "./schema.ts";
import {
  chunkBytes,
  chunkHeadBytes,
  decodeFooter,
  decodeHeader,
  decodeTrailer,
  headerBytes,
  readChunkHead,
  trailerBytes,
  type ChunkEntry,
  type SegmentHeader,
} from "./segmentLayout.ts";
import { salvageChunks } from "./salvage.ts";

export class SegmentReader {
  readonly path: string;
  readonly schema: Schema;
  readonly header: SegmentHeader | null;
  /** In the order of the file, so by meter. */
  readonly chunks: readonly ChunkEntry[];
  readonly rows: number;
  readonly sizeBytes: number;
  /** What opening found. */
  readonly openingDamage: readonly DamagedPlace[];
  readonly #file: DiskFile;
  readonly #codec: FrameCodec;
  #buffer = new Uint8Array(64 * 1024);

  /** What is expected is what the manifest knows, for a file whose own header or footer is damaged. */
  constructor(disk: Disk, path: string, expected: Schema, chunksExpected?: number) {
    this.path = path;
    this.#file = disk.open(path);
    this.sizeBytes = this.#file.sizeBytes();
    const damage: DamagedPlace[] = [];
    const note = (fault: ReadingFault) => damage.push({ file: path, chunk: null, fault });
    const head = new Uint8Array(headerBytes);
    const header = decodeHeader(head.subarray(0, this.#file.read(head, 0)));
    if (!header.ok) note(header.fault);
    this.header = header.ok ? header.value : null;
    if (header.ok && schemaOfKind(header.value.kind) !== expected) {
      note({ kind: "unexpectedValue", what: "kind" });
    }
    this.schema = expected;
    const footer = this.#readFooter();
    if (footer.ok) {
      this.chunks = footer.value.chunks;
      this.rows = footer.value.rows;
    } else {
      note(footer.fault);
      this.chunks = salvageChunks(this.#file, this.sizeBytes);
      this.rows = this.chunks.reduce((sum, { rows }) => sum + rows, 0);
      damage.push(...missingChunks(path, this.chunks, chunksExpected));
    }
    this.openingDamage = damage;
    this.#codec = new FrameCodec(expected);
  }

  close(): void {
    this.#file.close();
  }

  /**
   * Reads the wanted columns (null: all) of a chunk into the table, and those that they follow. After a fault the
   * table is empty: no value of a chunk is used when one of its checksums does not fit.
   */
  readChunk(
    entry: ChunkEntry,
    table: RowTable,
    wanted: ReadonlySet<number> | null,
  ): DamagedPlace | undefined {
    table.clear();
    const fault = this.#readFrames(entry, table, withReferences(this.schema, wanted));
    if (fault === undefined) return undefined;
    table.clear();
    return { file: this.path, chunk: entry.chunk, fault };
  }

  /** A chunk of which a few rows are wanted: all of its frames, uncompressed. After a fault it is of no use. */
  readRows(entry: ChunkEntry, chunk: ChunkRows): DamagedPlace | undefined {
    chunk.clear(entry.rows);
    const everyFrame = (): boolean => true;
    const fault =
      this.#eachFrame(entry, everyFrame, (part, frame) => {
        const plain = uncompress(part);
        return plain.ok ? chunk.add(frame, plain.value) : plain.fault;
      }) ?? chunk.finish();
    return fault && { file: this.path, chunk: entry.chunk, fault };
  }

  /** Place of the first chunk that may hold the meter or a later one. */
  firstChunkOf(meterNo: number): number {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.chunks[middle]?.lastMeter ?? Infinity) < meterNo) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The chunk's head as it stands in front of the chunk, which only a verification reads. */
  verifyHead(entry: ChunkEntry): ReadingFault | undefined {
    const bytes = this.#read(entry.atByte, chunkHeadBytes);
    const head = readChunkHead(bytes, 0, entry.atByte);
    if (!head.ok) return head.fault;
    return JSON.stringify(head.value) === JSON.stringify(entry)
      ? undefined
      : { kind: "unexpectedValue", what: "chunk head" };
  }

  #readFrames(
    entry: ChunkEntry,
    table: RowTable,
    wanted: ReadonlySet<number> | null,
  ): ReadingFault | undefined {
    const isWanted = (frame: number): boolean =>
      wanted === null ||
      this.schema.columns.some((spec, place) => spec.frame === frame && wanted.has(place));
    table.resize(entry.rows);
    return this.#eachFrame(entry, isWanted, (part, frame) =>
      this.#codec.decode(part, frame, table, wanted),
    );
  }

  /** The compressed bytes of the wanted frames, in one read. A frame is told only when its checksum fits. */
  #eachFrame(
    entry: ChunkEntry,
    isWanted: (frame: number) => boolean,
    take: (part: Uint8Array, frame: number) => ReadingFault | undefined,
  ): ReadingFault | undefined {
    const last = entry.frames.findLastIndex((_frame, frame) => isWanted(frame));
    const lengths = entry.frames.slice(0, last + 1).reduce((sum, { bytes }) => sum + bytes, 0);
    const bytes = this.#read(entry.atByte + chunkHeadBytes, lengths);
    if (bytes.length < lengths) return { kind: "truncated", what: "chunk" };
    let at = 0;
    for (const [frame, { bytes: length, crc }] of entry.frames.entries()) {
      if (frame > last) break;
      const part = bytes.subarray(at, at + length);
      at += length;
      if (!isWanted(frame)) continue;
      if (crc32(part) !== crc) return { kind: "checksumMismatch", what: `frame ${frame}` };
      const fault = take(part, frame);
      if (fault) return fault;
    }
    return undefined;
  }

  #readFooter(): ReturnType<typeof decodeFooter> {
    const trailer = decodeTrailer(this.#read(this.sizeBytes - trailerBytes, trailerBytes).slice());
    if (!trailer.ok) return trailer;
    const at = this.sizeBytes - trailerBytes - trailer.value;
    const footer = decodeFooter(at < 0 ? new Uint8Array() : this.#read(at, trailer.value));
    if (!footer.ok) return footer;
    const end = footer.value.chunks.reduce((sum, entry) => sum + chunkBytes(entry), headerBytes);
    const rows = footer.value.chunks.reduce((sum, entry) => sum + entry.rows, 0);
    if (end === at && rows === footer.value.rows) return footer;
    return { ok: false, fault: { kind: "unexpectedValue", what: "footer" } };
  }

  /** Bytes from the place on, fewer where the file ends; valid until the next call. */
  #read(atByte: number, length: number): Uint8Array {
    if (length > this.#buffer.length) this.#buffer = new Uint8Array(length);
    if (atByte < 0) return this.#buffer.subarray(0, 0);
    return this.#buffer.subarray(0, this.#file.read(this.#buffer.subarray(0, length), atByte));
  }
}

/** Chunks that were not found again when the footer was lost. */
function missingChunks(
  file: string,
  found: readonly ChunkEntry[],
  chunksExpected = (found.at(-1)?.chunk ?? -1) + 1,
): readonly DamagedPlace[] {
  const numbers = new Set(found.map(({ chunk }) => chunk));
  return Array.from({ length: chunksExpected }, (_none, chunk) => chunk)
    .filter((chunk) => !numbers.has(chunk))
    .map((chunk) => ({ file, chunk, fault: { kind: "missing", what: "chunk head" } }));
}

/**
 * The chunks that were searched last, uncompressed. Meters report in the order of their numbers, and a chunk holds a
 * hundred of them: without this each of a hundred uploads would uncompress the same chunk of each day again.
 */
import { ok, type Result } from "#domain/result.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { ChunkRoom, type ChunkRows, type WantedRows } from "./chunkRows.ts";
import type { RowTable } from "./rowTable.ts";
import type { ChunkEntry } from "./segmentLayout.ts";
import type { SegmentReader } from "./segmentReader.ts";

/** A month of ten thousand hourly meters. */
const keptBytesMax = 64 * 2 ** 20;

export class ReadChunks {
  /** The longest unused first. Files never change, and none gets the number of another. */
  readonly #chunks = new Map<string, ChunkRows>();
  readonly #room = new ChunkRoom();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax = keptBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Adds a meter's rows that lie in the chunk to the table; after damage none. */
  collect(
    fileNo: number,
    reader: SegmentReader,
    entry: ChunkEntry,
    wanted: WantedRows,
    into: RowTable,
  ): DamagedPlace | undefined {
    const chunk = this.#chunk(fileNo, reader, entry);
    if (!chunk.ok) return chunk.fault;
    const fault = chunk.value.collect(wanted, into);
    return fault && { file: reader.path, chunk: entry.chunk, fault };
  }

  #chunk(
    fileNo: number,
    reader: SegmentReader,
    entry: ChunkEntry,
  ): Result<ChunkRows, DamagedPlace> {
    const key = `${fileNo} ${entry.chunk}`;
    const known = this.#chunks.get(key);
    if (known !== undefined) {
      this.#chunks.delete(key);
      this.#chunks.set(key, known);
      return ok(known);
    }
    const read = reader.chunkRows(entry, this.#room);
    // What is damaged is looked at again each time: it may be mended, and it must be told each time.
    if (read.ok) {
      this.#makeRoom();
      this.#chunks.set(key, read.value);
      this.#bytes += read.value.byteLength;
    }
    return read;
  }

  #makeRoom(): void {
    for (const [key, { byteLength }] of this.#chunks) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#chunks.delete(key);
      this.#bytes -= byteLength;
    }
  }
}

/**
 * The chunks in which one meter after the other is searched. Meters report in the order of their numbers, and a chunk
 * holds a hundred of them: without this each of a hundred uploads would uncompress the same chunk of each day again.
 * One that is asked for once is not kept: questions about any meters would leave nothing but garbage.
 */
import type { DamagedPlace } from "#ports/readingStore.ts";
import { ChunkRoom, ChunkRows, type WantedRows } from "./chunkRows.ts";
import type { RowTable } from "./rowTable.ts";
import { readingSchema } from "./schema.ts";
import type { ChunkEntry } from "./segmentLayout.ts";
import type { SegmentReader } from "./segmentReader.ts";

/** A month of ten thousand hourly meters. */
const keptBytesMax = 64 * 2 ** 20;
/** Among so many chunks that were asked for last, one that is asked for again is kept. */
const askedMax = 4_096;

export class ReadChunks {
  /** The longest unused first. Files never change, and none gets the number of another. */
  readonly #kept = new Map<string, ChunkRows>();
  readonly #bytesMax: number;
  #bytes = 0;
  /** The first asked for first. */
  readonly #asked = new Set<string>();
  /** The one that is being read. */
  readonly #passing = new ChunkRows(readingSchema, new ChunkRoom());

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
    const key = `${fileNo} ${entry.chunk}`;
    let chunk = this.#kept.get(key);
    if (chunk === undefined) {
      // What is damaged is looked at again each time: it may be mended, and it must be told each time.
      const damage = reader.readRows(entry, this.#passing);
      if (damage) return damage;
      chunk = this.#passing;
      if (this.#isAskedAgain(key)) this.#keep(key, chunk.copy());
    } else {
      this.#kept.delete(key);
      this.#kept.set(key, chunk);
    }
    const fault = chunk.collect(wanted, into);
    return fault && { file: reader.path, chunk: entry.chunk, fault };
  }

  #isAskedAgain(key: string): boolean {
    if (this.#asked.delete(key)) return true;
    this.#asked.add(key);
    for (const first of this.#asked) {
      if (this.#asked.size <= askedMax) break;
      this.#asked.delete(first);
    }
    return false;
  }

  #keep(key: string, chunk: ChunkRows): void {
    this.#kept.set(key, chunk);
    this.#bytes += chunk.byteLength;
    for (const [longest, { byteLength }] of this.#kept) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#kept.delete(longest);
      this.#bytes -= byteLength;
    }
  }
}

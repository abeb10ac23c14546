/**
 * The chunks that were searched last, decoded. Meters report in the order of their numbers, and a chunk holds a hundred
 * of them: without this each of a hundred uploads would decode the same chunk of each day again.
 */
import type { DamagedPlace } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import { readingSchema } from "./schema.ts";
import type { SegmentReader } from "./segmentReader.ts";
import type { ChunkEntry } from "./segmentLayout.ts";

/** A week of ten thousand hourly meters; a table takes eight bytes for each value. */
const bytesMax = 192 * 2 ** 20;

export class ReadChunks {
  /** The longest unused first. Files never change, and none gets the number of another. */
  readonly #tables = new Map<string, RowTable>();
  #bytes = 0;

  /** The chunk's rows, to be read only and until the next call; after damage there are none. */
  read(
    fileNo: number,
    reader: SegmentReader,
    entry: ChunkEntry,
  ): { readonly table: RowTable; readonly damage: DamagedPlace | undefined } {
    const key = `${fileNo} ${entry.chunk}`;
    const known = this.#tables.get(key);
    if (known !== undefined) {
      this.#tables.delete(key);
      this.#tables.set(key, known);
      return { table: known, damage: undefined };
    }
    const table = this.#room(entry.rows);
    const damage = reader.readChunk(entry, table, null);
    // What is damaged is looked at again each time: it may be mended, and it must be told each time.
    if (damage === undefined) {
      this.#tables.set(key, table);
      this.#bytes += bytesOf(table);
    }
    return { table, damage };
  }

  /** A table for so many rows: one that has to go, or a new one. */
  #room(rows: number): RowTable {
    let spare: RowTable | undefined;
    for (const [key, table] of this.#tables) {
      if (this.#bytes <= bytesMax) break;
      this.#tables.delete(key);
      this.#bytes -= bytesOf(table);
      spare = table;
    }
    return spare ?? new RowTable(readingSchema.columns.length, rows);
  }
}

function bytesOf({ columns }: RowTable): number {
  return columns.reduce((sum, column) => sum + (column?.byteLength ?? 0), 0);
}

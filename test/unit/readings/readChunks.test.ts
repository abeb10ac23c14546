import { expect, test } from "vitest";
import { ReadChunks } from "#readings/readChunks.ts";
import type { SegmentReader } from "#readings/segmentReader.ts";
import type { ChunkEntry } from "#readings/segmentLayout.ts";
import type { RowTable } from "#readings/rowTable.ts";

/** A reader of one column, in whose chunks every row is `file * 1000 + chunk`; damaged chunks have no rows. */
function readerOf(file: number, reads: string[], damaged: ReadonlySet<number> = new Set()) {
  const readChunk = ({ chunk, rows }: ChunkEntry, table: RowTable) => {
    reads.push(`${file} ${chunk}`);
    table.clear();
    const fault = { kind: "checksumMismatch", what: "frame 0" } as const;
    if (damaged.has(chunk)) return { file: `${file}`, chunk, fault };
    table.resize(rows);
    table.column(0).fill(file * 1_000 + chunk, 0, rows);
    return undefined;
  };
  return { readChunk } as unknown as SegmentReader;
}

const entryOf = (chunk: number, rows = 100) => ({ chunk, rows }) as ChunkEntry;

test("a chunk is read once, and chunks of two files are not one", () => {
  const reads: string[] = [];
  const chunks = new ReadChunks();
  for (let round = 0; round < 3; round += 1) {
    for (const file of [1, 2]) {
      const { table, damage } = chunks.read(file, readerOf(file, reads), entryOf(7));
      expect([table.value(0, 99), table.count, damage]).toEqual([file * 1_000 + 7, 100, undefined]);
    }
  }
  expect(reads).toEqual(["1 7", "2 7"]);
});

test("damage is told each time, and what is mended is read", () => {
  const reads: string[] = [];
  const chunks = new ReadChunks();
  const broken = readerOf(1, reads, new Set([7]));
  for (let round = 0; round < 2; round += 1) {
    const { table, damage } = chunks.read(1, broken, entryOf(7));
    expect([table.count, damage?.chunk]).toEqual([0, 7]);
  }
  expect(chunks.read(1, readerOf(1, reads), entryOf(7)).table.value(0, 0)).toBe(1_007);
});

test("what goes is the longest unused, and every read gives its own chunk", () => {
  const reads: string[] = [];
  const chunks = new ReadChunks();
  const reader = readerOf(1, reads);
  // Each takes sixteen megabytes: a dozen fit.
  const rows = 2 ** 21;
  const asked = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0, 14, 13, 1];
  for (const chunk of asked) {
    expect(chunks.read(1, reader, entryOf(chunk, rows)).table.value(0, rows - 1)).toBe(
      1_000 + chunk,
    );
  }
  const again = reads.slice(15);
  expect(again).toContain("1 0");
  expect(again).not.toContain("1 14");
});

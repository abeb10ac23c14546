/** One meter's rows out of a chunk: as when all of it is read, from memory the second time, never from damage. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { WantedRows } from "#readings/chunkRows.ts";
import { ReadChunks } from "#readings/readChunks.ts";
import { RowTable } from "#readings/rowTable.ts";
import { readingPlaces, readingSchema, type ReadingColumn } from "#readings/schema.ts";
import { chunkHeadBytes, type ChunkEntry } from "#readings/segmentLayout.ts";
import { SegmentReader } from "#readings/segmentReader.ts";
import { SegmentWriter } from "#readings/segmentWriter.ts";
import { memoryDisk, rowsOf, tableOf, type ReadingValues } from "../../support/readingRows.ts";

const path = "/s/a.seg";
const places = readingSchema.columns.length;
const all = { fromMs: -Infinity, toMs: Infinity };

/** Sorted rows as a file, and what was read of it. */
function written(rows: readonly ReadingValues[], chunkRows = 64) {
  const { disk, contentOf } = memoryDisk();
  const header = { fileNo: 7, fromMs: 0, toMs: 86_400_000 };
  const settings = { chunkRows, level: 3 };
  const writer = new SegmentWriter(disk, "/s", "a.seg", readingSchema, header, settings);
  writer.addRun(tableOf(rows), 0, rows.length);
  writer.finish();
  const reads: number[] = [];
  const counted: typeof disk = {
    ...disk,
    open(name) {
      const file = disk.open(name);
      const read = (into: Uint8Array, atByte: number): number => {
        reads.push(atByte);
        return file.read(into, atByte);
      };
      return { ...file, read };
    },
  };
  const reader = new SegmentReader(counted, path, readingSchema);
  reads.length = 0;
  return { reader, reads, bytes: contentOf(path) };
}

/** What the chunks tell of the meter, and what of them is damaged. */
function found(chunks: ReadChunks, reader: SegmentReader, wanted: WantedRows, fileNo = 7) {
  const table = new RowTable(places, 1);
  const damage = reader.chunks.map((entry) => chunks.collect(fileNo, reader, entry, wanted, table));
  return { rows: rowsOf(table), damage: damage.filter(Boolean) };
}

function wholly(reader: SegmentReader): readonly ReadingValues[] {
  const table = new RowTable(places, 1);
  return reader.chunks.flatMap((entry) => {
    reader.readChunk(entry, table, null);
    return rowsOf(table);
  });
}

const hours = (meters: number, count: number): readonly ReadingValues[] =>
  Array.from({ length: meters * count }, (_none, place) => {
    const meterNo = 1 + Math.floor(place / count);
    const hour = place % count;
    const measuredAtMs = hour * 3_600_000 + meterNo * 977;
    return { meterNo, measuredAtMs, indexMl: meterNo * 1e6 + hour * 3_000, quality: 3 };
  });

/** Rises, stays, jumps, or is missing: columns of every shape. */
const column = fc.record({
  kind: fc.constantFrom("rising", "staying", "any", "share"),
  missing: fc.constantFrom(0, 0, 3, 10),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

function valueOf(
  { kind, missing, seed }: { kind: string; missing: number; seed: number },
  row: number,
  index: number,
): number | null {
  const drawn = Math.imul(row + 1, seed * 2 + 1) >>> 8;
  if (missing > 0 && drawn % missing === 0) return null;
  if (kind === "rising") return seed * 1_000 + row * 7 + (drawn % 5);
  if (kind === "staying") return Math.floor(row / (5 + (seed % 20)));
  if (kind === "share") return Math.floor(index / 1_000);
  return drawn * (drawn % 2 === 0 ? -1_000_003 : 268_435_399) + 0;
}

const columns = Object.keys(readingPlaces).slice(2) as ReadingColumn[];
const fleet = fc.record({
  /** How many rows each meter has. */
  meters: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 30 }),
  columns: fc.dictionary(fc.constantFrom(...columns), column),
  chunkRows: fc.constantFrom(16, 64, 512),
  /** Every so manyth row has the time of the one before. */
  versionEvery: fc.integer({ min: 2, max: 9 }),
});

property.prop([fleet, fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 })])(
  "a meter's rows in a span are those of the whole chunk",
  (given, fromHour, hourCount) => {
    let row = 0;
    const rows = given.meters.flatMap((count, meter) =>
      Array.from({ length: count }, (_none, place) => {
        row += 1;
        const time = place % given.versionEvery === 1 ? place - 1 : place;
        const index = meter * 1e6 + place * 3_000;
        const said = Object.entries(given.columns)
          .map(([name, told]) => [name, valueOf(told, row, index)] as const)
          .filter(([, value]) => value !== null);
        const measuredAtMs = time * 3_600_000 + meter * 1_000;
        return { meterNo: 3 + meter * 2, measuredAtMs, ...Object.fromEntries(said) };
      }),
    );
    const { reader } = written(rows, given.chunkRows);
    const whole = wholly(reader);
    expect(whole.length).toBe(rows.length);
    const chunks = new ReadChunks();
    const keepsNone = new ReadChunks(0);
    const fromMs = fromHour * 3_600_000;
    const toMs = fromMs + hourCount * 3_600_000;
    for (let meterNo = 2; meterNo <= 4 + given.meters.length * 2; meterNo += 1) {
      const own = whole.filter((values) => values.meterNo === meterNo);
      for (const each of [keepsNone, chunks]) {
        expect(found(each, reader, { meterNo, ...all })).toEqual({ rows: own, damage: [] });
      }
      const timeOf = ({ measuredAtMs }: ReadingValues): number => measuredAtMs ?? NaN;
      const within = own.filter((values) => timeOf(values) > fromMs && timeOf(values) <= toMs);
      expect(found(chunks, reader, { meterNo, fromMs, toMs }).rows).toEqual(within);
      for (const entry of reader.chunks) {
        const table = new RowTable(places, 1);
        chunks.collect(7, reader, entry, { meterNo, fromMs, toMs, isNewest: true }, table);
        const [newest] = rowsOf(table).slice(-1);
        expect(rowsOf(table).every((values) => timeOf(values) === timeOf(newest ?? {}))).toBe(true);
      }
    }
    const meterNo = 1 + given.meters.length * 2;
    const last = Math.max(...whole.slice(-1).map((values) => values.measuredAtMs ?? NaN));
    const newest = whole.filter((v) => v.meterNo === meterNo && v.measuredAtMs === last);
    const wanted = { meterNo, fromMs: last - 1, toMs: Infinity, isNewest: true };
    expect(found(chunks, reader, wanted).rows).toEqual(newest);
  },
);

test("a chunk that is asked for again is kept, and chunks of two files are not one", () => {
  const one = written(hours(2, 24));
  const other = written(hours(3, 24).map((row) => ({ ...row, quality: 2 })));
  const chunks = new ReadChunks();
  for (let round = 0; round < 3; round += 1) {
    for (const [fileNo, { reader }, quality] of [
      [1, one, 3],
      [2, other, 2],
    ] as const) {
      const { rows } = found(chunks, reader, { meterNo: 2, ...all }, fileNo);
      expect(rows.length).toBe(24);
      expect(rows[0]).toMatchObject({ meterNo: 2, indexMl: 2e6, quality });
    }
  }
  expect([one.reads.length, other.reads.length]).toEqual([2, 2]);
});

test("damage is told each time and nothing of it is used, and what is mended is read", () => {
  const { reader, bytes } = written(hours(2, 24));
  const chunks = new ReadChunks();
  const wanted = { meterNo: 2, ...all };
  const place = (reader.chunks[0]?.atByte ?? 0) + 80;
  const flip = () => (bytes[place] = (bytes[place] ?? 0) ^ 4);
  flip();
  for (let round = 0; round < 2; round += 1) {
    const fault = { kind: "checksumMismatch", what: "frame 0" };
    const damage = [{ file: path, chunk: 0, fault }];
    expect(found(chunks, reader, wanted)).toEqual({ rows: [], damage });
  }
  flip();
  expect(found(chunks, reader, wanted)).toMatchObject({ rows: { length: 24 }, damage: [] });
});

test("what goes is the longest unused, and every read gives its own chunk", () => {
  const { reader, reads } = written(hours(60, 24), 24);
  expect(reader.chunks.length).toBe(60);
  // A dozen of them fit.
  const chunks = new ReadChunks(12 * 1_400);
  const once = Array.from({ length: 20 }, (_none, place) => place + 1);
  const asked = [...once, ...once, 20, 19, 1];
  for (const meterNo of asked) {
    const table = new RowTable(places, 1);
    const entry = reader.chunks[meterNo - 1];
    if (entry === undefined) throw new Error("a chunk");
    chunks.collect(7, reader, entry, { meterNo, ...all }, table);
    expect([table.count, table.value(readingPlaces.indexMl, 0)]).toEqual([24, meterNo * 1e6]);
  }
  const of = (meterNo: number) => (reader.chunks[meterNo - 1]?.atByte ?? 0) + chunkHeadBytes;
  expect(reads).toEqual([...once, ...once, 1].map(of));
});

test("a chunk that is asked for again after very many others is not kept", () => {
  const { reader, reads } = written(hours(4_098, 1), 1);
  const chunks = new ReadChunks();
  const table = new RowTable(places, 1);
  const ask = (entry: ChunkEntry | undefined) => {
    if (entry === undefined) throw new Error("a chunk");
    chunks.collect(7, reader, entry, { meterNo: entry.firstMeter, ...all }, table);
  };
  for (const entry of [...reader.chunks, ...reader.chunks.slice(0, 1)]) ask(entry);
  const before = reads.length;
  ask(reader.chunks[4_097]);
  ask(reader.chunks[4_097]);
  expect(reads.length).toBe(before + 1);
  ask(reader.chunks[1]);
  ask(reader.chunks[1]);
  expect(reads.length).toBe(before + 3);
});

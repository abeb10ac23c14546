/** Segments: what was written comes back, what is damaged costs no more than its chunk, and is told. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { FrameCodec } from "#readings/frameCodec.ts";
import { compress, frameBytesMax } from "#readings/keptZstd.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { RowTable } from "#readings/rowTable.ts";
import { readingPlaces, readingSchema } from "#readings/schema.ts";
import { SegmentReader } from "#readings/segmentReader.ts";
import { SegmentWriter } from "#readings/segmentWriter.ts";
import { memoryDisk, rowsOf, tableOf, type ReadingValues } from "../../support/readingRows.ts";

const header = { fileNo: 7, fromMs: 0, toMs: 86_400_000 };
const settings = { chunkRows: 64, level: 3 };

/** `meters` meters, hour by hour, with columns that are sometimes missing. */
function day(meters: number, hours: number): ReadingValues[] {
  const rows: ReadingValues[] = [];
  for (let meterNo = 1; meterNo <= meters; meterNo += 1) {
    for (let hour = 1; hour <= hours; hour += 1) {
      rows.push({
        meterNo,
        measuredAtMs: hour * 3_600_000 + meterNo * 1_000,
        receivedAtMs: hour * 3_600_000 + meterNo * 1_000 + 250,
        indexMl: meterNo * 1_000_000 + hour * 137_000,
        rawCount: meterNo * 1_000 + hour * 137,
        rawExponent: -3,
        quality: 3,
        ...(hour % 3 === 0 ? { batteryMv: 3_600 - hour } : {}),
        seq: hour * 1_000 + ((meterNo * 7) % 100),
        uplinkSeq: hour * 1_000 + ((meterNo * 7) % 100) - 5,
      });
    }
  }
  return rows;
}

function written(rows: readonly ReadingValues[]) {
  const memory = memoryDisk();
  const writer = new SegmentWriter(memory.disk, "/s", "a.seg", readingSchema, header, settings);
  writer.addRun(tableOf(rows), 0, rows.length);
  const summary = writer.finish();
  return { ...memory, summary, bytes: memory.contentOf("/s/a.seg") };
}

function opened(disk: ReturnType<typeof memoryDisk>["disk"]): SegmentReader {
  return new SegmentReader(disk, "/s/a.seg", readingSchema);
}

/** Everything that can be read, chunk by chunk. */
function allRows(reader: SegmentReader) {
  const table = new RowTable(readingSchema.columns.length, 1);
  const rows: ReadingValues[] = [];
  const damage = [...reader.openingDamage];
  for (const entry of reader.chunks) {
    const found = reader.readChunk(entry, table, null);
    if (found) damage.push(found);
    rows.push(...rowsOf(table));
  }
  return { rows, damage };
}

test("what one upload tells of a day has one receipt and one number, and costs next to nothing more", () => {
  const hours = day(40, 24).map(({ rawCount: _raw, rawExponent: _exponent, ...row }) => row);
  const uploaded = hours.map((row) => {
    const place = ((row.meterNo ?? 0) * 7) % 41;
    const hour = Math.floor((row.measuredAtMs ?? 0) / 3_600_000);
    return {
      ...row,
      receivedAtMs: 86_400_000 + place * 83_123,
      seq: 9_000_000 + place * 24 + hour,
      uplinkSeq: 500_000 + place,
    };
  });
  const bare = hours.map(({ receivedAtMs: _at, seq: _seq, uplinkSeq: _uplink, ...row }) => row);
  const file = written(uploaded);
  expect(allRows(opened(file.disk))).toEqual({ rows: uploaded, damage: [] });
  const more = file.summary.bytes - written(bare).summary.bytes;
  expect(more / uploaded.length).toBeLessThan(1.1);
});

test("the meter's own count beside its register costs next to nothing, whatever its unit", () => {
  for (const divisor of [1, 10, 1_000]) {
    const counted = day(40, 24).map((row) => ({ ...row, rawCount: (row.indexMl ?? 0) / divisor }));
    const bare = counted.map(({ rawCount: _raw, ...row }) => row);
    const file = written(counted);
    expect(allRows(opened(file.disk))).toEqual({ rows: counted, damage: [] });
    const more = file.summary.bytes - written(bare).summary.bytes;
    expect(more / counted.length).toBeLessThan(0.3);
  }
});

const safe = fc.maxSafeInteger().map((value) => value + 0);
const said = fc.record({
  indexMl: fc.option(safe, { nil: undefined }),
  rawCount: fc.option(safe, { nil: undefined }),
  receivedAtMs: fc.option(safe, { nil: undefined }),
  seq: fc.option(safe, { nil: undefined }),
  uplinkSeq: fc.option(safe, { nil: undefined }),
});

property.prop([fc.array(said, { minLength: 1, maxLength: 200 }), fc.boolean()])(
  "a column that follows another comes back whatever both hold",
  (columns, isRising) => {
    const rows = columns.map((given, place) => {
      const told = Object.entries(given).filter(([, value]) => value !== undefined);
      const { indexMl = 0 } = given;
      const risen = { receivedAtMs: place * 977, seq: 5 + place * 3, uplinkSeq: 2 + place };
      return {
        meterNo: 1 + (place >> 4),
        measuredAtMs: place * 1_000,
        ...Object.fromEntries(told),
        ...(isRising ? { ...risen, rawCount: Math.trunc(indexMl / 1_000) + 0 } : {}),
      };
    });
    expect(allRows(opened(written(rows).disk))).toEqual({ rows, damage: [] });
  },
);

test("a file of the version before is read as it is, one of another is not", () => {
  const rows = day(10, 24).map(({ rawCount: _raw, seq: _seq, uplinkSeq: _up, ...row }) => row);
  const { disk, bytes, files } = written(rows);
  for (const [version, isRead] of [
    [2, false],
    [3, true],
    [4, true],
    [5, false],
  ] as const) {
    const other = Uint8Array.from(bytes);
    const view = new DataView(other.buffer);
    view.setUint32(8, version, true);
    view.setUint32(44, crc32(other.subarray(0, 44)), true);
    files.set("/s/a.seg", [...other]);
    const found = allRows(opened(disk));
    expect(found.rows).toEqual(rows);
    expect(found.damage.length).toBe(isRead ? 0 : 1);
  }
});

test("a day comes back as it was written, with nothing under the file's name before its end", () => {
  const rows = day(40, 24);
  const { disk, summary, files } = written(rows);
  expect([...files.keys()]).toEqual(["/s/a.seg"]);
  expect(summary).toMatchObject({ rows: rows.length, bytes: files.get("/s/a.seg")?.length });
  const reader = opened(disk);
  expect(reader.header).toEqual({ kind: 1, ...header });
  expect(allRows(reader)).toEqual({ rows, damage: [] });
  // No meter is cut where it need not be.
  expect(reader.chunks.every(({ rows: count }) => count % 24 === 0)).toBe(true);
});

test("the first chunk of a meter is found, also of one that fills several chunks", () => {
  const rows = [...day(3, 2), ...day(4, 300).filter(({ meterNo }) => meterNo === 4)];
  const reader = opened(written(rows).disk);
  expect(allRows(reader).rows).toEqual(rows);
  expect(reader.chunks.length).toBeGreaterThan(2);
  for (const meterNo of [1, 2, 3, 4]) {
    const entry = reader.chunks[reader.firstChunkOf(meterNo)];
    expect(entry?.firstMeter).toBeLessThanOrEqual(meterNo);
    expect(entry?.lastMeter).toBeGreaterThanOrEqual(meterNo);
  }
  expect(reader.firstChunkOf(5)).toBe(reader.chunks.length);
});

test("only wanted columns are read, with those that they follow", () => {
  const reader = opened(written(day(2, 5)).disk);
  const [entry] = reader.chunks;
  const table = new RowTable(readingSchema.columns.length, 1);
  if (entry === undefined) throw new Error("a chunk");
  const { meterNo, indexMl, receivedAtMs, measuredAtMs, seq, uplinkSeq } = readingPlaces;
  expect(reader.readChunk(entry, table, new Set([meterNo, indexMl]))).toBeUndefined();
  expect(rowsOf(table)[1]).toEqual({ meterNo: 1, indexMl: 1_274_000 });
  expect(reader.readChunk(entry, table, new Set([meterNo, receivedAtMs]))).toBeUndefined();
  expect(table.value(receivedAtMs, 0)).toBe(3_600_000 + 1_250);
  expect(table.value(measuredAtMs, 0)).toBe(3_600_000 + 1_000);
  expect(reader.readChunk(entry, table, new Set([meterNo, uplinkSeq]))).toBeUndefined();
  expect(table.value(seq, 0)).toBe(1_007);
  expect(table.value(uplinkSeq, 0)).toBe(1_002);
});

property.prop([fc.nat({ max: 999_999 }), fc.integer({ min: 1, max: 255 })])(
  "one changed byte anywhere costs at most one chunk, and is told",
  (place, change) => {
    const rows = day(12, 24);
    const { disk, bytes } = written(rows);
    const at = Math.floor((place * bytes.length) / 1_000_000);
    bytes[at] = (bytes[at] ?? 0) ^ change;
    const reader = opened(disk);
    const read = allRows(reader);
    const heads = reader.chunks.map((entry) => reader.verifyHead(entry)).filter(Boolean);
    expect(read.damage.length + heads.length).toBeGreaterThan(0);
    expect(read.rows.length).toBeGreaterThanOrEqual(rows.length - 96);
    const known = new Set(rows.map((row) => JSON.stringify(tableRow(row))));
    for (const row of read.rows) expect(known.has(JSON.stringify(row))).toBe(true);
  },
  60_000,
);

/** The row with its columns in the order of the table. */
function tableRow(row: ReadingValues): ReadingValues {
  return rowsOf(tableOf([row]))[0] ?? {};
}

test("a lost footer costs nothing, a lost footer and head one chunk, each by name", () => {
  const rows = day(12, 24);
  const { disk, bytes } = written(rows);
  const second = opened(disk).chunks[1];
  bytes.length -= 30;
  expect(allRows(opened(disk))).toMatchObject({
    rows,
    damage: [{ file: "/s/a.seg", chunk: null, fault: { kind: "truncated" } }],
  });
  const at = (second?.atByte ?? 0) + 9;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  const read = allRows(opened(disk));
  expect(read.damage).toEqual([
    { file: "/s/a.seg", chunk: null, fault: { kind: "truncated", what: "end mark" } },
    { file: "/s/a.seg", chunk: 1, fault: { kind: "missing", what: "chunk head" } },
  ]);
  expect(read.rows.length).toBe(rows.length - (second?.rows ?? 0));
});

test("a full disk is an error, and what was written can be given up", () => {
  const memory = memoryDisk({ failAfterBytes: 500 });
  const writer = new SegmentWriter(memory.disk, "/s", "a.seg", readingSchema, header, settings);
  const rows = day(50, 24);
  expect(() => writer.addRun(tableOf(rows), 0, rows.length)).toThrow("no space left");
  writer.abandon();
  expect([...memory.files.keys()]).toEqual([]);
});

property.prop([fc.uint8Array({ maxLength: 300 }), fc.boolean()])(
  "hostile frames are a fault or rows, never a throw",
  (bytes, isCompressed) => {
    const codec = new FrameCodec(readingSchema);
    const table = new RowTable(readingSchema.columns.length, 16);
    table.count = 16;
    codec.decode(isCompressed ? compress(bytes, 1) : bytes, 0, table, null);
    expect(table.count).toBe(16);
  },
);

test("a frame that would be larger than its limit is refused while it is uncompressed", () => {
  const bomb = compress(new Uint8Array(frameBytesMax + 1), 3);
  expect(bomb.length).toBeLessThan(4_096);
  const table = new RowTable(readingSchema.columns.length, 1);
  table.count = 1;
  const fault = new FrameCodec(readingSchema).decode(bomb, 0, table, null);
  expect(fault).toEqual({ kind: "overLimit", what: "compressed frame" });
});

test("the same on a real disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-readings-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const rows = day(40, 24);
  const table = tableOf(rows);
  const order = Uint32Array.from(rows, (_row, place) => rows.length - 1 - place);
  const writer = new SegmentWriter(nodeDisk, folder, "a.seg", readingSchema, header, settings);
  const turned = tableOf([...rows].reverse());
  writer.addOrdered({
    count: 100,
    meterAt: (place) => turned.column(readingPlaces.meterNo)[order[place] ?? 0],
    appendTo: (into, from, to) => into.gather(turned, order, from, to),
  });
  writer.addRun(table, 100, rows.length);
  writer.finish();
  expect(nodeDisk.list(folder)).toEqual(["a.seg"]);
  const reader = new SegmentReader(nodeDisk, join(folder, "a.seg"), readingSchema);
  expect(allRows(reader)).toEqual({ rows, damage: [] });
  reader.close();
});

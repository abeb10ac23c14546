/** Segments under a key: the same rows, nothing readable on the disk, and damage that is always told. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Disk } from "#ports/disk.ts";
import { sealShape } from "#ports/fileSeal.ts";
import { RowTable } from "#readings/rowTable.ts";
import { readingSchema } from "#readings/schema.ts";
import { sealedDisk } from "#readings/sealedDisk.ts";
import { SegmentFiles } from "#readings/segmentFiles.ts";
import { SegmentReader } from "#readings/segmentReader.ts";
import { SegmentWriter } from "#readings/segmentWriter.ts";
import { fileSeal } from "#vault/fileSeal.ts";
import { systemRng } from "../../../src/systemRng.ts";
import { memoryDisk, rowsOf, tableOf, type ReadingValues } from "../../support/readingRows.ts";
import { storeRig } from "../../support/readingStore.ts";

const header = { fileNo: 7, fromMs: 0, toMs: 86_400_000 };
const keys = [systemRng.bytes(32), systemRng.bytes(32)] as const;
const seal = fileSeal([keys[0]], systemRng);
const { blockBytes, headerBytes, sealedBlockBytes } = sealShape;

/** Meters whose registers jump about, so that a segment fills several blocks. */
function day(meters: number): ReadingValues[] {
  return Array.from({ length: meters * 24 }, (_, place) => {
    const meterNo = 1 + Math.floor(place / 24);
    const hour = 1 + (place % 24);
    const noise = (meterNo * 7_919 + hour * 104_729) % 999_983;
    return {
      meterNo,
      measuredAtMs: hour * 3_600_000 + (noise % 3_600_000),
      receivedAtMs: hour * 3_600_000 + noise,
      indexMl: meterNo * 1_000_000_000 + hour * 1_000_000 + noise,
      quality: 3,
      uplinkSeq: noise * 31,
    };
  });
}

function write(disk: Disk, rows: readonly ReadingValues[]): void {
  const settings = { chunkRows: 64, level: 3 };
  const writer = new SegmentWriter(disk, "/s", "a.seg", readingSchema, header, settings);
  writer.addRun(tableOf(rows), 0, rows.length);
  writer.finish();
}

function read(disk: Disk) {
  const reader = new SegmentReader(disk, "/s/a.seg", readingSchema);
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

function sayingOf(row: ReadingValues): string {
  return [row.meterNo, row.measuredAtMs, row.receivedAtMs, row.indexMl, row.uplinkSeq].join(" ");
}

function codeOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
  return "no error";
}

const rows = day(600);

test("a segment of many blocks comes back; on the disk nothing of it can be read", () => {
  const memory = memoryDisk();
  const disk = sealedDisk(memory.disk, seal);
  write(disk, rows);
  expect(read(disk)).toEqual({ rows, damage: [] });
  const bytes = Buffer.from(memory.contentOf("/s/a.seg"));
  expect(bytes.length).toBeGreaterThan(4 * blockBytes);
  for (const word of ["MERCSEG1", "CHNK", "FOOT", "MERCEND1"])
    expect(bytes.includes(word)).toBe(false);
});

const lengths = [1, 8, 16].flatMap((blocks) => [-1, 0, 1].map((by) => blocks * blockBytes + by));

test.each([0, 1, ...lengths, 20 * blockBytes + 5])(
  "%i bytes in pieces of any length: blocks in their order, and only the last one says that it is",
  (totalBytes) => {
    const memory = memoryDisk();
    const bytes = systemRng.bytes(totalBytes);
    const file = sealedDisk(memory.disk, seal).create("/s/a.seg");
    for (let at = 0, part = 1; at < totalBytes; at += part, part = (part * 7) % 50_021) {
      file.write(bytes.subarray(at, at + part));
    }
    file.sync();
    const sealed = Uint8Array.from(memory.contentOf("/s/a.seg"));
    const opener = seal.open(sealed.subarray(0, headerBytes));
    if (typeof opener === "string") throw new TypeError(opener);
    const plain: Uint8Array[] = [];
    for (let at = headerBytes, no = 0; at < sealed.length; at += sealedBlockBytes, no += 1) {
      const isLast = at + sealedBlockBytes >= sealed.length;
      const block = opener.open(no, isLast, sealed.subarray(at, at + sealedBlockBytes));
      plain.push(block ?? new Uint8Array());
    }
    expect(plain).toHaveLength(Math.max(1, Math.ceil(totalBytes / blockBytes)));
    expect(Buffer.concat(plain).equals(bytes)).toBe(true);
  },
);

test("without the key, and with another one, the file is no damage but a key that is missing", () => {
  const { disk } = memoryDisk();
  write(sealedDisk(disk, seal), rows.slice(0, 24));
  expect(codeOf(() => read(sealedDisk(disk, null)))).toBe("READINGS_KEY");
  expect(codeOf(() => read(sealedDisk(disk, fileSeal([keys[1]], systemRng))))).toBe("READINGS_KEY");
});

test("a new key seals what is new and opens what is old; a file from before any key is read as it is", () => {
  const { disk } = memoryDisk();
  write(sealedDisk(disk, seal), rows.slice(0, 24));
  const rotated = sealedDisk(disk, fileSeal([keys[1], keys[0]], systemRng));
  expect(read(rotated).rows).toHaveLength(24);
  write(rotated, rows.slice(0, 48));
  expect(codeOf(() => read(sealedDisk(disk, seal)))).toBe("READINGS_KEY");
  write(disk, rows.slice(0, 72));
  expect(read(rotated).rows).toHaveLength(72);
});

test("one flipped byte anywhere: what is read is right, and what is not is told", () => {
  const memory = memoryDisk();
  const disk = sealedDisk(memory.disk, seal);
  write(disk, rows);
  const whole = memory.contentOf("/s/a.seg");
  const known = new Set(rows.map(sayingOf));
  const places = fc.sample(fc.nat(whole.length - 1), { numRuns: 25, seed: 1 });
  for (const at of [headerBytes, headerBytes + blockBytes, whole.length - 1, ...places]) {
    if (at < headerBytes) continue;
    const damaged = [...whole];
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    memory.files.set("/s/a.seg", damaged);
    const { rows: found, damage } = read(disk);
    expect(damage.length, `byte ${at}`).toBeGreaterThan(0);
    expect(found.every((row) => known.has(sayingOf(row)))).toBe(true);
    // A block costs the chunks that lie in it, not the file.
    expect(found.length).toBeGreaterThan(rows.length / 3);
  }
});

test("a file that was cut anywhere gives what is left of it, and says so", () => {
  const memory = memoryDisk();
  const disk = sealedDisk(memory.disk, seal);
  write(disk, rows);
  const whole = memory.contentOf("/s/a.seg");
  for (let length = headerBytes; length < whole.length; length += 4_099) {
    memory.files.set("/s/a.seg", [...whole].slice(0, length));
    const { rows: found, damage } = read(disk);
    expect(damage.length, `${length} bytes`).toBeGreaterThan(0);
    expect(found).toEqual(rows.slice(0, found.length));
  }
});

test("a whole store on a sealed disk answers like any other, and does not open without its key", async () => {
  const memory = memoryDisk();
  const rig = storeRig({ disk: sealedDisk(memory.disk, seal), plan: { flushRows: 100 } });
  const batch = day(20);
  rig.append(batch.map((row, place) => ({ ...row, seq: place + 1 })));
  await rig.store.flush(rig.runner);
  rig.reopen();
  expect(memory.files.size).toBeGreaterThan(0);
  for (const content of memory.files.values()) {
    expect(Buffer.from(content.slice(0, 8)).toString()).toBe("MERCSEAL");
  }
  expect(rig.store.range(3, 0, 2 * 86_400_000).readings).toHaveLength(24);
  expect(rig.store.damage()).toEqual([]);
  rig.store.close();
  const keyless = new SegmentFiles(sealedDisk(memory.disk, null), "/readings");
  expect(codeOf(() => keyless.follow(rig.manifest))).toBe("READINGS_KEY");
});

/** One flipped byte anywhere: found by verification, and never a wrong reading without a word. */
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { Disk } from "#ports/disk.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import { HotBatchCodec } from "#readings/hotBatch.ts";
import { Manifest } from "#readings/manifest.ts";
import { planSettings } from "#readings/planWork.ts";
import { readingSchema, rollUpSchema } from "#readings/schema.ts";
import { SegmentedReadings } from "#readings/segmentedReadings.ts";
import { SegmentReader } from "#readings/segmentReader.ts";
import { verifySegment } from "#readings/verifySegment.ts";
import { verifyStore } from "#readings/verifyStore.ts";
import { failingDisk, memoryDisk, tableOf, type ReadingValues } from "../support/readingRows.ts";
import { shanghai, storeRig } from "../support/readingStore.ts";
import { makeReadingTables } from "../support/readingTables.ts";

/** More of them by hand: READING_FLIPS=2000. */
const flips = Number(process.env["READING_FLIPS"] ?? 300);
const meters = 40;
const hourMs = 3_600_000;
const startMs = new GasCalendar(shanghai).startOf(20_727);
const days = 34;

/** The same numbers in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * below);
  };
}

function hourRows(hour: number): readonly ReadingValues[] {
  return Array.from({ length: meters }, (_none, meter) => ({
    meterNo: meter + 1,
    measuredAtMs: startMs + hour * hourMs + ((meter * 7_919) % 3_600) * 1_000 + 1,
    receivedAtMs: startMs + hour * hourMs + 3_700_000,
    indexMl: meter * 1_000_000 + hour * 137_000 + ((hour * meter) % 11) * 1_000,
    quality: 3,
    flowMlPerHour: ((hour * meter) % 7) * 20_000,
    batteryMv: 3_600 - (hour >> 6),
  }));
}

/** A month's segment, some days', roll-ups, and a hot part. */
async function filled() {
  const memory = memoryDisk();
  const rig = storeRig({ disk: memory.disk, chunkRows: 512 });
  for (let hour = 0; hour < days * 24; hour += 12) {
    rig.append(Array.from({ length: 12 }, (_none, part) => hourRows(hour + part)).flat());
    if (hour === (days - 1) * 24) await rig.store.flush(rig.runner);
  }
  await rig.store.maintain(rig.runner, startMs + (days - 1) * 24 * hourMs + 3 * hourMs);
  const kinds = new Set(rig.manifest.files().map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["day", "month", "rollup"]);
  expect(rig.store.hotRows).toBe(meters * 12);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
  const files = new Map(
    [...memory.files].map(([path, content]) => [path, Uint8Array.from(content)]),
  );
  return { rig, files };
}

/** Files that are only read. */
function readOnlyDisk(files: ReadonlyMap<string, Uint8Array>): Disk {
  const refuse = (): never => {
    throw new Error("these files are only read");
  };
  return {
    create: refuse,
    rename: refuse,
    remove: refuse,
    makeFolder: () => undefined,
    syncFolder: () => undefined,
    list: () => [...files.keys()].map((path) => path.slice(path.lastIndexOf("/") + 1)),
    open(path) {
      const bytes = files.get(path) ?? refuse();
      return {
        write: refuse,
        read(into, atByte) {
          const part = bytes.subarray(atByte, atByte + into.length);
          into.set(part);
          return part.length;
        },
        sizeBytes: () => bytes.length,
        sync: () => undefined,
        close: () => undefined,
      };
    },
  };
}

test(`${flips} flipped bytes of segments and roll-ups: all found, none believed`, async () => {
  const { rig, files } = await filled();
  const disk = readOnlyDisk(files);
  const { manifest, calendar } = rig;
  const open = () =>
    new SegmentedReadings({
      ...{ disk, folder: "/readings", manifest, calendar, plan: planSettings },
      putAudit: () => undefined,
    });
  const clean = open();
  const whole = [...files].map(([path, bytes]) => ({ path, bytes }));
  const total = whole.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const draw = numbers(11);
  let found = 0;
  let served = 0;
  for (let flip = 0; flip < flips; flip += 1) {
    let at = draw(total);
    const target = whole.find(({ bytes }) => {
      if (at < bytes.length) return true;
      at -= bytes.length;
      return false;
    });
    if (target === undefined) throw new Error("a place in a file");
    const meterNo = 1 + draw(meters);
    const fromMs = startMs + draw(days * 24) * hourMs;
    const toMs = fromMs + 48 * hourMs;
    const right = clean.range(meterNo, fromMs, toMs).readings;
    const registers = clean.registersAt(fromMs);
    const bit = 1 << draw(8);
    target.bytes[at] = (target.bytes[at] ?? 0) ^ bit;
    const schema = target.path.endsWith(".rollup") ? rollUpSchema : readingSchema;
    const faults = verifySegment(new SegmentReader(disk, target.path, schema));
    if (faults.length > 0 && faults.every(({ file }) => file === target.path)) found += 1;
    const store = open();
    const got = store.range(meterNo, fromMs, toMs);
    if (got.damage.length === 0) expect(got.readings).toEqual(right);
    else expect(right).toEqual(expect.arrayContaining([...got.readings]));
    const all = store.registersAt(fromMs);
    if (all.damage.length === 0) expect(all).toEqual(registers);
    if (got.damage.length === 0 && all.damage.length === 0) served += 1;
    store.close();
    target.bytes[at] = (target.bytes[at] ?? 0) ^ bit;
  }
  expect(found).toBe(flips);
  // Most answers do not touch the damaged place, and are whole.
  expect(served).toBeGreaterThan(flips / 2);
}, 240_000);

test("200 flipped bytes of hot batches: each batch is set aside, told, and kept", async () => {
  const rows = hourRows(1);
  const codec = new HotBatchCodec();
  const bytes = codec.encode(5, tableOf(rows)).slice();
  expect(codec.decode(5, bytes).ok).toBe(true);
  expect(codec.decode(6, bytes).ok).toBe(false);
  const draw = numbers(3);
  for (let flip = 0; flip < 200; flip += 1) {
    const changed = bytes.slice();
    const at = draw(bytes.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << draw(8));
    expect(codec.decode(5, changed).ok).toBe(false);
  }
  const rig = storeRig();
  rig.append(rows);
  rig.append(hourRows(2));
  rig.db.exec("UPDATE reading_batch SET bytes = zeroblob(length(bytes)) WHERE no = 1");
  rig.reopen();
  expect(rig.store.report.damagedBatches).toEqual([1]);
  const lost = { file: "reading_batch", chunk: 1 };
  expect(rig.store.range(1, startMs, startMs + 9 * hourMs)).toMatchObject({
    readings: [{ counts: { indexMl: hourRows(2)[0]?.indexMl } }],
    damage: [lost],
  });
  await rig.store.flush(rig.runner);
  expect(rig.db.prepare("SELECT no, row_count FROM reading_batch_damaged").all()).toEqual([
    { no: 1, row_count: meters },
  ]);
  rig.reopen();
  expect(rig.store.registersAt(startMs + 9 * hourMs).damage).toMatchObject([lost]);
  expect(verifyStore(rig.store, rig.manifest)).toMatchObject([
    { file: "reading_batch_damaged", chunk: 1 },
  ]);
});

test("what meets damage makes nothing: the files before it stay, and are served", async () => {
  const memory = memoryDisk();
  const rig = storeRig({ disk: memory.disk, chunkRows: 64 });
  for (let hour = 0; hour < 24; hour += 8) {
    rig.append(Array.from({ length: 8 }, (_none, part) => hourRows(hour + part)).flat());
    await rig.store.flush(rig.runner);
  }
  const [first] = rig.manifest.files();
  const content = memory.contentOf(`/readings/${first?.name}`);
  content[200] = (content[200] ?? 0) ^ 1;
  rig.reopen();
  const before = rig.manifest.files().map(({ name }) => name);
  expect(await rig.store.maintain(rig.runner, startMs + 30 * hourMs)).toBe(0);
  expect(rig.manifest.files().map(({ name }) => name)).toEqual(before);
  expect(rig.store.damage()).toMatchObject([{ file: `/readings/${first?.name}`, chunk: 0 }]);
  expect(rig.store.range(meters, startMs, startMs + 24 * hourMs)).toMatchObject({ damage: [] });
  expect(rig.store.range(meters, startMs, startMs + 24 * hourMs).readings.length).toBe(24);
  expect(rig.store.range(1, startMs, startMs + 24 * hourMs).damage.length).toBe(1);
});

test("a full disk fails the flush, and nothing of it is lost", async () => {
  const limits = { failAfterBytes: Infinity };
  const memory = memoryDisk(limits);
  const rig = storeRig({ disk: memory.disk });
  rig.append(hourRows(1));
  limits.failAfterBytes = 100;
  await expect(rig.store.flush(rig.runner)).rejects.toThrow("no space left");
  rig.append(hourRows(2));
  expect(rig.store.range(3, startMs, startMs + 9 * hourMs).readings.length).toBe(2);
  expect([...memory.files.keys()]).toEqual([]);
  limits.failAfterBytes = Infinity;
  expect(await rig.store.flush(rig.runner)).toBe(true);
  expect(rig.store.range(3, startMs, startMs + 9 * hourMs).readings.length).toBe(2);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
});

test("a file without a place in the manifest is moved aside, never deleted", () => {
  const memory = memoryDisk();
  memory.disk.create("/readings/2026-01-01.9.day").write(Uint8Array.of(1));
  memory.disk.create("/readings/2026-01-01.10.day.part").write(Uint8Array.of(1));
  const db = new DatabaseSync(":memory:");
  makeReadingTables(db);
  const store = new SegmentedReadings({
    disk: memory.disk,
    folder: "/readings",
    manifest: new Manifest(db),
    calendar: new GasCalendar(shanghai),
    plan: planSettings,
    putAudit: () => undefined,
  });
  expect(store.report.unlisted).toEqual(["2026-01-01.9.day"]);
  expect([...memory.files.keys()]).toEqual(["/readings/unlisted/2026-01-01.9.day"]);
});

/** Two days in several files of each, so that everything there is to do is done by one `maintain`. */
async function twoDays(disk: Disk) {
  const rig = storeRig({ disk, chunkRows: 1_024 });
  for (let hour = 0; hour < 48; hour += 8) {
    rig.append(Array.from({ length: 8 }, (_none, part) => hourRows(hour + part)).flat());
    if (hour < 40) await rig.store.flush(rig.runner);
  }
  return rig;
}

test("a disk that fails at any call leaves the state before or after, for this process and the next", async () => {
  const closedMs = startMs + 60 * 24 * hourMs;
  const counting = failingDisk(memoryDisk().disk, Infinity);
  const whole = await twoDays(counting.disk);
  const before = counting.calls();
  expect(await whole.store.maintain(whole.runner, closedMs)).toBe(6);
  const calls = counting.calls() - before;
  expect(calls).toBeGreaterThan(30);
  for (let failAt = 1; failAt <= calls; failAt += 1) {
    const memory = memoryDisk();
    let failing: Disk = memory.disk;
    const disk: Disk = {
      create: (path) => failing.create(path),
      open: (path) => failing.open(path),
      rename: (from, to) => failing.rename(from, to),
      remove: (path) => failing.remove(path),
      makeFolder: (path) => failing.makeFolder(path),
      syncFolder: (path) => failing.syncFolder(path),
      list: (path) => failing.list(path),
    };
    const rig = await twoDays(disk);
    failing = failingDisk(memory.disk, failAt).disk;
    await expect(rig.store.maintain(rig.runner, closedMs)).rejects.toThrow("failed");
    failing = memory.disk;
    const expectWhole = (): void => {
      for (const meterNo of [1, 17, meters]) {
        const { readings, damage } = rig.store.range(meterNo, startMs, startMs + 48 * hourMs);
        expect([readings.length, damage]).toEqual([48, []]);
      }
    };
    expectWhole();
    // Half of them go on, half start again.
    if (failAt % 2 === 0) rig.reopen();
    expectWhole();
    await rig.store.maintain(rig.runner, closedMs);
    expectWhole();
    rig.reopen();
    expectWhole();
    expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
    const kinds = rig.manifest.files().map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(["month", "rollup", "rollup"]);
  }
}, 240_000);

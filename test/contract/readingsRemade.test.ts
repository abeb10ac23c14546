/** A damaged roll-up is told, put aside and made again from its readings; every answer is then what it was. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Disk } from "#ports/disk.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import { StoreKeeper } from "#readings/storeKeeper.ts";
import { verifyStore } from "#readings/verifyStore.ts";
import { walkFiles } from "#readings/walkFiles.ts";
import { failingDisk, memoryDisk, type ReadingValues } from "../support/readingRows.ts";
import { shanghai, storeRig, type StoreRig } from "../support/readingStore.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const meters = 40;
const startDay = 20_727;
const calendar = new GasCalendar(shanghai);
const startMs = calendar.startOf(startDay);
const days = 4;
const nowMs = startMs + days * dayMs + 3 * hourMs;

function hourRows(hour: number): readonly ReadingValues[] {
  return Array.from({ length: meters }, (_none, meter) => ({
    meterNo: meter + 1,
    measuredAtMs: startMs + hour * hourMs + 1 + meter * 1_000,
    receivedAtMs: startMs + hour * hourMs + 1_800_000,
    indexMl: meter * 1_000_000 + hour * 137_000,
    quality: 3,
    flowMlPerHour: ((hour * meter) % 7) * 20_000,
    batteryMv: 3_600,
  }));
}

/** Some days in segments with their roll-ups; a month of one day more when `isMonth`. */
async function filled(disk: Disk, atMs = nowMs): Promise<StoreRig> {
  const rig = storeRig({ disk, chunkRows: 16 });
  for (let day = 0; day < days; day += 1) {
    const hours = Array.from({ length: 24 }, (_none, hour) => hourRows(day * 24 + hour));
    rig.append(hours.flat());
    await rig.store.flush(rig.runner);
  }
  await rig.store.maintain(rig.runner, atMs);
  return rig;
}

function answers({ store }: StoreRig): unknown {
  const all = Array.from({ length: meters }, (_none, meter) => meter + 1);
  return {
    registers: Array.from({ length: days * 2 }, (_none, half) =>
      store.registersAt(startMs + (half + 1) * 12 * hourMs),
    ),
    uses: store.dayUse(all, startDay, startDay + days - 1),
    peaks: Array.from({ length: days }, (_none, day) => store.peakFlows(startDay + day, 5)),
  };
}

const rollUpOf = ({ manifest }: StoreRig, day: number) => {
  const file = manifest.files().find(({ kind, fromDay }) => kind === "rollup" && fromDay === day);
  if (file === undefined) throw new Error(`a roll-up of ${day}`);
  return file.name;
};

type Memory = ReturnType<typeof memoryDisk>;
const harms: Readonly<Record<string, (memory: Memory, path: string) => void>> = {
  "a byte of a chunk": (memory, path) => {
    const content = memory.contentOf(path);
    content[200] = (content[200] ?? 0) ^ 1;
  },
  "the header": (memory, path) => {
    const content = memory.contentOf(path);
    content[10] = (content[10] ?? 0) ^ 1;
  },
  "a file cut in two": (memory, path) => {
    const content = memory.contentOf(path);
    content.length = Math.floor(content.length / 2);
  },
  "the file": (memory, path) => void memory.files.delete(path),
};

function keeperOf(rig: StoreRig): { readonly keeper: StoreKeeper; readonly told: string[] } {
  const told: string[] = [];
  const keeper = new StoreKeeper({
    store: rig.store,
    startWorker: () => ({ ...rig.runner, end: () => undefined }),
    onDamage: (places) => told.push(...places.map(({ file }) => `damaged ${file}`)),
    onRemade: (file) => told.push(`remade ${file}`),
    onRetired: () => undefined,
    onFailure: (cause) => told.push(String(cause)),
  });
  return { keeper, told };
}

/** What a walk finds, as it is told. */
function walked({ manifest, disk }: StoreRig, rest = () => undefined as void): DamagedPlace[] {
  const found: DamagedPlace[] = [];
  const onDamage = (places: readonly DamagedPlace[]) => void found.push(...places);
  const files = walkFiles({ disk, folder: "/readings", manifest, rest, onDamage });
  expect(files).toBeGreaterThan(1);
  return found;
}

for (const [what, harm] of Object.entries(harms)) {
  for (const [when, atMs] of [
    ["from days", nowMs],
    ["from the month", nowMs + 31 * dayMs],
  ] as const) {
    test(`damaged is ${what}: told, made again ${when}, and answered as before`, async () => {
      const memory = memoryDisk();
      const rig = await filled(memory.disk, atMs);
      const right = answers(rig);
      const name = rollUpOf(rig, startDay + 1);
      const path = join("/readings", name);
      harm(memory, path);
      const harmed = memory.files.get(path)?.slice();
      rig.reopen();
      expect(verifyStore(rig.store, rig.manifest)).not.toEqual([]);

      const { keeper, told } = keeperOf(rig);
      // While it is not made again, what touches it says so; a file that is gone was told at the opening.
      const { damage } = rig.store.dayUse([1], startDay + 1, startDay + 1);
      if (what === "a byte of a chunk") expect(damage).toMatchObject([{ file: path, chunk: 0 }]);
      await keeper.look(atMs);
      expect(new Set(told)).toEqual(new Set([`damaged ${path}`, `remade ${name}`]));
      expect(told.at(-1)).toBe(`remade ${name}`);

      expect(rig.store.damage()).toEqual([]);
      expect(answers(rig)).toEqual(right);
      expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
      expect(rig.manifest.files().every(({ stale }) => stale === 0)).toBe(true);
      expect(memory.files.get(join("/readings/damaged", name))).toEqual(harmed);
      rig.reopen();
      expect(rig.store.report.unlisted).toEqual([]);
      expect(answers(rig)).toEqual(right);
      expect(memory.files.get(join("/readings/damaged", name))).toEqual(harmed);
    });
  }
}

test("damage that a reader beside the writer met, or the work on the next day, is made good too", async () => {
  const memory = memoryDisk();
  const rig = await filled(memory.disk);
  const right = answers(rig);
  const [first, last] = [rollUpOf(rig, startDay), rollUpOf(rig, startDay + days - 1)];
  for (const name of [first, last]) harms["a byte of a chunk"]?.(memory, join("/readings", name));
  const fault = { kind: "checksumMismatch", what: "frame 0" } as const;
  rig.store.noteDamage([
    { file: join("/data/readings", first), chunk: 0, fault },
    { file: "ledger.sqlite", chunk: 7, fault },
  ]);
  expect(rig.store.damage()).toHaveLength(1);
  // The next day's roll-up is built on the last one, whose damage nobody has met yet.
  rig.append(hourRows(days * 24));
  await rig.store.flush(rig.runner);
  await rig.store.maintain(rig.runner, nowMs + dayMs);
  expect(answers(rig)).toEqual(right);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
  expect(rollUpOf(rig, startDay + days)).toBeDefined();
  expect([...memory.files.keys()].filter((path) => path.includes("/damaged/"))).toHaveLength(2);
});

for (const [what, harm] of Object.entries(harms)) {
  test(`damaged is ${what} that nobody reads: a walk finds it, and it is made again at once`, async () => {
    const memory = memoryDisk();
    const rig = await filled(memory.disk);
    const right = answers(rig);
    const { keeper, told } = keeperOf(rig);
    await keeper.look(nowMs);
    expect(walked(rig)).toEqual([]);
    const name = rollUpOf(rig, startDay + 1);
    const path = join("/readings", name);
    harm(memory, path);
    const found = walked(rig);
    expect(new Set(found.map(({ file }) => file))).toEqual(new Set([path]));
    await keeper.look(nowMs + 1);
    expect(told).toEqual([]);
    keeper.noteDamage(found);
    await keeper.look(nowMs + 2);
    expect(new Set(told)).toEqual(new Set([`damaged ${path}`, `remade ${name}`]));
    expect([...memory.files.keys()].includes(path)).toBe(false);
    expect(walked(rig)).toEqual([]);
    expect(answers(rig)).toEqual(right);
    expect(rig.store.damage()).toEqual([]);
  });
}

test("a walk tells nothing of a file that is replaced under it, and a disk that gives nothing back", async () => {
  const memory = memoryDisk();
  const rig = await filled(memory.disk);
  const [first, second] = [rollUpOf(rig, startDay), rollUpOf(rig, startDay + 1)];
  const broken: Disk = {
    ...memory.disk,
    open(path) {
      const file = memory.disk.open(path);
      const isBad = path.endsWith(second);
      const read: typeof file.read = (into, atByte) => {
        if (isBad && atByte > 0 && atByte < 400) throw new TypeError("EIO: i/o error, read");
        return file.read(into, atByte);
      };
      return { ...file, read };
    },
  };
  const places = walked({ ...rig, disk: broken });
  const fault = { kind: "missing", what: "EIO: i/o error, read" };
  expect(places).toEqual([{ file: join("/readings", second), chunk: null, fault }]);
  harms["a byte of a chunk"]?.(memory, join("/readings", first));
  let hasRested = false;
  const replaced = walked(rig, () => {
    if (!hasRested) rig.db.exec(`UPDATE reading_file SET replaced_by = 99 WHERE name = '${first}'`);
    hasRested = true;
  });
  expect(hasRested).toBe(true);
  expect(replaced).toEqual([]);
});

test("a roll-up whose readings are damaged too stays, is told, and holds up no later day", async () => {
  const memory = memoryDisk();
  const rig = await filled(memory.disk);
  const name = rollUpOf(rig, startDay);
  const day = rig.manifest.files().find(({ kind }) => kind === "day")?.name ?? "";
  for (const file of [name, day]) harms["a byte of a chunk"]?.(memory, join("/readings", file));
  rig.reopen();
  expect(rig.store.dayUse([1], startDay, startDay).damage).toHaveLength(1);
  rig.append(hourRows(days * 24));
  await rig.store.flush(rig.runner);
  await rig.store.maintain(rig.runner, nowMs + dayMs);
  expect(rollUpOf(rig, startDay)).toBe(name);
  expect(rollUpOf(rig, startDay + days)).toBeDefined();
  expect(rig.store.dayUse([1], startDay, startDay).damage).toHaveLength(1);
  expect(memory.files.has(join("/readings", name))).toBe(true);
});

test("a crash at any call leaves the damaged file or the new one, and never neither", async () => {
  const counted = memoryDisk();
  const counting = failingDisk(counted.disk, Infinity);
  const whole = await filled(counting.disk);
  const right = answers(whole);
  const harm = (memory: Memory, rig: StoreRig) => {
    harms["a byte of a chunk"]?.(memory, join("/readings", rollUpOf(rig, startDay + 1)));
    rig.reopen();
    expect(rig.store.dayUse([1], startDay + 1, startDay + 1).damage).toHaveLength(1);
  };
  harm(counted, whole);
  const before = counting.calls();
  await whole.store.maintain(whole.runner, nowMs);
  const calls = counting.calls() - before;
  expect(calls).toBeGreaterThan(10);
  for (let failAt = 1; failAt <= calls; failAt += 1) {
    const memory = memoryDisk();
    let failing: Disk = memory.disk;
    const disk: Disk = {
      ...memory.disk,
      create: (path) => failing.create(path),
      rename: (from, to) => failing.rename(from, to),
      remove: (path) => failing.remove(path),
      syncFolder: (path) => failing.syncFolder(path),
    };
    const rig = await filled(disk);
    harm(memory, rig);
    failing = failingDisk(memory.disk, failAt).disk;
    await expect(rig.store.maintain(rig.runner, nowMs)).rejects.toThrow("failed");
    failing = memory.disk;
    rig.reopen();
    // Met again by whoever asks, as after any start.
    rig.store.dayUse([1], startDay + 1, startDay + 1);
    await rig.store.maintain(rig.runner, nowMs);
    expect(answers(rig)).toEqual(right);
    expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
    expect([...memory.files.keys()].filter((path) => path.includes("/damaged/"))).toHaveLength(1);
  }
}, 120_000);

/** The watch over a real queue, with time, disk and the engine's answers in the test's hands. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { timestampMs } from "#domain/units.ts";
import type { BatchReport, EngineBatch } from "#engine/messages.ts";
import type { Uplink } from "#ports/intake.ts";
import { SelfWatch } from "#selfwatch/selfWatch.ts";
import { queueRig } from "../../support/engineQueue.ts";

const failed: BatchReport = { kind: "notCommitted", code: "LEDGER_WRITE_FAILED", message: "full" };
const uplink: Uplink = {
  meterNo: 1,
  route: "meter",
  protocol: "json",
  bytes: Uint8Array.of(0x7b),
  receivedAtMs: 0,
  reachable: false,
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const rig = queueRig();
  rig.queue.ready();
  const world = { apartMs: 0, freeShare: 0.5 as number | null, toldAgoMs: 0, undrainedMs: 0 };
  const noted: string[] = [];
  const watch = new SelfWatch({
    queue: rig.queue,
    clock: {
      nowMs: () => timestampMs(Date.now()),
      monotonicMs: () => performance.now(),
      apartMs: () => world.apartMs,
    },
    freeSpace: {
      freeShare: () =>
        world.freeShare === null
          ? Promise.reject(new Error("EIO"))
          : Promise.resolve(world.freeShare),
    },
    reserve: { look: () => Promise.resolve(), restrictedFreeBytes: null },
    heartbeat: { file: undefined, url: undefined, everySeconds: 15 },
    outward: {
      stuckReceivers: (longerThanMs) => (world.toldAgoMs > longerThanMs ? 1 : 0),
      undrainedMs: () => world.undrainedMs,
    },
    observer: { note: (event, fields) => noted.push(`${event} ${String(fields?.["reason"])}`) },
    isWell: () => true,
  });
  watch.start();
  /** A second, in which the engine answers or does not. */
  const second = async (count: number, answers = true) => {
    for (let passed = 0; passed < count; passed += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      rig.turn();
      // What it says of a batch does not matter here: it answers.
      if (answers) rig.queue.take(failed);
    }
  };
  return { ...rig, watch, world, noted, second };
}

function told(batches: readonly EngineBatch[]): readonly string[] {
  const all = batches.flatMap(({ notices }) =>
    notices.flatMap((notice) => (notice.kind === "trouble" ? [notice.trouble] : [])),
  );
  // A batch that was not kept is told again.
  return [...new Set(all.map(({ rule, level }) => `${rule} ${level}`))];
}

test("at the start it says what is not wrong, so that alarms of the last start end", async () => {
  const { batches, second, queue, watch, noted } = setUp();
  await second(2);
  queue.tick();
  expect(told(batches).toSorted()).toEqual([
    "CLOCK 0",
    "DISK 0",
    "FANOUT 0",
    "HEARTBEAT 0",
    "INTAKE 0",
    "LAG 0",
    "NOTIFIER 0",
  ]);
  expect(noted).toEqual([]);
  watch.stop();
});

test("an engine that does not answer is an alarm within 10 s, and no longer when it follows", async () => {
  const { noted, second, watch, queue } = setUp();
  await second(3);
  queue.offer(uplink, () => undefined);
  queue.tick();
  await second(7, false);
  expect(noted).toEqual([]);
  await second(3, false);
  expect(noted).toEqual(["self.trouble LAG"]);
  expect(watch.lagSeconds).toBeGreaterThan(5);
  await second(12);
  expect(noted).toEqual(["self.trouble LAG", "self.troubleOver LAG"]);
  expect(watch.lagSeconds).toBeNull();
  watch.stop();
});

test("a clock moved forward or back is told once, and once when it is put right", async () => {
  const { noted, second, world, watch } = setUp();
  await second(1);
  for (const apartMs of [3_600_000, -31_557_600_000]) {
    world.apartMs = apartMs;
    await second(5);
    world.apartMs = 0;
    await second(5);
  }
  const once = ["self.trouble CLOCK", "self.troubleOver CLOCK"];
  expect(noted).toEqual([...once, ...once]);
  watch.stop();
});

test("a disk is looked at every 5 s; one that cannot be asked is as good as full", async () => {
  const { noted, second, world, watch, batches, queue } = setUp();
  await second(1);
  world.freeShare = 0.15;
  await second(5);
  expect(noted).toEqual(["self.trouble DISK"]);
  world.freeShare = null;
  await second(5);
  world.freeShare = 0.3;
  await second(5);
  queue.tick();
  expect(told(batches).filter((one) => one.startsWith("DISK"))).toEqual([
    "DISK 0",
    "DISK 1",
    "DISK 2",
  ]);
  expect(noted).toEqual(["self.trouble DISK", "self.trouble DISK", "self.troubleOver DISK"]);
  watch.stop();
});

test("who cannot be told for 20 s, and a feed that nobody reads for 10 s, are alarms within 30 s", async () => {
  const { noted, second, world, watch } = setUp();
  await second(1);
  world.toldAgoMs = 19_000;
  world.undrainedMs = 9_000;
  await second(5);
  expect(noted).toEqual([]);
  world.toldAgoMs = 21_000;
  world.undrainedMs = 11_000;
  await second(3);
  expect(noted).toEqual(["self.trouble NOTIFIER", "self.trouble FANOUT"]);
  world.toldAgoMs = 0;
  world.undrainedMs = 0;
  await second(3);
  expect(noted.slice(2)).toEqual(["self.troubleOver NOTIFIER", "self.troubleOver FANOUT"]);
  watch.stop();
});

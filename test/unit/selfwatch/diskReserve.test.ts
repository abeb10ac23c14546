/** The disk's reserve as a table: what is free from second to second, and what happens then. */
import { expect, test } from "vitest";
import { timestampMs } from "#domain/units.ts";
import { DiskReserve } from "#selfwatch/diskReserve.ts";

const reserveBytes = 100;

/** A disk with so much free beside the reserve, which may lose room while the reserve is being made. */
function setUp(reserve = reserveBytes) {
  const disk = { freeBytes: 0, heldBytes: 0, canBeAsked: true };
  let nowMs = 0;
  const said: boolean[] = [];
  const diskReserve = new DiskReserve({
    reserveBytes: reserve,
    clock: { nowMs: () => timestampMs(0), monotonicMs: () => nowMs },
    restrict: (isOn) => {
      if (said.at(-1) !== isOn) said.push(isOn);
    },
    file: {
      measure: () =>
        Promise.resolve(
          disk.canBeAsked ? { freeBytes: disk.freeBytes, heldBytes: disk.heldBytes } : null,
        ),
      make(bytes) {
        if (disk.freeBytes < bytes) return Promise.resolve(false);
        disk.freeBytes -= bytes;
        disk.heldBytes = bytes;
        return Promise.resolve(true);
      },
      release() {
        disk.freeBytes += disk.heldBytes;
        disk.heldBytes = 0;
        return Promise.resolve();
      },
    },
  });
  /** So many seconds later somebody else has taken (or given back) bytes. */
  const later = async (seconds: number, takenBytes: number) => {
    nowMs += seconds * 1_000;
    disk.freeBytes -= takenBytes;
    await diskReserve.look();
    return [disk.freeBytes, disk.heldBytes, diskReserve.restrictedFreeBytes];
  };
  return { disk, said, later };
}

test("a disk that fills up and is cleared", async () => {
  const { disk, said, later } = setUp();
  disk.freeBytes = 1_000;
  // Seconds, bytes taken; free, held, restricted at.
  const course = [
    [1, 0, 900, 100, null],
    [1, 850, 50, 100, null],
    [1, 1, 149, 0, 149],
    // Alarms live on what was the reserve.
    [1, 100, 49, 0, 49],
    [1, -101, 150, 0, 150],
    // Room again, and too soon after the last time; then long enough, and still not quite enough.
    [1, -50, 200, 0, 200],
    [2, 1, 199, 0, 199],
    [1, -1, 100, 100, null],
  ] as const;
  for (const [seconds, taken, ...expected] of course) {
    expect(await later(seconds, taken)).toEqual(expected);
  }
  expect(said).toEqual([true, false]);
});

test("somebody takes the room while the reserve is made again: readings stay out", async () => {
  const { disk, said, later } = setUp();
  disk.freeBytes = 10;
  await later(0, 0);
  disk.freeBytes = 500;
  disk.heldBytes = 0;
  const before = disk.freeBytes;
  await later(10, 0);
  expect([before - disk.freeBytes, disk.heldBytes, said]).toEqual([100, 100, [true, false]]);
});

test("a file of another size, as after a change of the setting, is made anew", async () => {
  const { disk, later, said } = setUp();
  disk.freeBytes = 1_000;
  disk.heldBytes = 30;
  expect(await later(1, 0)).toEqual([900, 100, null]);
  expect(said).toEqual([]);
});

test("a disk that cannot be asked changes nothing, and without a reserve nothing is ever refused", async () => {
  const asked = setUp();
  asked.disk.canBeAsked = false;
  expect(await asked.later(1, 0)).toEqual([0, 0, null]);
  const none = setUp(0);
  expect(await none.later(1, 0)).toEqual([0, 0, null]);
  expect(none.said).toEqual([]);
});

/** A small disk that fills up under load: readings stop, alarms and commands do not, and nothing is lost. */
import { afterEach, expect, test } from "vitest";
import { runDisk } from "../disk/diskRun.ts";
import { smallDisk, type SmallDisk } from "../support/smallDisk.ts";

let disk: SmallDisk | null = null;
afterEach(() => disk?.remove());

test("nearly full, and full at once: a leak rings, a valve closes, and it goes on by itself", async () => {
  disk = smallDisk(128);
  if (disk === null) return;
  const options = { rounds: 2, meters: 40, rate: 200, seed: 3, say: () => undefined };
  const { violations, lost, storedTwice, alarmMs } = await runDisk(disk, options);
  expect(violations).toEqual([]);
  expect({ lost, storedTwice }).toEqual({ lost: 0, storedTwice: 0 });
  expect(alarmMs).toHaveLength(2);
});

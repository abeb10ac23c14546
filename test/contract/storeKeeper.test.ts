/** The store's keeper beside a writer that ends while a piece of its work is being made. */
import { expect, test } from "vitest";
import type { WorkResult } from "#readings/work.ts";
import { StoreKeeper } from "#readings/storeKeeper.ts";
import { storeRig } from "../support/readingStore.ts";

test("a stop in the midst of work asks nothing of the ledger that is closed behind it", async () => {
  const rig = storeRig({});
  rig.append([
    { meterNo: 1, measuredAtMs: 1_000, receivedAtMs: 2_000, indexMl: 5_000, quality: 3 },
  ]);
  const { promise, reject } = Promise.withResolvers<WorkResult>();
  const failures: unknown[] = [];
  const keeper = new StoreKeeper({
    store: rig.store,
    startWorker: () => ({ run: () => promise, end: () => undefined }),
    onDamage: () => undefined,
    onRemade: () => undefined,
    onRetired: () => undefined,
    onFailure: (cause) => failures.push(cause),
  });
  const looked = keeper.look(40 * 86_400_000);
  keeper.stop();
  rig.db.close();
  reject(new TypeError("the worker was ended"));
  await expect(looked).resolves.toBeUndefined();
  expect(failures).toEqual([]);
});

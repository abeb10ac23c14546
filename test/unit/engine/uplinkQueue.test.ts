/** Which uplinks the next batch takes, and in which order. */
import { expect, test } from "vitest";
import { queueLimits } from "#engine/uplinkQueue.ts";
import { invariant } from "#domain/invariant.ts";
import { nothing, queueRig } from "../../support/engineQueue.ts";

/** A queue whose engine is not ready yet; `firstBatch` makes it so. */
function waitingQueue() {
  const { queue, batches, turn } = queueRig();
  const offer = (meterNo: number, text: string) => {
    const bytes = Buffer.from(text);
    const uplink = { route: "meter", protocol: "json", receivedAtMs: 0, reachable: false } as const;
    queue.offer({ ...uplink, meterNo, bytes }, nothing);
  };
  /** In an envelope that names its meter itself. */
  const carry = (meterNo: number, text: string) => {
    const bytes = Buffer.from(text);
    const uplink = { route: "gateway:G1", protocol: "ctwing", receivedAtMs: 0 } as const;
    const carried = { meterNo, protocol: "json", bytes } as const;
    queue.offer({ ...uplink, meterNo: null, reachable: false, bytes, carried }, nothing);
  };
  const firstBatch = () => {
    queue.ready();
    turn();
    const uplinks = batches[0]?.uplinks;
    invariant(uplinks !== null && uplinks !== undefined, "something waited");
    const whole = Buffer.from(uplinks.bytes).toString();
    return [...uplinks.ends].map(
      (end, place) =>
        `${uplinks.meterNos[place]} ${whole.slice(place === 0 ? 0 : uplinks.ends[place - 1], end)}`,
    );
  };
  return { offer, carry, firstBatch };
}

test("within a batch everything keeps the order in which it came", () => {
  const { offer, firstBatch } = waitingQueue();
  offer(1, "a");
  offer(2, "b");
  offer(1, "leak");
  offer(2, "c");
  expect(firstBatch()).toEqual(["1 a", "2 b", "1 leak", "2 c"]);
});

test("a leak in an envelope passes a flood of envelopes, and takes along only its own meter's", () => {
  const { carry, firstBatch } = waitingQueue();
  for (let no = 0; no < 2 * queueLimits.batchUplinks; no += 1) carry(9, "flood");
  carry(1, "before");
  carry(1, "leak");
  const batch = firstBatch();
  expect(batch).toHaveLength(queueLimits.batchUplinks);
  expect(batch.slice(-2)).toEqual(["-1 before", "-1 leak"]);
});

test("a leak passes a flood, and takes along what its own meter said before", () => {
  const { offer, firstBatch } = waitingQueue();
  for (let no = 0; no < 2 * queueLimits.batchUplinks; no += 1) offer(9, "flood");
  offer(1, "before");
  offer(1, "leak");
  const batch = firstBatch();
  expect(batch).toHaveLength(queueLimits.batchUplinks);
  expect(batch.slice(-2)).toEqual(["1 before", "1 leak"]);
  expect(new Set(batch.slice(0, -2))).toEqual(new Set(["9 flood"]));
});

/** The queue before the engine while nothing can be stored: who waits, who is answered, and that it rests. */
import { expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { Uplink } from "#ports/intake.ts";
import { queueRig } from "../../support/engineQueue.ts";

const failed: BatchReport = { kind: "notCommitted", code: "LEDGER_WRITE_FAILED", message: "full" };

function setUp() {
  const rig = queueRig();
  rig.queue.ready();
  return rig;
}

function uplink(bytes: Uint8Array): Uplink {
  const route = "meter" as const;
  return { meterNo: 1, route, protocol: "json", bytes, receivedAtMs: 0, reachable: false };
}

test("meters that come and go while nothing can be stored wait once each, and cause no spinning", () => {
  const { queue, batches, turn } = setUp();
  queue.contact(1);
  turn();
  expect(batches).toHaveLength(1);
  for (let knock = 0; knock < 1_000; knock += 1) queue.contact(1 + (knock % 3));
  queue.take(failed);
  turn();
  turn();
  expect(batches).toHaveLength(1);
  queue.tick();
  expect(
    batches.at(-1)?.notices.map((notice) => notice.kind === "contact" && notice.meterNo),
  ).toEqual([1, 2, 3]);
});

test("what became of an order is told before who listens now, and is not lost by a failed commit", () => {
  const { queue, batches, turn } = setUp();
  queue.contact(7);
  queue.downlinkOutcome(commandId("c-1"), "undelivered");
  turn();
  queue.take(failed);
  queue.tick();
  expect(batches.at(-1)?.notices).toEqual([
    { kind: "downlink", commandId: "c-1", outcome: "undelivered" },
    { kind: "contact", meterNo: 7 },
  ]);
});

test("whoever waits for an answer while nothing can be stored gets it at once", () => {
  const { queue, batches, turn } = setUp();
  const answers: unknown[] = [];
  queue.offer(uplink(Uint8Array.of(1)), (answer) => answers.push(answer));
  turn();
  queue.offer(uplink(Uint8Array.of(2)), (answer) => answers.push(answer));
  queue.take(failed);
  expect(answers).toEqual(["store-failed"]);
  turn();
  expect(batches).toHaveLength(2);
  queue.take(failed);
  expect(answers).toEqual(["store-failed", "store-failed"]);
});

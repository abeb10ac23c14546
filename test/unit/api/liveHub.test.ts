/** The hub alone, with every promise and every reader in the test's hands. */
import { fc, test } from "@fast-check/vitest";
import { apiLimits } from "#api/limits.ts";
import { LiveHub, type LiveCloseReason, type LiveLine, type LiveWire } from "#api/live/liveHub.ts";
import type { StoredEvent } from "#domain/event.ts";
import { timestampMs } from "#domain/units.ts";
import { describe, expect } from "vitest";

const limits = {
  ...apiLimits,
  liveRingEvents: 6,
  livePageEvents: 3,
  liveBufferedBytesMax: 200,
  liveDrainTimeoutMs: 1_000,
};
const keyHash = "k";
/** No line of these tests is longer. */
const lineBytesMax = 110;

function eventOf(seq: number): StoredEvent {
  return { seq, json: JSON.stringify({ seq, filler: "x".repeat(80) }) };
}

/** A reader that takes bytes when it is told to. */
class Reader implements LiveWire {
  readonly sequences: number[] = [];
  closed: LiveCloseReason | null = null;
  bytesMax = 0;
  readonly #unread: { readonly bytes: number; readonly flushed: () => void }[] = [];

  send({ seq, bytes }: LiveLine, flushed: () => void): void {
    if (seq !== null) this.sequences.push(seq);
    this.#unread.push({ bytes: bytes.length, flushed });
    this.bytesMax = Math.max(this.bytesMax, this.bufferedBytes());
  }
  bufferedBytes(): number {
    return this.#unread.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  close(reason: LiveCloseReason): void {
    this.closed = reason;
  }
  read(lines: number): void {
    for (const { flushed } of this.#unread.splice(0, lines)) flushed();
  }
}

function hubOn(stored: StoredEvent[], answer: <T>(result: T) => Promise<T>) {
  let nowMs = 0;
  const noted: string[] = [];
  const keys = new Set([keyHash]);
  const hub = new LiveHub({
    limits,
    queries: {
      events: async (after, limit) =>
        answer(stored.filter(({ seq }) => seq > after).slice(0, limit)),
      eventRange: async () =>
        answer({ oldest: stored[0]?.seq ?? 0, newest: stored.at(-1)?.seq ?? 0 }),
    },
    apiKeys: {
      byHash: (hash) =>
        keys.has(hash) ? { id: "1", keyHash, role: "viewer", label: "x" } : undefined,
    },
    clock: { nowMs: () => timestampMs(nowMs), monotonicMs: () => nowMs },
    observer: { note: (event) => noted.push(event) },
  });
  const publish = (count: number) => {
    const first = (stored.at(-1)?.seq ?? 0) + 1;
    const events = Array.from({ length: count }, (_, place) => eventOf(first + place));
    stored.push(...events);
    hub.publish(events);
  };
  const wait = (ms: number) => {
    nowMs += ms;
    hub.tick();
  };
  return { hub, publish, wait, noted, keys };
}

/** Lets everything that can go on, go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
}

const upTo = (from: number, last: number) =>
  Array.from({ length: Math.max(0, last - from + 1) }, (_, place) => from + place);

describe("live hub", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ publish: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ read: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ join: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ tick: fc.constant(true) }),
    ),
    { maxLength: 40 },
  );

  test.prop([fc.scheduler(), fc.integer({ min: 0, max: 20 }), steps])(
    "each client has each event once and in order, however queries, readers and commits interleave",
    async (scheduler, before, wanted) => {
      const stored = upTo(1, before).map(eventOf);
      const rig = hubOn(stored, async (result) => scheduler.schedule(Promise.resolve(result)));
      const readers: { readonly reader: Reader; readonly after: number }[] = [];
      const join = (after: number) => {
        const reader = new Reader();
        const newest = stored.at(-1)?.seq ?? 0;
        readers.push({ reader, after: Math.min(after, newest) });
        void rig.hub.join(reader, keyHash, Math.min(after, newest));
      };
      join(0);
      for (const step of wanted) {
        if ("publish" in step) rig.publish(step.publish);
        else if ("read" in step) for (const { reader } of readers) reader.read(step.read);
        else if ("join" in step) join(step.join);
        else rig.wait(1);
        if (scheduler.count() > 0 && wanted.length % 2 === 0) await scheduler.waitOne();
      }
      for (let round = 0; round < 200; round++) {
        await scheduler.waitIdle();
        await settle();
        for (const { reader } of readers) reader.read(100);
      }
      const last = stored.at(-1)?.seq ?? 0;
      for (const { reader, after } of readers) {
        expect(reader.closed).toBeNull();
        expect(reader.sequences).toEqual(upTo(after + 1, last));
        // One line may cross the mark; nothing follows it.
        expect(reader.bytesMax).toBeLessThan(limits.liveBufferedBytesMax + lineBytesMax);
      }
    },
  );

  test("a reader that takes nothing is cut, one that takes a little now and then is not", async () => {
    const rig = hubOn([], async (result) => result);
    const deaf = new Reader();
    const slow = new Reader();
    await rig.hub.join(deaf, keyHash, null);
    await rig.hub.join(slow, keyHash, null);
    for (let second = 0; second < 8; second++) {
      rig.publish(5);
      rig.wait(400);
      slow.read(100);
      await settle();
    }
    expect(deaf.closed).toBe("too-slow");
    expect(slow.closed).toBeNull();
    expect(rig.noted).toContain("live.slowClientCut");
    for (let turn = 0; turn < 40; turn++) {
      slow.read(100);
      await settle();
    }
    expect(slow.sequences).toEqual(upTo(1, 40));
  });

  test("events that retention took away are passed over", async () => {
    const reader = new Reader();
    const stored: StoredEvent[] = [];
    const pruned = hubOn(stored, async (result) => result);
    stored.push({ seq: 100, json: "{}" });
    pruned.hub.publish([{ seq: 100, json: "{}" }]);
    await pruned.hub.join(reader, keyHash, 3);
    await settle();
    expect(reader.sequences).toEqual([100]);
  });

  test("a sequence from the future is brought back to the newest", async () => {
    const rig = hubOn([], async (result) => result);
    rig.publish(2);
    const reader = new Reader();
    await rig.hub.join(reader, keyHash, 999);
    rig.publish(1);
    await settle();
    expect(reader.sequences).toEqual([3]);
  });

  test("a revoked key and a failing store end the feed with a reason", async () => {
    const rig = hubOn([], async (result) => result);
    const revoked = new Reader();
    await rig.hub.join(revoked, keyHash, null);
    rig.keys.clear();
    rig.wait(1);
    expect(revoked.closed).toBe("key-revoked");
    const broken = hubOn([], async () => {
      throw new RangeError("no store");
    });
    const refused = new Reader();
    await broken.hub.join(refused, keyHash, 0);
    expect(refused.closed).toBe("try-again");
    expect(broken.noted).toContain("api.failed");
    expect(broken.hub.clientCount).toBe(0);
  });
});

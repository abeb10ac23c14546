/** The queue before the engine while the disk is nearly full: who enters, who is refused, and in which order. */
import { expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { Uplink } from "#ports/intake.ts";
import { queueRig } from "../../support/engineQueue.ts";

const committed = {
  kind: "committed",
  answers: [],
  events: [],
  downlinks: [],
  linkNotes: [],
  waiting: [],
  directory: null,
  counts: {
    outcomes: [],
    quarantined: [],
    readings: 0,
    commands: [],
    held: 0,
    commitSeconds: 0,
    batchSeconds: 0,
  },
  activeAlarms: { 1: 0, 2: 0, 3: 0, 4: 0 },
} as const satisfies BatchReport;

function setUp() {
  const rig = queueRig();
  rig.queue.ready();
  const answers: (readonly [string, string | null])[] = [];
  const offer = (name: string, meterNo: number, text: string) => {
    const bytes = Buffer.from(text);
    const rest = { route: "meter", protocol: "json", receivedAtMs: 0, reachable: false } as const;
    const uplink: Uplink = { meterNo, bytes, ...rest };
    rig.queue.offer(uplink, (failure) => answers.push([name, failure]));
  };
  const texts = () =>
    rig.batches.flatMap(({ uplinks }) => {
      const starts = uplinks === null ? [] : [0, ...uplinks.ends].slice(0, -1);
      return starts.map((start, place) =>
        Buffer.from(uplinks?.bytes.subarray(start, uplinks.ends[place]) ?? []).toString(),
      );
    });
  return { ...rig, answers, offer, texts };
}

const reading = '{"v":1,"volumeM3":"1"}';
const leak = '{"v":1,"status":["leak"]}';

test("readings wait a moment and are refused; a leak enters and takes its meter's older frames along", () => {
  const { queue, offer, answers, texts, turn } = setUp();
  queue.restrict(true);
  offer("one", 1, reading);
  offer("two", 2, `${reading} `);
  queue.tick();
  queue.take(committed);
  offer("leak", 2, leak);
  turn();
  expect(texts()).toEqual([`${reading} `, leak]);
  queue.take(committed);
  expect(answers).toEqual([
    ["two", null],
    ["leak", null],
  ]);
  queue.tick();
  queue.take(committed);
  expect(answers.at(-1)).toEqual(["one", "disk-low"]);
});

test("whoever was sent a command may answer it", () => {
  const { queue, offer, answers, turn } = setUp();
  queue.tick();
  const bytes = new Uint8Array();
  const down = { commandId: commandId("c"), meterNo: 7, protocol: "json", bytes } as const;
  queue.take({ ...committed, downlinks: [{ ...down, expiresAtMs: 1 }] });
  queue.restrict(true);
  offer("answer", 7, reading);
  turn();
  queue.take(committed);
  expect(answers).toEqual([["answer", null]]);
});

test("with room again what still waits enters; at a stop it is refused", () => {
  const { queue, offer, answers, turn } = setUp();
  queue.restrict(true);
  offer("kept", 1, reading);
  queue.restrict(false);
  turn();
  queue.take(committed);
  expect(answers).toEqual([["kept", null]]);
  queue.restrict(true);
  offer("late", 1, reading);
  void queue.stop();
  expect(answers.at(-1)).toEqual(["late", "disk-low"]);
});

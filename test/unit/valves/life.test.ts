/** Lives of one close, as the field writes them. */
import { describe, expect, test } from "vitest";
import {
  aCommand,
  at,
  clock,
  contact,
  delivered,
  expectLife,
  handed,
  order,
  ourId,
  reading,
  reply,
  restart,
  shut,
  start,
  undelivered,
} from "./kit.ts";
import type { Line } from "./kit.ts";

describe("a meter that obeys", () => {
  test("leak, close, answer, two quiet readings", () => {
    const { state, history } = expectLife(start, [
      ...handed,
      [0, reply("accepted"), "accepted"],
      [1, reply("executed"), "executed"],
      [2, reading("closed"), "executed"],
      [32, reading("closed"), "executed"],
      [62, reading("closed"), "verified"],
    ]);
    expect(state).toEqual({
      ...start,
      resting: "closed",
      sendsMs: [at(0)],
      ended: [{ id: ourId, sequence: 0, lastResult: "executed" }],
      position: "closed",
      positionAtMs: at(62),
      outstanding: null,
      nextSequence: 1,
      trouble: null,
    });
    expect(history).toEqual([
      "queued engine",
      "sent engine",
      "delivered engine",
      "accepted meter",
      "executed meter",
      "verified meter",
    ]);
  });

  test("without any answer, the reported position is enough", () => {
    expectLife(start, [
      ...shut,
      [31, reading("closed"), "executed"],
      [61, reading("closed"), "verified"],
    ]);
  });

  test("a meter that never tells a position is proved by its register", () => {
    expectLife(start, [
      ...handed,
      [1, reply("executed"), "executed"],
      [30, reading(null), "executed"],
      [60, reading(null), "executed"],
      [90, reading(null), "verified"],
    ]);
  });

  test("a sleepy meter: a day between two words", () => {
    const day = 24 * 60;
    const asleep = { ...aCommand("authorised"), expiresAtMs: at(2 * day) };
    expectLife(start, [
      [0, () => ({ kind: "order", command: asleep, by: "anna" }), "queued"],
      [day - 1, clock, "queued"],
      [day, contact, "sent", { sends: true }],
      [day, delivered, "delivered"],
      // It connects before it reports: nothing is sent a second time.
      [2 * day, contact, "delivered"],
      [2 * day, reading("closed"), "executed"],
      [2 * day, reply("executed"), "executed", { ignored: "repeated" }],
      [3 * day, clock, "executed"],
      [3 * day, reading("closed"), "executed"],
      [4 * day, reading("closed"), "verified"],
    ]);
  });

  test("one upload with a day of hourly values verifies", () => {
    const day = 24 * 60;
    expectLife(start, [
      ...handed,
      [1, reply("executed"), "executed"],
      [day, reading(null, 1_000_000, 60), "executed"],
      [day, reading(null, 1_000_000, 120), "executed"],
      [day, reading(null, 1_000_000, 180), "verified"],
    ]);
  });
});

describe("a radio that loses things", () => {
  test("lost delivery: given back, sent again, the attempt is not spent", () => {
    const { state } = expectLife(start, [
      [0, order, "queued"],
      [0, contact, "sent", { sends: true }],
      [1, undelivered, "queued", { detail: "undelivered" }],
      [2, contact, "sent", { sends: true }],
      [2, delivered, "delivered"],
    ]);
    expect(state.outstanding?.command).toMatchObject({ attempts: 1, sequence: 0, id: ourId });
  });

  test("the session says nothing: unknown, and the next position decides", () => {
    expectLife(start, [
      [0, order, "queued"],
      [0, contact, "sent", { sends: true }],
      [4, clock, "sent"],
      [5, clock, "unknown", { detail: "no-word" }],
      [6, contact, "unknown"],
      [7, reading("closed"), "executed"],
    ]);
  });

  test("restart between sent and recorded: shut already", () => {
    expectLife(start, [
      [0, order, "queued"],
      [0, contact, "sent", { sends: true }],
      [1, restart, "unknown", { detail: "restart" }],
      [1, contact, "unknown"],
      [1, reading("closed"), "executed"],
      [2, contact, "executed"],
    ]);
  });

  test("restart between sent and recorded: a retried old uplink does not prove it open", () => {
    const { state } = expectLife(start, [
      [0, order, "queued"],
      [1, contact, "sent", { sends: true }],
      [2, restart, "unknown"],
      [3, reading("open", 1_000_000, 0.5), "unknown"],
      [3, contact, "unknown"],
      [4, reading("moving"), "unknown"],
      [9, reading("open"), "queued"],
      [9, contact, "sent", { sends: true }],
    ]);
    expect(state.outstanding?.command).toMatchObject({ attempts: 2, sequence: 0, id: ourId });
  });

  test("restart after an outage: what the meter measured meanwhile counts", () => {
    expectLife(start, [
      [0, order, "queued"],
      [1, contact, "sent", { sends: true }],
      [40, restart, "unknown"],
      [40, reading("open", 1_000_000, 30), "queued"],
    ]);
  });

  test("unknown, open, and its time is over: never sent again", () => {
    const { state } = expectLife(start, [
      [0, order, "queued"],
      [1, contact, "sent", { sends: true }],
      [2, restart, "unknown"],
      [60, reading("open"), "expired"],
      [61, contact, "expired"],
    ]);
    expect(state.trouble).toBe("expired");
  });

  test("the second attempt is lost as well and the time is over", () => {
    expectLife(start, [
      ...handed,
      [50, reading("open"), "delivered"],
      [59, contact, "sent", { sends: true }],
      [61, undelivered, "expired"],
    ]);
  });
});

describe("a meter that does not do it", () => {
  test("silence, an open report, a second attempt, then attempts are spent", () => {
    const { state } = expectLife(start, [
      ...handed,
      [1, reading("open"), "delivered"],
      [1, contact, "delivered"],
      [2, reading("open"), "delivered"],
      [2, contact, "sent", { sends: true }],
      [2, delivered, "delivered"],
      [3, contact, "delivered"],
      [3, reading("open"), "delivered"],
      [30, reading("open"), "failed", { detail: "attempts-spent" }],
      [31, contact, "failed"],
    ]);
    expect(state.trouble).toBe("failed");
  });

  test("accepted and then nothing: open reports allow one more attempt, silence does not", () => {
    expectLife(start, [
      ...handed,
      [0, reply("accepted"), "accepted"],
      [10, reading(null), "accepted"],
      [10, contact, "accepted"],
      [20, reading("open"), "accepted"],
      [20, contact, "sent", { sends: true }],
    ]);
  });

  test("an open report from before the meter took the order does not count", () => {
    expectLife(start, [
      ...handed,
      [10, reading("open"), "delivered"],
      [11, reply("accepted"), "accepted"],
      [12, contact, "accepted"],
      [13, reading("open"), "accepted"],
      [13, contact, "sent", { sends: true }],
    ]);
  });

  test("accepted and still open in one upload: it is about to move, in either order", () => {
    const day = 23 * 60;
    const asleep = { ...aCommand("authorised"), expiresAtMs: at(2 * day) };
    const late: readonly Line[] = [
      [0, () => ({ kind: "order", command: asleep, by: "anna" }), "queued"],
      ...handed.slice(1),
    ];
    expectLife(start, [
      ...late,
      [day, reading("open"), "delivered"],
      [day, reply("accepted"), "accepted"],
      [day, contact, "accepted"],
    ]);
    expectLife(start, [
      ...late,
      [day, reply("accepted"), "accepted"],
      [day, reading("open"), "accepted"],
      [day, contact, "accepted"],
    ]);
  });

  test("a meter whose clock is ahead cannot hurry us", () => {
    expectLife(start, [
      ...handed,
      [1, reading("open", 1_000_000, 9), "delivered"],
      [1, contact, "delivered"],
      [2, reading("open", 1_000_000, 10), "delivered"],
      [2, contact, "sent", { sends: true }],
    ]);
  });

  test("reported open after the time is over", () => {
    expectLife(start, [...handed, [60, reading("open"), "failed", { detail: "still-open" }]]);
  });

  test.each([
    ["refused", "battery-low", "battery-low"],
    ["failed", null, "meter-failed"],
  ] as const)("%s with reason %s", (result, reason, detail) => {
    const { state } = expectLife(start, [
      ...handed,
      [1, reply(result, { reason }), "failed", { detail }],
    ]);
    expect(state).toMatchObject({ trouble: "failed", outstanding: null });
  });

  test("a jammed valve", () => {
    const { state } = expectLife(start, [
      ...handed,
      [1, reading("moving"), "delivered"],
      [2, reading("fault"), "failed", { detail: "valve-fault" }],
    ]);
    expect(state).toMatchObject({ trouble: "failed", position: "fault" });
  });

  test("a fault from before does not forbid the attempt", () => {
    expectLife(start, [
      [0, order, "queued"],
      [1, reading("fault"), "queued"],
      [1, contact, "sent", { sends: true }],
      [2, reading("fault", 1_000_000, 2), "failed", { detail: "valve-fault" }],
    ]);
    expectLife(start, [
      [0, order, "queued"],
      [1, contact, "sent", { sends: true }],
      [2, reading("fault", 1_000_000, 0.9), "sent"],
    ]);
  });

  test("it fails after it said executed", () => {
    expectLife(start, [...shut, [9, reading("fault"), "failed", { detail: "valve-fault" }]]);
  });

  test("a silent meter", () => {
    const { state } = expectLife(start, [
      ...handed,
      [25 * 60, clock, "delivered"],
      [26 * 60, contact, "failed", { detail: "no-answer" }],
    ]);
    expect(state.trouble).toBe("failed");
  });

  test("accepted, and then silent", () => {
    const answered: Line = [0, reply("accepted"), "accepted"];
    expectLife(start, [
      ...handed,
      answered,
      [26 * 60, clock, "failed", { detail: "not-executed" }],
    ]);
  });

  test("executed, and then silent: never verified", () => {
    const { state } = expectLife(start, [
      ...shut,
      [60, reading("closed"), "executed"],
      [60 + 26 * 60 - 1, clock, "executed"],
      [60 + 26 * 60, clock, "failed", { detail: "not-verified" }],
    ]);
    expect(state.trouble).toBe("failed");
  });
});

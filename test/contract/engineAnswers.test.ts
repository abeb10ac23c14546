/** Answers that do not belong change nothing, are counted, and are a matter for people. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { minuteMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let first: number;
let second: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  first = engine.register("M1");
  second = engine.register("M2");
});
afterEach(() => engine.close());

function say(meterNo: number, members: Readonly<Record<string, unknown>>): BatchReport {
  engine.nowMs += minuteMs;
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000", ...members });
  return engine.uplinks([{ meterNo, bytes, reachable: true }]);
}

function order(): string {
  say(first, { status: ["leak"] });
  return engine.ledger.openCommands()[0]?.id ?? "none";
}

function strays(report: BatchReport) {
  if (report.kind !== "committed") throw new TypeError("not committed");
  return report.counts.commands.filter(({ action }) => action === "reply");
}

function mismatches() {
  return engine.alarms("COMMAND_MISMATCH").map(({ meterNo, level, state, proof }) => ({
    meterNo,
    level,
    state,
    reason: proof["reason"],
  }));
}

test("a neighbour answers: nothing moves, and its own alarm rings", () => {
  const id = order();
  const report = say(second, { reply: { commandId: id, result: "executed" } });
  expect(strays(report)).toMatchObject([{ outcome: "unknown-command", count: 1 }]);
  expect(engine.ledger.openCommands()).toMatchObject([{ id, state: "sent" }]);
  const reason = "unknown-command";
  expect(mismatches()).toEqual([{ meterNo: second, level: 2, state: "unacknowledged", reason }]);
  say(second, {});
  expect(mismatches()).toMatchObject([{ state: "latched-unacknowledged" }]);
});

test("the meter answers in another protocol than its orders leave in", () => {
  const meterNo = engine.register("P1", { protocol: "protobuf" });
  engine.ask({ kind: "valve.close", meterId: "P1", reason: "smell", expiresInMs: 9e6 });
  engine.notices({ kind: "contact", meterNo });
  const [open] = engine.ledger.openCommands();
  const reply = { commandId: open?.id, result: "failed" };
  engine.uplinks([
    { meterNo, bytes: jsonBytes({ measuredAt: engine.nowMs, reply }), protocol: "json" },
  ]);
  expect(engine.ledger.openCommands()).toMatchObject([{ state: "sent" }]);
  expect(mismatches()).toMatchObject([{ reason: "other-dialect" }]);
});

test("before sending, after the end, and twice", () => {
  engine.ask({ kind: "valve.close", meterId: "M1", reason: "smell", expiresInMs: 9e6 });
  const id = engine.ledger.openCommands()[0]?.id ?? "none";
  const early = say(second, {});
  expect(strays(early)).toEqual([]);
  const bytes = jsonBytes({
    measuredAt: engine.nowMs,
    reply: { commandId: id, result: "executed" },
  });
  engine.uplinks([{ meterNo: first, bytes }]);
  expect(mismatches()).toMatchObject([{ reason: "before-sending", level: 2 }]);
  engine.notices({ kind: "contact", meterNo: first });
  const refused = { commandId: id, result: "refused" };
  say(first, { reply: refused });
  const twice = say(first, { reply: refused });
  expect(strays(twice)).toMatchObject([{ outcome: "repeated" }]);
  expect(mismatches()).toMatchObject([{ state: "latched-unacknowledged" }]);
  const late = say(first, { reply: { commandId: id, result: "executed" } });
  expect(strays(late)).toMatchObject([{ outcome: "after-end" }]);
  expect(engine.ledger.command(id as never)?.state).toBe("failed");
  expect(mismatches()).toMatchObject([{ reason: "after-end", state: "unacknowledged" }]);
});

/** What a leak asks of its valve, and what becomes of that when a person, the valve or time says otherwise. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001");
  report({});
});
afterEach(() => engine.close());

function kindsOf(result: BatchReport): readonly string[] {
  if (result.kind !== "committed") throw new TypeError(result.message);
  return result.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
}

interface Said {
  readonly status?: readonly string[];
  readonly valve?: string | null;
  /** How far the meter's clock is ahead. */
  readonly aheadMs?: number;
}

/** One uplink five minutes later; the meter listens if it is told so. */
function report(
  { status = [], valve = "open", aheadMs = 0 }: Said,
  reachable = false,
): BatchReport {
  engine.nowMs += 5 * minuteMs;
  const measuredAt = engine.nowMs + aheadMs;
  const values = { measuredAt, volumeM3: "100.000", status };
  const bytes = jsonBytes(valve === null ? values : { ...values, valve });
  return engine.uplinks([{ meterNo, bytes, reachable }]);
}

const leak = { status: ["leak"] };
const shutLeak = { ...leak, valve: "closed" };
const commands = () => engine.rows("SELECT state, detail FROM command ORDER BY id");

test("a close that a person has called off is not asked for again by time alone", () => {
  report(leak);
  const [waiting] = engine.ledger.openCommands();
  engine.ask({ kind: "command.cancel", commandId: waiting?.id ?? "", reason: "false alarm" });
  const alarmId = engine.alarms("R1")[0]?.id ?? "";
  engine.ask({ kind: "alarm.acknowledge", alarmId, occurrence: 1, comment: "nothing there" });
  engine.nowMs += 9 * hourMs;
  expect(kindsOf(engine.process({}))).toContain("alarm.reraised");
  report(leak, true);
  engine.restart();
  report(leak, true);
  expect(commands()).toMatchObject([{ state: "cancelled" }]);
  // Another leak is another leak.
  report({});
  expect(kindsOf(report(leak, true))).toContain("command.sent");
});

test("the leak at a shut valve asks once, and again when the valve is open", () => {
  report({ valve: "closed" });
  report(shutLeak);
  report(shutLeak);
  engine.restart();
  report(shutLeak);
  expect(commands()).toMatchObject([{ state: "refused", detail: "already-closed" }]);
  expect(kindsOf(report(leak, true))).toContain("command.sent");
  report(leak);
  expect(commands()).toHaveLength(2);
});

test("a close that a shut valve made needless is asked for again when the valve is open", () => {
  report(leak);
  expect(kindsOf(report(shutLeak))).toContain("command.cancelled");
  report(shutLeak);
  engine.restart();
  report(shutLeak);
  expect(commands()).toMatchObject([{ state: "cancelled", detail: "already-closed" }]);
  expect(kindsOf(report(leak, true))).toContain("command.sent");
});

test.each([
  ["the future", 2 * hourMs],
  ["long ago", -500 * dayMs],
])("a close for a leak is not called off by a valve word from %s", (_when, aheadMs) => {
  report(leak);
  report({ valve: "closed", aheadMs });
  report({ ...shutLeak, aheadMs });
  engine.restart();
  expect(commands()).toMatchObject([{ state: "queued" }]);
  expect(kindsOf(engine.notices({ kind: "contact", meterNo }))).toContain("command.sent");
});

test("nor is it refused for one", () => {
  report({ valve: "closed", aheadMs: 2 * hourMs });
  expect(kindsOf(report({ ...leak, valve: null }, true))).toContain("command.sent");
});

test("what a person ordered is called off by the same word, for no leak waits there", () => {
  const reason = "moving out";
  engine.ask({
    kind: "valve.close",
    meterId: "M0001",
    reason,
    expiresInMs: hourMs,
    lastAttempt: false,
  });
  report({ valve: "closed", aheadMs: 2 * hourMs });
  expect(commands()).toMatchObject([{ state: "cancelled", detail: "already-closed" }]);
});

test("what was sent is not carried out by a word without a time, but by the next one that has one", () => {
  report(leak, true);
  report({ valve: "closed", aheadMs: 2 * hourMs });
  engine.restart();
  report({ valve: "closed", aheadMs: 2 * hourMs });
  expect(commands()).toMatchObject([{ state: "unknown" }]);
  report({ valve: "closed" });
  expect(commands()).toMatchObject([{ state: "executed" }]);
});

/** What is no operator's business is listed and never rings; what becomes one rings from the list. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Alarm, MeterRuleId } from "#domain/alarm.ts";
import { dayMs, hourMs, secondMs } from "#domain/units.ts";
import { openForReading, answersFrom } from "#ledger/queries.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001");
});
afterEach(() => engine.close());

function report(members: Readonly<Record<string, unknown>>, afterMs: number = secondMs) {
  engine.nowMs += afterMs;
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "100.000", ...members });
  const result = engine.uplinks([{ meterNo, bytes }]);
  if (result.kind !== "committed") throw new TypeError(result.message);
  const kinds = result.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
  return { kinds, active: result.activeAlarms };
}

function latest(rule: MeterRuleId): Alarm | undefined {
  return engine.alarms(rule).at(-1);
}

function listed(): readonly string[] {
  const filter = { states: null, priorities: null, area: null, meterId: null, historical: null };
  const db = openForReading(engine.directory);
  const page = answersFrom(db).alarms({ ...filter, listed: true }, null, 100);
  db.close();
  return page.items.map(({ alarm }) => alarm.rule);
}

test("a battery that is low is listed once, rings when it is critical, and is listed again when it eases", () => {
  expect(report({ status: ["battery_low"] })).toMatchObject({
    kinds: ["alarm.listed"],
    active: { 1: 0, 2: 0, 3: 0, 4: 0 },
  });
  expect(report({ status: ["battery_low"] }).kinds).toEqual([]);
  expect(latest("R10")).toMatchObject({ listed: true, historical: false, state: "normal" });
  expect(listed()).toEqual(["R10"]);
  engine.restart();
  expect(report({ status: ["battery_critical"] })).toMatchObject({
    kinds: ["alarm.raised"],
    active: { 2: 1 },
  });
  expect(latest("R10")).toMatchObject({ listed: false, priority: 2, state: "unacknowledged" });
  expect(listed()).toEqual([]);
  expect(report({ status: ["battery_low"] }).kinds).toEqual(["alarm.returned", "alarm.listed"]);
  expect(listed()).toEqual(["R10"]);
  report({ status: [] });
  expect(listed()).toEqual([]);
  const rows = engine.rows("SELECT returned_at FROM occurrence");
  expect(rows.map(({ returned_at }) => returned_at === null)).toEqual([false]);
});

test("a listed condition costs no write while nothing changes", () => {
  report({ status: ["battery_low"] });
  const before = engine.rows("SELECT * FROM alarm");
  report({ status: ["battery_low"] }, hourMs);
  expect(engine.rows("SELECT * FROM alarm")).toEqual(before);
});

test("a month without use is listed, a quarter stays on the list, the first use ends it", () => {
  report({});
  for (let day = 0; day < 31; day += 1) report({}, dayMs);
  expect(listed()).toEqual(["R14"]);
  for (let day = 0; day < 60; day += 1) report({}, dayMs);
  expect(latest("R14")).toMatchObject({ level: 2, listed: true });
  report({ volumeM3: "101.000" }, dayMs);
  expect(listed()).toEqual([]);
  expect(engine.alarms("R14")).toHaveLength(1);
});

test("behind a shut valve a flow that never stops is suppressed, and shown when the valve is open", () => {
  report({ status: ["micro_flow"], valve: "open" });
  expect(latest("R6")?.state).toBe("unacknowledged");
  report({ status: ["micro_flow"], valve: "closed" });
  expect(latest("R6")).toMatchObject({
    state: "suppressed",
    hidden: { reason: "valve is shut", by: "engine", untilMs: null },
  });
  expect(report({ status: ["micro_flow"], valve: "open" }).kinds).toContain("alarm.released");
  expect(latest("R6")).toMatchObject({ state: "unacknowledged", occurrence: 2 });
  report({ status: ["micro_flow"], valve: "closed" });
  // Gas passes: nothing may be hidden.
  report({ volumeM3: "100.900", valve: "closed" }, hourMs);
  expect(latest("R9")?.state).toBe("unacknowledged");
  expect(latest("R6")?.state).toBe("unacknowledged");
});

test.each(["closed, then said nothing", "said nothing, late"])(
  "a flow behind a valve that once said closed is shown when the register counts on (%s)",
  (order) => {
    report({ status: ["micro_flow"], valve: "open" });
    report({ status: ["micro_flow"], valve: "closed" });
    expect(latest("R6")?.state).toBe("suppressed");
    // Somebody opens it by hand; the hourly values say nothing of the valve.
    const hourly = (quanta: number, hours: number) => ({
      measuredAt: engine.nowMs + hours * hourMs,
      volumeM3: (100 + quanta / 1_000).toFixed(3),
    });
    const values = [hourly(1, 1), hourly(2, 2), hourly(3, 3)];
    engine.nowMs += 3 * hourMs;
    for (const value of order === "closed, then said nothing" ? values : values.toReversed()) {
      engine.uplinks([{ meterNo, bytes: jsonBytes(value) }]);
    }
    expect(latest("R6")).toMatchObject({ state: "unacknowledged", hidden: null });
    expect(engine.alarms("R9")).toEqual([]);
  },
);

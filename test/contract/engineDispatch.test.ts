/** Work orders through the engine: opened by alarms, escalated by time, kept over restarts and failed batches. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { factoryPolicy } from "#dispatch/workOrderLife.ts";
import type { WorkOrder } from "#domain/workOrder.ts";
import { minuteMs } from "#domain/units.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let no: number;
beforeEach(() => {
  engine = new EngineUnderTest();
  no = engine.register("M1");
});
afterEach(() => engine.close());

const policy = (openFor: readonly (1 | 2 | 3 | 4)[]): Ask => ({
  kind: "dispatch.policy",
  policy: { ...factoryPolicy, openFor },
  reason: "test",
});

let frameId = 0;
function report(status: readonly string[], ageMs = 0): void {
  frameId += 1;
  const measuredAt = new Date(engine.nowMs - ageMs).toISOString();
  const bytes = jsonBytes({ frameId, measuredAt, volumeM3: "1.000", status });
  engine.uplinks([{ meterNo: no, bytes }]);
}

function orders(): readonly WorkOrder[] {
  return engine
    .rows("SELECT json FROM work_order ORDER BY opened_at, id")
    .map(({ json }) => JSON.parse(String(json)) as WorkOrder);
}

function kinds(): readonly string[] {
  const rows = engine.rows("SELECT kind FROM event WHERE kind LIKE 'workOrder.%' ORDER BY seq");
  return rows.map(({ kind }) => String(kind));
}

function step(
  act: "assign" | "arrive" | "complete" | "callBack",
  assignee: string | null = null,
): AskResult {
  const workOrderId = orders()[0]?.id ?? "";
  const rest = { note: "words", assignee, externalRef: null, atMs: null };
  return engine.ask({ kind: "workOrder.step", workOrderId, act, ...rest });
}

function tick(ms: number): void {
  engine.nowMs += ms;
  engine.process({});
}

test("no order opens by itself unless the policy says so; then one, and history opens none", () => {
  report(["leak"]);
  expect(orders()).toEqual([]);
  expect(engine.ask(policy([1])).ok).toBe(true);
  const other = engine.register("M2");
  no = other;
  report(["leak"], 7 * 60 * minuteMs);
  tick(minuteMs);
  report([], 6 * 60 * minuteMs);
  expect(orders()).toEqual([]);
  tick(minuteMs);
  report(["leak"]);
  expect(orders()).toMatchObject([
    { state: "opened", openedBy: "engine", rule: "R1", meterNo: other },
  ]);
  tick(minuteMs);
  report(["leak"]);
  expect(orders()).toHaveLength(1);
});

test("from the alarm to the call back, with every step on record, over restarts", () => {
  engine.ask(policy([1]));
  report(["leak"]);
  engine.restart();
  expect(step("arrive")).toMatchObject({ ok: false, refusal: { kind: "not-allowed-in-state" } });
  for (const [act, assignee] of [
    ["assign", "crew 1"],
    ["arrive", null],
    ["complete", null],
    ["callBack", null],
  ] as const) {
    tick(minuteMs);
    expect(step(act, assignee)).toMatchObject({ ok: true });
    engine.restart();
  }
  expect(orders()).toMatchObject([{ state: "called_back", assignee: "crew 1", dueAtMs: null }]);
  expect(orders()[0]?.trace.map(({ act, by }) => [act, by])).toEqual([
    ["open", "engine"],
    ["assign", "tester"],
    ["arrive", "tester"],
    ["complete", "tester"],
    ["callBack", "tester"],
  ]);
  expect(kinds()).toEqual([
    "workOrder.opened",
    "workOrder.assigned",
    "workOrder.on_site",
    "workOrder.done",
    "workOrder.called_back",
  ]);
  const audited = engine.rows("SELECT act FROM audit WHERE act = 'workOrder.step'");
  expect(audited).toHaveLength(5);
});

test("a deadline that passes is told, also when the process was away, and once", () => {
  engine.ask(policy([1]));
  report(["leak"]);
  tick(4 * minuteMs);
  expect(kinds()).toEqual(["workOrder.opened"]);
  engine.nowMs += 2 * minuteMs;
  engine.restart();
  tick(1_000);
  tick(1_000);
  expect(kinds()).toEqual(["workOrder.opened", "workOrder.escalated"]);
  expect(orders()).toMatchObject([{ escalations: 1, state: "opened" }]);
});

test("one order for an alarm; a batch that could not be kept leaves none", () => {
  report(["leak"]);
  const [alarm] = engine.alarms("R1");
  const open = (id: string) =>
    engine.ask({
      kind: "workOrder.open",
      workOrderId: id,
      alarmId: alarm?.id ?? "",
      note: null,
      externalRef: { system: "EAM", ref: "4711" },
    });
  engine.failAfter(1);
  expect(() => open("wo_0")).toThrow("not answered");
  engine.failAfter(null);
  expect(orders()).toEqual([]);
  expect(open("wo_1")).toMatchObject({ ok: true });
  expect(open("wo_2")).toMatchObject({ ok: false, refusal: { kind: "already-exists" } });
  expect(orders()).toMatchObject([{ id: "wo_1", externalRef: { system: "EAM", ref: "4711" } }]);
});

/** First-out: what follows from another alarm of the meter stands under it, unheard, and rings when that is over. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Alarm, MeterRuleId } from "#domain/alarm.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001");
  hour({});
});
afterEach(() => engine.close());

/** An hour later the meter says so; what happened to alarms. */
function hour(values: object): readonly string[] {
  engine.nowMs += hourMs;
  const common = { measuredAt: engine.nowMs, volumeM3: "100.000", status: [] };
  const bytes = jsonBytes({ ...common, ...values });
  const result = engine.uplinks([{ meterNo, bytes }]);
  if (result.kind !== "committed") throw new TypeError(result.message);
  return result.events.map(({ json }) => {
    const { kind, alarm } = JSON.parse(json) as { kind: string; alarm?: { rule: string } };
    return `${kind.replace("alarm.", "")} ${alarm?.rule ?? ""}`;
  });
}

function alarmBy(rule: MeterRuleId): Alarm {
  const alarm = engine.alarms(rule).at(-1);
  if (alarm === undefined) throw new TypeError(`no ${rule}`);
  return alarm;
}

function detail(id: string) {
  const db = openForReading(engine.directory);
  const found = answersFrom(db).alarmFamily(id, 50);
  db.close();
  return found;
}

test("a leak, and the large flow that it is: one rings, the other is its child, and rings when the leak is over", () => {
  const told = hour({ status: ["large_flow", "leak"] });
  expect(told.filter((one) => / R/.test(one))).toEqual(["raised R1", "suppressed R3"]);
  const parent = alarmBy("R1");
  const child = alarmBy("R3");
  expect(child).toMatchObject({
    state: "suppressed",
    parentId: parent.id,
    rungAtMs: null,
    hidden: { reason: "under R1", by: "engine" },
  });
  expect(parent).toMatchObject({ state: "unacknowledged", parentId: null });
  engine.restart();
  expect(hour({ status: ["large_flow"] })).toContain("reraised R3");
  expect(alarmBy("R1").state).toBe("latched-unacknowledged");
  expect(alarmBy("R3")).toMatchObject({ state: "unacknowledged", hidden: null, occurrence: 2 });
});

test("what rang first is the first-out: it goes under the leak that comes, and keeps its place", () => {
  expect(hour({ status: ["large_flow"] })).toContain("raised R3");
  const first = alarmBy("R3");
  expect(hour({ status: ["leak", "large_flow"] })).toContain("suppressed R3");
  const parent = alarmBy("R1");
  expect(alarmBy("R3")).toMatchObject({ state: "suppressed", parentId: parent.id });
  expect(detail(parent.id)).toMatchObject({
    parent: null,
    order: 2,
    children: [{ id: first.id, rule: "R3", order: 1 }],
    childCount: 1,
  });
  expect(detail(first.id)).toMatchObject({ parent: { id: parent.id, rule: "R1" }, order: 1 });
});

test("what a person has seen is left as it is, and so is what began long before", () => {
  hour({ status: ["micro_flow"] });
  const long = alarmBy("R6");
  for (let hours = 0; hours < 4; hours += 1) hour({ status: ["micro_flow"] });
  hour({ status: ["large_flow", "micro_flow"] });
  const seen = alarmBy("R3");
  const { id, occurrence } = seen;
  engine.ask({ kind: "alarm.acknowledge", alarmId: id, occurrence, comment: null });
  hour({ status: ["leak", "large_flow", "micro_flow"] });
  expect(alarmBy("R3").state).toBe("acknowledged");
  expect(engine.ledger.alarm(long.id)).toMatchObject({ state: "unacknowledged", parentId: null });
});

test("never under another one: the first priority", () => {
  hour({ status: ["leak", "over_flow", "large_flow"] });
  expect(alarmBy("R2").state).toBe("unacknowledged");
  const hidden = engine
    .rows("SELECT rule, priority FROM alarm WHERE state = 'suppressed'")
    .filter(({ priority }) => priority === 1);
  expect(hidden).toEqual([]);
});

test("the silence of a meter that is about to shut itself is no second alarm", () => {
  const day = { reportEveryMs: dayMs, selfClosesAfterDays: 5, area: "alone" };
  const daily = engine.register("D1", day);
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000" });
  engine.uplinks([{ meterNo: daily, bytes }]);
  for (let passed = 0; passed < 4 * dayMs; passed += 10 * minuteMs) {
    engine.nowMs += 10 * minuteMs;
    engine.process({});
  }
  const parent = engine.alarms("R21").at(-1);
  expect(parent).toMatchObject({ state: "unacknowledged", meterNo: daily });
  const silence = engine.alarms("R12").findLast((alarm) => alarm.meterNo === daily);
  expect(silence).toMatchObject({ state: "suppressed", parentId: parent?.id, level: 2 });
});

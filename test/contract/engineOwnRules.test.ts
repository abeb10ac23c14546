/** Rules that a utility writes itself, on the engine: they ring, wait, fail by name, and leave all others alone. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OwnRules } from "#domain/ownRule.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { minuteMs } from "#domain/units.ts";
import { alarmMessage } from "#alarms/messages.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

const plain = {
  title: { en: "much gas in the archive", zh: "档案室用气偏大" },
  when: "reported_flow_m3h > 0.5",
  priority: 3,
  onDelayMinutes: 0,
  offDelayMinutes: 0,
  asksForClose: false,
  only: {},
} as const;

function documentWith(version: string, own: OwnRules): RuleDocument {
  const none = { all: {}, sizes: {}, siteClasses: {}, areas: {}, meters: {} };
  return { ...none, version, hash: `hash of ${version}`, own };
}

let engine: EngineUnderTest;
let meterNo: number;
let otherNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001", { area: "archive" });
  otherNo = engine.register("M0002");
});
afterEach(() => engine.close());

function report(members: object, no = meterNo): readonly string[] {
  engine.nowMs += minuteMs;
  const bytes = jsonBytes({ measuredAt: engine.nowMs, ...members });
  const result = engine.uplinks([{ meterNo: no, bytes }]);
  if (result.kind !== "committed") throw new TypeError(result.message);
  return result.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
}

test("it rings where it is about the meter, in the words of whoever wrote it", () => {
  engine.restart(documentWith("1", { X1: { ...plain, only: { areas: ["archive"] } } }));
  expect(report({ flowM3h: "0.600" })).toEqual(["alarm.raised"]);
  expect(report({ flowM3h: "0.600" }, otherNo)).toEqual([]);
  const [alarm] = engine.alarms("X1");
  expect(alarm).toMatchObject({ priority: 3, ruleVersion: 1, proof: { rulesVersion: "1" } });
  if (alarm === undefined) throw new TypeError("no alarm");
  expect(alarmMessage(alarm, "M0001")).toEqual({
    en: "Meter M0001: much gas in the archive (reported_flow_m3h 0.6).",
    zh: "燃气表 M0001：档案室用气偏大（reported_flow_m3h 0.6）。",
  });
  // A reading that does not speak of it changes nothing.
  expect(report({ volumeM3: "1.000" })).toEqual([]);
  expect(report({ flowM3h: "0.400" })).toEqual(["alarm.returned"]);
  expect(engine.rows("SELECT * FROM command")).toEqual([]);
});

test("its delays are those of any rule, and it proposes a close only when it may", () => {
  const own = { ...plain, onDelayMinutes: 3, asksForClose: true };
  engine.restart(documentWith("1", { X2: own }));
  report({ flowM3h: "0.600" });
  report({ flowM3h: "0.600" });
  expect(engine.alarms("X2")).toEqual([]);
  report({ flowM3h: "0.600" });
  report({ flowM3h: "0.600" });
  expect(engine.alarms("X2")).toHaveLength(1);
  expect(engine.rows("SELECT state, detail, reason FROM command")).toEqual([
    { state: "held", detail: "proposed", reason: "X2" },
  ]);
});

test("one that fails is named once, keeps what it said, and touches no other rule", () => {
  const failing = { ...plain, when: "hour >= 0 && 1 / 0 > 0" };
  engine.restart(documentWith("1", { X1: failing, X2: plain }));
  expect(report({ flowM3h: "0.600", status: ["leak"] }).toSorted()).toEqual([
    ...["alarm.raised", "alarm.raised", "command.authorised", "command.queued"],
    ...["command.requested", "rules.failed"],
  ]);
  expect(report({ flowM3h: "0.600", status: ["leak"] })).toEqual([]);
  engine.restart(documentWith("1", { X1: failing, X2: plain }));
  expect(report({ flowM3h: "0.600", status: ["leak"] })).toEqual([]);
  const [event] = engine.rows("SELECT json FROM event WHERE kind = 'rules.failed'");
  expect(JSON.parse(String(event?.["json"]))).toMatchObject({
    ...{ kind: "rules.failed", meterId: "M0001", rule: "X1", reason: "division_by_zero" },
  });
});

test("a rule that a new document no longer has ends with the next reading", () => {
  engine.restart(documentWith("1", { X1: plain }));
  report({ flowM3h: "0.600" });
  engine.restart(documentWith("2", {}));
  expect(report({ flowM3h: "0.600" })).toEqual(["alarm.returned"]);
  engine.restart(documentWith("3", { X1: { ...plain, priority: 2 } }));
  expect(report({ flowM3h: "0.600" })).toEqual(["alarm.reraised"]);
});

test("what a later program does not take any more fails by name, and nothing is parked", () => {
  engine.restart(documentWith("1", { X1: { ...plain, when: "no longer CEL" }, X2: plain }));
  expect(report({ flowM3h: "0.600" })).toEqual(["alarm.raised", "rules.failed"]);
  expect(engine.alarms("PARKED")).toEqual([]);
});

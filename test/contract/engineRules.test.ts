/** A utility's own thresholds: in force from when they came, for the readings of that time, and never before. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { hourMs, minuteMs } from "#domain/units.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

const none = { hash: "hash of 7", all: {}, sizes: {}, siteClasses: {}, areas: {}, meters: {} };
/** Low pressure only below 0.5 kPa, for one meter. */
const lenient: RuleDocument = {
  ...none,
  version: "7",
  meters: { M0001: { R13: { lowKpa: 0.5 } } },
};

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001");
});
afterEach(() => engine.close());

function report(pressureKpa: string, atMs: number = (engine.nowMs += minuteMs), no = meterNo) {
  const bytes = jsonBytes({ measuredAt: atMs, volumeM3: "1.000", pressureKpa });
  const result = engine.uplinks([{ meterNo: no, bytes }]);
  if (result.kind !== "committed") throw new TypeError(result.message);
}

function occurrences() {
  return engine
    .rows("SELECT raised_at, proof FROM occurrence WHERE retracted_at IS NULL ORDER BY raised_at")
    .map(({ raised_at, proof }) => ({
      raisedAtMs: Number(raised_at),
      version: (JSON.parse(String(proof)) as { rulesVersion?: string }).rulesVersion ?? null,
    }));
}

test("the factory's thresholds carry no version, a document's its own", () => {
  report("0.70");
  report("0.70");
  expect(occurrences()).toMatchObject([{ version: null }]);
  report("2.00");
  report("2.00");
  engine.restart(lenient);
  report("0.70");
  report("0.70");
  expect(occurrences()).toHaveLength(1);
  report("0.40");
  report("0.40");
  expect(occurrences()).toMatchObject([{ version: null }, { version: "7" }]);
  const other = engine.register("M0002");
  report("0.70", (engine.nowMs += minuteMs), other);
  report("0.70", (engine.nowMs += minuteMs), other);
  expect(occurrences()).toHaveLength(3);
});

test("late readings are judged by the thresholds of their time: a change rewrites no history", () => {
  report("0.70");
  report("0.70");
  const lateMs = engine.nowMs - 30_000;
  engine.nowMs += hourMs;
  engine.restart(lenient);
  report("0.70");
  report("0.70", lateMs);
  // Folded again under the lenient document it would never have been; and the late value moves its beginning.
  expect(occurrences()).toEqual([{ raisedAtMs: lateMs, version: null }]);
});

test("a document is noted once, over restarts, and taking it away is a change as well", () => {
  const versions = () =>
    engine
      .rows("SELECT json FROM event WHERE kind = 'rules.changed' ORDER BY seq")
      .map(({ json }) => (JSON.parse(String(json)) as { version: string | null }).version);
  engine.restart(lenient);
  engine.restart(lenient);
  expect(versions()).toEqual(["7"]);
  engine.restart({ ...lenient, version: "8", hash: "hash of 8" });
  engine.restart();
  expect(versions()).toEqual(["7", "8", null]);
});

test("what was put in force survives restarts, until the settings file says something new", () => {
  const eva = { label: "eva", role: "engineer" } as const;
  const own: RuleDocument = { ...lenient, version: "9", hash: "hash of 9" };
  engine.restart(lenient);
  engine.ask({ kind: "rules.preview", document: own }, eva);
  const put = { kind: "rules.put", document: own, replaces: 1, reason: "pipes" } as const;
  expect(engine.ask(put, eva)).toMatchObject({ ok: true });
  const inForce = () => engine.ledger.newestRules(1)[0];
  expect(inForce()).toMatchObject({
    no: 2,
    by: "eva",
    role: "engineer",
    previewedAtMs: engine.nowMs,
  });
  engine.restart(lenient);
  expect(inForce()).toMatchObject({ no: 2, document: own });
  engine.restart({ ...lenient, version: "10", hash: "hash of 10" });
  expect(inForce()).toMatchObject({ no: 3, source: "file", previewedAtMs: null });
});

test("a document whose batch could not be stored was never in force", () => {
  const eva = { label: "eva", role: "engineer" } as const;
  engine.ask({ kind: "rules.preview", document: lenient }, eva);
  engine.failAfter(1);
  const put = { kind: "rules.put", document: lenient, replaces: 0, reason: "pipes" } as const;
  expect(() => engine.ask(put, eva)).toThrow("not answered");
  engine.failAfter(null);
  report("0.70");
  report("0.70");
  expect(occurrences()).toMatchObject([{ version: null }]);
  expect(engine.ask(put, eva)).toMatchObject({ ok: true, answer: { record: { no: 1 } } });
});

test("what was put in force survives restarts where there never was a settings file", () => {
  const eva = { label: "eva", role: "engineer" } as const;
  engine.ask({ kind: "rules.preview", document: lenient }, eva);
  engine.ask({ kind: "rules.put", document: lenient, replaces: 0, reason: "pipes" }, eva);
  engine.restart();
  engine.restart();
  expect(engine.ledger.newestRules(2)).toMatchObject([{ no: 1, by: "eva", document: lenient }]);
});

/** More than Qmax of a G4 for hours: R3 and R2 of the factory. */
function flow(litresPerHour: number, afterMinutes: number) {
  engine.nowMs += afterMinutes * minuteMs;
  const bytes = jsonBytes({
    measuredAt: engine.nowMs,
    flowM3h: (litresPerHour / 1_000).toFixed(3),
  });
  engine.uplinks([{ meterNo, bytes }]);
}

const patient: RuleDocument = {
  ...lenient,
  version: "8",
  areas: { "binhai-3": { R3: { priority: 3, onDelayMinutes: 30, offDelayMinutes: 60 } } },
};

test("an alarm waits out its delay and has the priority that its area gave it", () => {
  engine.restart(patient);
  flow(6_500, 0);
  flow(6_500, 20);
  expect(engine.alarms("R3")).toEqual([]);
  flow(6_500, 20);
  const raisedAtMs = engine.nowMs;
  expect(engine.alarms("R3")).toMatchObject([
    { priority: 3, raisedAtMs, proof: { heldMs: 40 * minuteMs, rulesVersion: "8" } },
  ]);
  flow(100, 10);
  expect(engine.alarms("R3")).toMatchObject([{ returnedAtMs: null }]);
  flow(100, 60);
  expect(engine.alarms("R3")).toMatchObject([{ returnedAtMs: engine.nowMs }]);
});

test("a rule that may ask proposes a close to persons, once for each time that it rings", () => {
  engine.restart({ ...lenient, version: "9", all: { R3: { asksForClose: true } } });
  flow(6_500, 1);
  flow(6_600, 1);
  const commands = () => engine.rows("SELECT state, detail, reason FROM command ORDER BY id");
  expect(commands()).toEqual([{ state: "held", detail: "proposed", reason: "R3" }]);
  expect(engine.alarms("BREAKER")).toEqual([]);
  flow(100, 1);
  flow(6_600, 1);
  expect(commands()).toHaveLength(1);
});

test("where a document says that the leak may not ask, no valve is ordered shut", () => {
  engine.restart({ ...lenient, version: "9", meters: { M0001: { R1: { asksForClose: false } } } });
  const leak = (no: number) => {
    const bytes = jsonBytes({ measuredAt: (engine.nowMs += minuteMs), status: ["leak"] });
    engine.uplinks([{ meterNo: no, bytes }]);
  };
  const other = engine.register("M0002");
  leak(meterNo);
  leak(other);
  expect(engine.alarms("R1")).toHaveLength(2);
  expect(engine.rows("SELECT meter_no FROM command")).toEqual([{ meter_no: other }]);
});

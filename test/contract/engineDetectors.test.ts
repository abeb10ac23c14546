/** Detectors of gas are watched live (R18); dates of the registry become reminders (R17). */
import { afterEach, beforeEach, expect, test } from "vitest";
import { dayMs, minuteMs } from "#domain/units.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";

let engine: EngineUnderTest;
beforeEach(() => {
  engine = new EngineUnderTest();
});
afterEach(() => engine.close());

function hear(meterNo: number): void {
  engine.uplinks([{ meterNo, bytes: jsonBytes({ measuredAt: engine.nowMs, status: [] }) }]);
}

/** Minutes in which the watch looks each minute. */
function pass(minutes: number): void {
  for (let minute = 0; minute < minutes; minute += 1) {
    engine.nowMs += minuteMs;
    engine.process({});
  }
}

test("a detector that misses two heartbeats rings, a meter of the same habit does not yet", () => {
  const reportEveryMs = 5 * minuteMs;
  const detector = engine.register("D1", { kind: "detector", reportEveryMs });
  const meter = engine.register("M1", { reportEveryMs });
  hear(detector);
  hear(meter);
  pass(10);
  expect(engine.alarms("R18")).toEqual([]);
  pass(3);
  expect(engine.alarms("R18")).toMatchObject([
    { meterNo: detector, priority: 2, state: "unacknowledged" },
  ]);
  expect(engine.alarms("R12")).toEqual([]);
  hear(detector);
  expect(engine.alarms("R18")).toMatchObject([{ returnedAtMs: engine.nowMs }]);
  pass(60);
  expect(engine.alarms("R12").map(({ meterNo }) => meterNo)).toEqual([meter]);
});

test("the silence of a group of detectors is one outage", () => {
  const nos = Array.from({ length: 20 }, (_, place) =>
    engine.register(`D${place}`, { kind: "detector", area: "mall", reportEveryMs: 5 * minuteMs }),
  );
  for (const no of nos) hear(no);
  pass(30);
  expect(engine.alarms("OUTAGE")).toMatchObject([
    { subject: "area mall", state: "unacknowledged" },
  ]);
  const rang = engine.alarms("R18").filter(({ rungAtMs }) => rungAtMs !== null);
  expect(rang).toEqual([]);
});

/** Detectors of one building; those that are heard are heard in every half hour, and the watch looks as often. */
function mall(count: number) {
  const nos = Array.from({ length: count }, (_, place) =>
    engine.register(`D${place}`, { kind: "detector", area: "mall", reportEveryMs: 30 * minuteMs }),
  );
  const live = (heard: readonly number[], hours: number) => {
    for (let half = 0; half < 2 * hours; half += 1) {
      for (const no of heard) hear(no);
      engine.nowMs += 30 * minuteMs;
      engine.process({});
    }
  };
  const standing = (rule: "R18" | "OUTAGE") =>
    engine.alarms(rule).filter(({ state }) => state === "unacknowledged");
  return { nos, live, standing };
}

test("a detector that was heard since the outage began and falls silent alone rings beside it", () => {
  const { nos, live, standing } = mall(20);
  live(nos, 1);
  live([], 3);
  expect(standing("OUTAGE")).toHaveLength(1);
  // Six of twenty stay behind, which keeps the outage.
  live(nos.slice(6), 2);
  expect(standing("R18")).toEqual([]);
  live(nos.slice(7), 3);
  expect(standing("R18").map(({ meterNo }) => meterNo)).toEqual([nos[6]]);
  // The others follow: that is the network once more.
  live([], 3);
  expect(standing("R18").map(({ meterNo }) => meterNo)).toEqual([nos[6]]);
  expect(standing("OUTAGE")).toHaveLength(1);
});

test("detectors that have been dead for long make no outage, keep none, and nothing hides behind them", () => {
  const { nos, live, standing } = mall(30);
  for (let dead = 0; dead <= 12; dead += 1) live(nos.slice(dead), 4);
  live(nos.slice(12), 26);
  expect(engine.alarms("OUTAGE")).toEqual([]);
  expect(standing("R18")).toHaveLength(12);
  live([], 3);
  expect(standing("OUTAGE")).toMatchObject([{ proof: { silent: 18 } }]);
  live(nos.slice(12), 1);
  expect(engine.alarms("OUTAGE")).toMatchObject([{ state: "returned-unacknowledged" }]);
  live(nos.slice(13), 3);
  expect(standing("R18")).toHaveLength(13);
});

test("a date is reminded of three times, on the work list, and a new date takes it off", () => {
  const dueOn = new Date(startMs + 31 * dayMs).toISOString().slice(0, 10);
  engine.register("M1", { verificationDueOn: dueOn });
  const listed = () =>
    engine
      .alarms("R17")
      .map(({ listed: isListed, returnedAtMs, proof, level }) => [
        ...[isListed, level, proof["daysBefore"]],
        returnedAtMs === null ? "open" : "over",
      ]);
  for (let day = 0; day <= 32; day += 1) {
    engine.process({});
    engine.nowMs += dayMs;
  }
  expect(listed()).toEqual([
    [true, 1, 30, "over"],
    [true, 1, 7, "over"],
    [true, 2, 0, "open"],
  ]);
  engine.restart();
  engine.process({});
  expect(listed()).toHaveLength(3);
  const kinds = engine
    .rows("SELECT kind FROM event WHERE kind LIKE 'alarm.%'")
    .map(({ kind }) => kind);
  expect(kinds).toEqual(["alarm.listed", "alarm.listed", "alarm.listed"]);
  engine.ask({
    kind: "meter.change",
    meterId: "M1",
    ifVersion: null,
    change: { verificationDueOn: "2036-11-01" },
  });
  engine.nowMs += minuteMs;
  engine.process({});
  expect(listed().map(([, , , state]) => state)).toEqual(["over", "over", "over"]);
});

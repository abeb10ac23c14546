/**
 * Meters that shut themselves when nobody takes their uplinks (R21, SELF_CLOSURE): told before the time comes, also
 * when the silence was our own, as one alarm that says how many and when.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import { dayMs, hourMs, minuteMs, secondMs } from "#domain/units.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";

let engine: EngineUnderTest;
beforeEach(() => {
  engine = new EngineUnderTest();
});
afterEach(() => engine.close());

const selfClosesAfterDays = 5;

function hear(...meterNos: readonly number[]): void {
  engine.uplinks(
    meterNos.map((meterNo) => ({
      meterNo,
      bytes: jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000" }),
    })),
  );
}

/** The watch looks; what is far away comes in long steps. */
function pass(ms: number, stepMs = 10 * minuteMs): void {
  for (const untilMs = engine.nowMs + ms; engine.nowMs < untilMs;) {
    engine.nowMs = Math.min(untilMs, engine.nowMs + stepMs);
    engine.process({});
  }
}

const stages = () =>
  engine
    .alarms("R21")
    .map(({ state, listed, priority, returnedAtMs, proof }) =>
      [proof["stage"], listed ? "list" : state, priority, returnedAtMs === null].join(" "),
    );

const settle = (count: number, area = "north"): number[] => {
  const nos = Array.from({ length: count }, (_, place) =>
    engine.register(`${area}-${place}`, { area, selfClosesAfterDays, reportEveryMs: dayMs }),
  );
  hear(...nos);
  return nos;
};

test("one silent meter: a line of the work list, an alarm two days before, a line again when it has shut", () => {
  const [meterNo = 0] = settle(1);
  engine.register("plain", { reportEveryMs: dayMs });
  pass(2 * dayMs - hourMs, hourMs);
  expect(stages()).toEqual([]);
  pass(2 * hourMs);
  expect(stages()).toEqual(["coming list 4 true"]);
  pass(dayMs);
  const [alarm] = engine.alarms("R21");
  expect(stages()).toEqual(["near unacknowledged 2 true"]);
  expect(alarm).toMatchObject({
    meterNo,
    rungAtMs: startMs + 3 * dayMs + 10 * minuteMs,
    proof: { selfClosesAfterDays, shutsAt: "2026-11-27T00:00:00.000Z" },
  });
  expect(engine.alarms("SELF_CLOSURE")).toEqual([]);
  pass(2 * dayMs);
  expect(stages()).toEqual(["near returned-unacknowledged 2 false", "passed list 4 true"]);
  hear(meterNo);
  expect(stages()).toEqual(["near returned-unacknowledged 2 false", "passed list 4 false"]);
});

test("our own outage: after the start one alarm says how many meters will shut and when, and it ends when they are heard", () => {
  const nos = settle(600);
  const others = settle(5, "south");
  engine.nowMs += 3 * dayMs + hourMs;
  engine.restart();
  // Nobody has fallen silent for us since the start: the silence rule does not speak yet.
  pass(3 * secondMs, secondMs);
  expect(engine.alarms("R12")).toEqual([]);
  expect(engine.alarms("SELF_CLOSURE")).toMatchObject([
    {
      state: "unacknowledged",
      priority: 1,
      proof: {
        meters: 605,
        shut: 0,
        group: "area north",
        groupMeters: 600,
        firstShutsAt: "2026-11-27T00:00:00.000Z",
        lastShutsAt: "2026-11-27T00:00:00.000Z",
      },
    },
  ]);
  const parentId = engine.alarms("SELF_CLOSURE")[0]?.id;
  pass(5 * minuteMs, minuteMs);
  const members = engine.alarms("R21");
  expect(members).toHaveLength(605);
  expect(new Set(members.map((alarm) => `${alarm.state} ${alarm.parentId}`))).toEqual(
    new Set([`suppressed ${parentId}`]),
  );
  expect(members.filter(({ rungAtMs }) => rungAtMs !== null)).toEqual([]);
  const commands = engine.rows("SELECT count(*) AS n FROM command");
  expect(commands).toEqual([{ n: 0 }]);

  hear(...nos, ...others.slice(0, 3));
  pass(2 * minuteMs, minuteMs);
  expect(engine.alarms("SELF_CLOSURE")).toMatchObject([{ state: "returned-unacknowledged" }]);
  // Two are left: each is a matter of its own again.
  const rang = engine.alarms("R21").filter(({ state }) => state === "unacknowledged");
  expect(rang.map(({ meterNo }) => meterNo)).toEqual(others.slice(3));
  expect(engine.alarms("R21").filter(({ state }) => state === "suppressed")).toEqual([]);
});

test("an uplink that could not be stored is none: the meter counts on, and so do we", () => {
  const [meterNo = 0] = settle(1);
  pass(2 * dayMs, hourMs);
  engine.failAfter(0);
  hear(meterNo);
  engine.failAfter(null);
  pass(dayMs + hourMs);
  expect(stages()).toEqual(["near unacknowledged 2 true"]);
});

test("a meter whose valve is shut, that left service or that no longer has the setting is not counted", () => {
  const [shut = 0, away = 0, changed = 0] = settle(3);
  engine.uplinks([
    { meterNo: shut, bytes: jsonBytes({ measuredAt: engine.nowMs + secondMs, valve: "closed" }) },
  ]);
  pass(3 * dayMs + hourMs);
  expect(engine.alarms("R21").map(({ meterNo }) => meterNo)).toEqual([away, changed]);
  const change = (meterId: string, what: object) =>
    engine.ask({ kind: "meter.change", meterId, ifVersion: null, change: what });
  change("north-1", { lifecycle: "maintenance" });
  change("north-2", { selfClosesAfterDays: null });
  pass(minuteMs);
  expect(engine.alarms("R21").filter(({ returnedAtMs }) => returnedAtMs === null)).toEqual([]);
});

/** Thirty days once more: repeated to the engine that knows them, and told to one that knows nothing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { dayMs, hourMs } from "#domain/units.ts";
import { EngineUnderTest, startMs, type TestUplink } from "../support/engine.ts";
import { hastyRules, reportedMonth } from "../permutation/histories.ts";
import { chanceOf } from "../support/random.ts";

const days = 30;
const meterCount = 6;
const areaOf = (place: number) => `area ${place}`;

let lived: EngineUnderTest;
let uplinks: readonly (TestUplink & { readonly receivedAtMs: number })[];

/** Five days of chance after the other, reported as they were measured. */
beforeAll(() => {
  lived = new EngineUnderTest();
  lived.restart(hastyRules);
  register(lived);
  uplinks = reportedMonth(chanceOf(30), meterCount, startMs, days);
  for (const uplink of uplinks) {
    lived.nowMs = uplink.receivedAtMs;
    lived.uplinks([uplink]);
  }
}, 120_000);
afterAll(() => lived.close());

function register(engine: EngineUnderTest): void {
  for (let place = 0; place < meterCount; place += 1) {
    engine.register(`M${place}`, { area: areaOf(place), reportEveryMs: 31 * dayMs });
  }
}

const loud =
  "kind GLOB 'command.*' OR kind IN ('alarm.raised', 'alarm.reraised', 'alarm.escalated', 'alarm.listed')";

function count(engine: EngineUnderTest, from: string): number {
  return Number(engine.rows(`SELECT count(*) AS n FROM ${from}`)[0]?.["n"]);
}

/** What rang or was ordered, and what is stored. */
function loudness(engine: EngineUnderTest) {
  const meters = Array.from({ length: meterCount }, (_, place) => place + 1);
  const readings = meters.map((no) => engine.ledger.readingsAfter(no, 0).length);
  return [count(engine, `event WHERE ${loud}`), count(engine, "command"), ...readings];
}

test("thirty days were loud, or the rest would prove nothing", () => {
  expect(uplinks.length).toBeGreaterThan(500);
  expect(count(lived, `event WHERE ${loud}`)).toBeGreaterThan(50);
  expect(count(lived, "command")).toBeGreaterThan(0);
});

test("replayed to the engine that lived them they ring nothing and order nothing", () => {
  const before = loudness(lived);
  lived.nowMs += hourMs;
  for (let from = 0; from < uplinks.length; from += 100) {
    const again = uplinks.slice(from, from + 100).map(({ meterNo, bytes }) => ({ meterNo, bytes }));
    lived.uplinks(again);
    lived.nowMs += 1_000;
  }
  lived.restart(hastyRules);
  lived.process({});
  expect(loudness(lived)).toEqual(before);
});

test("told to an engine that knows nothing they become history: nothing rings, nothing is ordered", () => {
  const rebuilt = new EngineUnderTest();
  try {
    rebuilt.restart(hastyRules);
    register(rebuilt);
    rebuilt.nowMs = startMs + 40 * dayMs;
    for (let from = 0; from < uplinks.length; from += 100) {
      const all = uplinks.slice(from, from + 100).map(({ meterNo, bytes }) => ({ meterNo, bytes }));
      rebuilt.uplinks(all);
      rebuilt.nowMs += 1_000;
    }
    const ringing =
      "kind GLOB 'command.*' OR kind IN ('alarm.raised', 'alarm.reraised', 'alarm.escalated')";
    expect(count(rebuilt, `event WHERE ${ringing}`)).toBe(0);
    expect(count(rebuilt, "command")).toBe(0);
    expect(count(rebuilt, "occurrence WHERE retracted_at IS NULL")).toBeGreaterThan(50);
  } finally {
    rebuilt.close();
  }
});

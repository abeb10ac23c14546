/** A valve counts its movements, and is on the work list when it nears the end of its life. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { minuteMs } from "#domain/units.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  engine.restart(null, { actuationsRated: 10 });
  meterNo = engine.register("M1");
  report("open");
});
afterEach(() => engine.close());

function report(...positions: readonly string[]): void {
  for (const valve of positions) {
    engine.nowMs += minuteMs;
    const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000", valve });
    engine.uplinks([{ meterNo, bytes }]);
  }
}

/** From rest to rest and back. */
function move(times: number): void {
  for (let moved = 0; moved < times; moved += 1) report("moving", "closed", "moving", "open");
}

const listed = () => engine.alarms("R20");

test("near the end, at the end, over restarts, and it never rings", () => {
  move(4);
  expect(listed()).toEqual([]);
  report("closed");
  expect(listed()).toMatchObject([
    { level: 1, listed: true, priority: 4, rungAtMs: null, proof: { actuations: 9, rated: 10 } },
  ]);
  const { raisedAtMs } = listed()[0] ?? {};
  engine.restart(null, { actuationsRated: 10 });
  // The same position again is no movement.
  report("closed", "unknown", "closed");
  expect(listed()).toMatchObject([{ raisedAtMs, proof: { actuations: 9 } }]);
  report("open", "closed", "open");
  expect(listed()).toMatchObject([{ level: 2, returnedAtMs: null, proof: { actuations: 12 } }]);
  expect(engine.rows("SELECT kind FROM event WHERE kind LIKE 'alarm.%'")).toEqual([
    { kind: "alarm.listed" },
  ]);
});

test("another meter has a valve of its own", () => {
  move(6);
  const exchanged = engine.ask({
    kind: "meter.exchange",
    meterId: "M1",
    atMs: engine.nowMs,
    closingMl: 1_000_000,
    openingMl: 0,
    formerSerial: null,
    serial: null,
    change: {},
    reason: "worn valve",
  });
  expect(exchanged).toMatchObject({ ok: true });
  const bytes = jsonBytes({
    measuredAt: (engine.nowMs += minuteMs),
    volumeM3: "0.000",
    valve: "open",
  });
  engine.uplinks([{ meterNo, bytes }]);
  expect(listed()).toMatchObject([{ returnedAtMs: engine.nowMs, proof: { actuations: 12 } }]);
});

test("where the profile does not say, a valve is made for 4,000 movements", () => {
  engine.restart();
  move(10);
  expect(listed()).toEqual([]);
});

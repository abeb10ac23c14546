/** Retention on a real ledger: only what is older goes, in bounded steps, with a line in the audit, over restarts. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { dayMs, hourMs, secondMs } from "#domain/units.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001");
});
afterEach(() => engine.close());

let litres = 100;

/** So many uplinks at once, an hour after the last ones. */
function report(count: number, bytes?: Uint8Array): void {
  engine.nowMs += hourMs;
  const uplinks = Array.from({ length: count }, (_, place) => {
    litres += 1;
    const measuredAt = engine.nowMs - (count - place);
    return { meterNo, bytes: bytes ?? jsonBytes({ measuredAt, volumeM3: `${litres}` }) };
  });
  engine.uplinks(uplinks);
}

function keep(retention: EngineUnderTest["retention"]): void {
  engine.retention = retention;
  engine.restart();
}

function seconds(count: number): void {
  for (let passed = 0; passed < count; passed += 1) {
    engine.nowMs += secondMs;
    engine.process({});
  }
}

const count = (table: string) =>
  Number(engine.rows(`SELECT count(*) AS n FROM ${table}`)[0]?.["n"]);
const sweeps = () =>
  engine
    .rows("SELECT subject, detail FROM audit WHERE act = 'retention.sweep' ORDER BY seq")
    .map(({ subject, detail }) => [subject, JSON.parse(String(detail)) as unknown]);

test("without a setting nothing is ever removed", () => {
  report(3);
  engine.nowMs += 3_650 * dayMs;
  seconds(5);
  expect(count("uplink")).toBe(3);
});

test("only what is older goes, a thousand a second, and the newest row stays whatever its age", () => {
  report(2_500);
  engine.nowMs += 100 * dayMs;
  report(10);
  engine.nowMs += 100 * dayMs;
  keep({ uplinks: 184 });
  const left = [1_510, 510, 10];
  for (const expected of left) {
    seconds(1);
    expect(count("uplink")).toBe(expected);
  }
  expect(sweeps()).toEqual([
    ["uplinks", { deleted: 2_500, olderThan: expect.stringMatching(/Z$/), throughNo: 2_500 }],
  ]);
  engine.nowMs += 365 * dayMs;
  seconds(2);
  expect(engine.rows("SELECT seq FROM uplink")).toEqual([{ seq: 2_510 }]);
  engine.restart();
  report(1);
  expect(engine.rows("SELECT max(seq) AS newest FROM uplink")).toEqual([{ newest: 2_511 }]);
  // Readings are no frames: bills need them.
  expect(engine.readings()).toHaveLength(2_511);
});

test("a frame in quarantine stays as long as its entry", () => {
  report(2, Buffer.from("no JSON"));
  report(2);
  engine.nowMs += 200 * dayMs;
  report(1, Buffer.from("none either"));
  keep({ uplinks: 184 });
  seconds(3);
  expect(engine.rows("SELECT seq FROM uplink ORDER BY seq").map(({ seq }) => seq)).toEqual([
    1, 2, 5,
  ]);
  engine.nowMs += dayMs;
  keep({ uplinks: 184, quarantine: 184 });
  seconds(4);
  expect(engine.rows("SELECT uplink_seq FROM quarantine")).toEqual([{ uplink_seq: 5 }]);
  expect(engine.rows("SELECT seq FROM uplink ORDER BY seq").map(({ seq }) => seq)).toEqual([5]);
  expect(sweeps().map(([subject]) => subject)).toEqual(["uplinks", "quarantine", "uplinks"]);
});

test("events go from the oldest on, so that what is left has no gap", () => {
  report(1);
  const before = count("event");
  engine.nowMs += 300 * dayMs;
  keep({ events: 200 });
  seconds(1);
  const [range] = engine.rows(
    "SELECT min(seq) AS first, max(seq) AS last, count(*) AS n FROM event",
  );
  expect(range?.["first"]).toBe(before + 1);
  expect(Number(range?.["last"]) - before).toBe(range?.["n"]);
});

test("a failed commit leaves all of a step or nothing, a restart goes on, and the audit counts once", () => {
  report(1_500);
  engine.nowMs += 200 * dayMs;
  report(1);
  keep({ uplinks: 184 });
  seconds(1);
  expect(count("uplink")).toBe(501);
  engine.failAfter(1);
  seconds(1);
  expect(count("uplink")).toBe(501);
  engine.failAfter(null);
  engine.restart();
  seconds(2);
  expect(count("uplink")).toBe(1);
  expect(sweeps()).toMatchObject([["uplinks", { deleted: 1_500, throughNo: 1_500 }]]);
  // Once a day, not at every restart.
  engine.restart();
  seconds(2);
  expect(sweeps()).toHaveLength(1);
});

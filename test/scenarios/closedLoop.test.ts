/** The closed loop over a small city: every leak's close is proven by flow, and the same seed is the same city. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Agenda } from "../loop/agenda.ts";
import { planLeaks, PlanTooSmallError } from "../loop/loopPlan.ts";
import { runLoop, type LoopOutcome } from "../loop/loopRun.ts";

function live(): LoopOutcome {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-loop-"));
  try {
    return runLoop({ meters: 300, days: 11, seed: 2 }, directory, () => undefined);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test("every leak of a small city is closed and verified, once, the same in every run", () => {
  const outcome = live();
  const { lines, closes } = outcome;
  expect(lines).toHaveLength(12);
  // One close each that was not refused for data that came too late.
  expect(closes).toBe(12);
  expect(lines.map(({ ended }) => ended)).toEqual(lines.map(() => "verified"));
  for (const { toldAfter, orderedAfter, shutAfter, verifiedAfter } of lines) {
    const times = [0, toldAfter, orderedAfter, shutAfter, verifiedAfter].map((at) => at ?? NaN);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
  }
  expect(live()).toEqual(outcome);
});

test("a plan without a meter for each of its leaks is refused, and says which would do", () => {
  for (const [days, seed] of [
    [6, 1],
    [8, 1],
    [30, 7],
  ] as const) {
    const least = leastOf(() => planLeaks({ meters: 1, days, seed }));
    const leaks = planLeaks({ meters: least, days, seed });
    expect(new Set(leaks.map(({ meter }) => meter.no)).size).toBe(2 * (days - 5));
    expect(leastOf(() => planLeaks({ meters: least - 1, days, seed }))).toBe(least);
  }
  // From 4,000 meters on there are more leaks a day.
  const least = leastOf(() => planLeaks({ meters: 100, days: 300, seed: 1 }));
  expect(planLeaks({ meters: least, days: 300, seed: 1 }).length).toBeGreaterThan(2 * 295);
  for (const meters of [0, -5, NaN]) {
    expect(() => planLeaks({ meters, days: 8, seed: 1 })).toThrow(PlanTooSmallError);
  }
  for (const days of [5, 0, NaN]) {
    const plan = () => planLeaks({ meters: 300, days, seed: 1 });
    expect(plan).toThrow(`${days} days are too few for a leak: at least 6`);
  }
});

test.each([
  ["test/flip/flipTest.ts", "--meters", "40"],
  ["test/bench/bench.ts", "--scenario", "closed-loop", "--meters", "40"],
])("%s refuses a plan that is too small with exit code 2", (...words) => {
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  expect(stderr).toBe(
    "40 meters are too few for 8 days: at least 69, for each leak has a meter of its own, " +
      "of each protocol and sleep habit in turn\n",
  );
  expect(status).toBe(2);
});

function leastOf(plan: () => unknown): number {
  try {
    plan();
  } catch (cause) {
    if (cause instanceof PlanTooSmallError)
      return Number(/at least (\d+)/.exec(cause.message)?.[1]);
  }
  throw new Error("a refusal");
}

test("the agenda keeps the order of instants, and of those at the same one", () => {
  const agenda = new Agenda(0);
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${agenda.nowMs} ${name}`);
  for (const [atMs, name] of [
    [5, "a"],
    [3, "b"],
    [5, "c"],
    [4.2, "d"],
  ] as const) {
    agenda.at(atMs, note(name));
  }
  agenda.at(3, () => agenda.at(1, note("late")));
  agenda.at(9, note("not yet"));
  agenda.runUntil(8);
  expect(seen).toEqual(["3 b", "3 late", "5 a", "5 c", "5 d"]);
  expect(agenda.nowMs).toBe(8);
});

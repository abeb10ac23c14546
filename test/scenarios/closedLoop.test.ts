/** The closed loop over a small city: every leak's close is proven by flow, and the same seed is the same city. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Agenda } from "../loop/agenda.ts";
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

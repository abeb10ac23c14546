/** Delays around a condition, one line a reading: minute, level or "-", what is open then, what ended. */
import { expect, test } from "vitest";
import type { ConditionLevel } from "#domain/alarm.ts";
import { minuteMs, timestampMs } from "#domain/units.ts";
import { followConditions } from "#engine/conditions.ts";
import { factoryConduct } from "#rules/conduct.ts";

type Line = readonly [minute: number, level: ConditionLevel | "-", open: string, ended?: string];

/** `level@minute of raise`, and after `>` the minute of its end. */
function expectLines(onDelayMinutes: number, offDelayMinutes: number, lines: readonly Line[]) {
  const conduct = {
    ...factoryConduct,
    R3: { ...factoryConduct.R3, onDelayMinutes, offDelayMinutes },
  };
  const settings = { rulesVersion: "7", conduct };
  let now: Parameters<typeof followConditions>[1] = { open: {} };
  for (const [minute, level, open, ended = ""] of lines) {
    const changes =
      level === "-" ? [] : ([{ rule: "R3", level, proof: { flowMlPerHour: 1 } }] as const);
    const followed = followConditions(settings, now, changes, timestampMs(minute * minuteMs));
    now = followed.now;
    const { R3 } = now.open;
    const shown = R3 === undefined ? "" : `${R3.level}@${R3.raisedAtMs / minuteMs}`;
    const over = followed.ended.map(
      (one) => `${one.level}@${one.raisedAtMs / minuteMs}>${(one.returnedAtMs ?? 0) / minuteMs}`,
    );
    expect([minute, shown, over.join()]).toEqual([minute, open, ended]);
  }
  return now;
}

test("without delays every change counts at once", () => {
  const now = expectLines(0, 0, [
    [0, 1, "1@0"],
    [1, 2, "2@0"],
    [2, 0, "", "2@0>2"],
    [3, "-", ""],
  ]);
  expect(now).toEqual({ open: {} });
});

test("a condition that does not hold out its on-delay was none", () => {
  expectLines(30, 0, [
    [0, 1, ""],
    [29, "-", ""],
    [29.5, 0, ""],
    [40, 1, ""],
    [60, "-", ""],
    [70, "-", "1@70"],
  ]);
});

test("what grows graver while it waits does not wait from the beginning", () => {
  expectLines(30, 0, [
    [0, 1, ""],
    [20, 2, ""],
    [30, "-", "2@30"],
    [31, 1, "1@30"],
    [32, 0, "", "1@30>32"],
  ]);
});

test("an alarm that flickers is one alarm with an off-delay", () => {
  const now = expectLines(0, 10, [
    [0, 1, "1@0"],
    [5, 0, "1@0"],
    [9, 1, "1@0"],
    [12, 0, "1@0"],
    [20, 2, "2@0"],
    [21, 0, "2@0"],
    [31, "-", "", "2@0>31"],
  ]);
  expect(now).toEqual({ open: {} });
});

test("the proof says how long it held, and under which rules", () => {
  const now = expectLines(30, 0, [
    [0, 1, ""],
    [60, "-", "1@60"],
  ]);
  expect(now.open.R3?.proof).toEqual({
    flowMlPerHour: 1,
    heldMs: 60 * minuteMs,
    rulesVersion: "7",
  });
});

test("nothing new is the same object: nobody writes it again", () => {
  const open = { R3: { raisedAtMs: timestampMs(0), level: 1, proof: {} } } as const;
  const settings = { rulesVersion: null, conduct: factoryConduct };
  expect(followConditions(settings, { open }, [], timestampMs(1)).now.open).toBe(open);
});

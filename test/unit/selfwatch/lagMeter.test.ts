/** How far behind, from counts alone. */
import { expect, test } from "vitest";
import { LagMeter } from "#selfwatch/lagMeter.ts";

type Look = readonly [arrivals: number, oldest: number | null, reports: number, lagMs: number];

test.each<readonly [string, readonly Look[]]>([
  [
    "nothing arrives, and the engine answers",
    [
      [0, null, 1, 0],
      [0, null, 2, 0],
      [0, null, 3, 0],
    ],
  ],
  [
    "the engine does not answer",
    [
      [0, null, 1, 0],
      [0, null, 1, 1_000],
      [0, null, 1, 2_000],
      [0, null, 2, 0],
    ],
  ],
  [
    "it answers, and what waits grows older",
    [
      [10, 5, 1, 0],
      [20, 7, 2, 1_000],
      [30, 9, 3, 2_000],
      [40, 15, 4, 2_000],
      [50, 45, 5, 0],
      [50, null, 6, 0],
    ],
  ],
])("%s", (_what, looks) => {
  const meter = new LagMeter();
  const seen = looks.map(([arrivals, oldestArrival, reports], second) =>
    meter.look({ arrivals, oldestArrival, reports }, second * 1_000),
  );
  expect(seen).toEqual(looks.map(([, , , lagMs]) => lagMs));
});

test("a wait of a day needs no more memory than one of ten minutes", () => {
  const meter = new LagMeter();
  let lagMs = 0;
  for (let second = 0; second < 86_400; second += 1) {
    const progress = { arrivals: 10 + second, oldestArrival: 5, reports: second };
    lagMs = meter.look(progress, second * 1_000);
  }
  expect(lagMs).toBe(86_399_000);
});

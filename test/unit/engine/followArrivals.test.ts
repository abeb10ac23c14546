/** Arrivals that break off are told the sooner, the busier the fleet; the ways of real fleets are no fall. */
import { describe, expect, test } from "vitest";
import { dayMs, hourMs, minuteMs, secondMs } from "#domain/units.ts";
import { seededRng } from "#simulators/rng.ts";
import { WatchedArrivals } from "../../support/watchedArrivals.ts";

const startMs = Date.UTC(2026, 10, 22);

/** By chance, so many a second in the mean. */
type Rate = (nowMs: number) => number;
const rng = seededRng(6);

function byChance(mean: number): number {
  // One uplink after another, as far as they are independent; many at once by their deviation.
  if (mean > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  let count = -1;
  for (let left = 1; left > Math.exp(-mean); left *= rng.next()) count += 1;
  return Math.max(count, 0);
}

function live(watched: WatchedArrivals, seconds: number, rate: Rate, keptAway = 0): void {
  for (let second = 0; second < seconds; second += 1) {
    watched.look(byChance(rate(watched.nowMs)), keptAway);
  }
}

/** Three days and some hours with this rate, of which nobody is told; the last ones are looked at each second. */
function learned(rate: Rate, hours = 2): WatchedArrivals {
  const watched = new WatchedArrivals(startMs);
  const learnedMs = startMs + 3 * dayMs + 3 * hourMs;
  while (watched.nowMs < learnedMs) {
    let uplinks = 0;
    for (let second = 0; second < 60; second += 1) {
      uplinks += rate(watched.nowMs + second * secondMs);
    }
    watched.look(byChance(uplinks), 0, minuteMs);
  }
  live(watched, hours * 3_600, rate);
  expect(watched.rings).toEqual([]);
  return watched;
}

const always =
  (perSecond: number): Rate =>
  () =>
    perSecond;

describe("nothing comes any more", () => {
  test.each([
    [20, 27],
    [2.8, 27],
    [0.9, 67],
    [0.32, 190],
  ])("%d a second: told within %d s, and over when a slot is usual", (rate, within) => {
    const watched = learned(always(rate));
    const atMs = watched.nowMs;
    live(watched, 400, always(0));
    expect(watched.rings).toHaveLength(1);
    const [ring] = watched.rings;
    expect(((ring?.atMs ?? Infinity) - atMs) / secondMs).toBeLessThanOrEqual(within);
    const backMs = watched.nowMs;
    live(watched, 1_800, always(rate));
    expect(watched.rings).toHaveLength(1);
    expect(ring?.untilMs ?? 0).toBeGreaterThan(backMs);
    expect((ring?.untilMs ?? Infinity) - backMs).toBeLessThanOrEqual(20 * minuteMs);
  });

  test("a small fleet keeps the ten minutes", () => {
    const watched = learned(always(0.15));
    const atMs = watched.nowMs;
    live(watched, 1_800, always(0));
    expect(watched.rings).toMatchObject([{ withinSeconds: 600, untilMs: null }]);
    expect((watched.rings[0]?.atMs ?? 0) - atMs).toBeLessThanOrEqual(20 * minuteMs);
  });

  test("a tenth still comes: told as well; half is the ten minutes' business", () => {
    const watched = learned(always(20));
    live(watched, 30, always(2));
    expect(watched.rings).toMatchObject([{ withinSeconds: 20 }]);
    const other = learned(always(20));
    live(other, 1_800, always(10));
    expect(other.rings).toMatchObject([{ withinSeconds: 600 }]);
  });

  test("after a start it is told once ten minutes were seen, not before", () => {
    const watched = learned(always(20));
    watched.restart();
    live(watched, 300, always(20));
    live(watched, 120, always(0));
    expect(watched.rings).toEqual([]);
    const other = learned(always(20));
    other.restart();
    live(other, 640, always(20));
    live(other, 30, always(0));
    expect(other.rings).toHaveLength(1);
  });

  test("what planned work keeps away is not missed; all the rest is", () => {
    const watched = learned(always(20));
    live(watched, 1_800, always(2), 0.9);
    expect(watched.rings).toEqual([]);
    const other = learned(always(20));
    live(other, 900, always(20), 0.5);
    live(other, 30, always(0), 0.5);
    expect(other.rings).toHaveLength(1);
  });
});

/** The share of a period that is over. */
const phase = (nowMs: number, periodMs: number) => (nowMs % periodMs) / periodMs;

/** The hours of them that are looked at each second. */
const fleets: readonly { readonly name: string; readonly hours: number; readonly rate: Rate }[] = [
  {
    name: "all at the full hour, within a minute",
    hours: 3,
    rate: (now) => (phase(now, hourMs) < 1 / 60 ? 200 : 0.05),
  },
  {
    name: "gateways that send every five minutes",
    hours: 3,
    rate: (now) => (phase(now, 5 * minuteMs) < 0.1 ? 50 : 0),
  },
  {
    name: "twelve minutes in twenty",
    hours: 3,
    rate: (now) => (phase(now, 20 * minuteMs) < 0.6 ? 50 : 0.1),
  },
  {
    name: "five minutes of silence each hour",
    hours: 3,
    rate: (now) => (phase(now, hourMs) < 1 / 12 ? 0 : 20),
  },
  {
    name: "daily reports for two hours",
    hours: 24,
    rate: (now) => (phase(now, dayMs) < 2 / 24 ? 40 : 0),
  },
  {
    name: "a day that swells and ebbs",
    hours: 24,
    rate: (now) => 6 - 5.5 * Math.cos(2 * Math.PI * phase(now, dayMs)),
  },
];

describe("is no fall", () => {
  test.each(fleets)("$name", ({ rate, hours }) => {
    const watched = learned(rate, hours);
    // At another place of the period each time.
    for (let start = 0; start < 6; start += 1) {
      watched.restart();
      live(watched, 1_900, rate);
    }
    expect(watched.rings).toEqual([]);
  });

  test("the surge after our own stop, and the ebb that follows it", () => {
    const watched = learned(always(20));
    for (let second = 0; second < 3_600; second += 1) watched.nowMs += secondMs;
    watched.restart();
    live(watched, 300, always(250));
    live(watched, 2_400, always(0.5));
    expect(watched.rings.filter(({ withinSeconds }) => withinSeconds < 600)).toEqual([]);
  });

  test("ten seconds in which nothing was taken, and then all of it", () => {
    const watched = learned(always(20));
    for (let round = 0; round < 20; round += 1) {
      live(watched, 290, always(20));
      live(watched, 10, always(0));
      watched.look(200);
    }
    expect(watched.rings).toEqual([]);
  });

  test("seconds that nobody looked at", () => {
    const watched = learned(always(20));
    watched.nowMs += 60 * secondMs;
    live(watched, 40, always(0));
    expect(watched.rings).toEqual([]);
  });
});

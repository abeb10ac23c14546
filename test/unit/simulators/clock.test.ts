import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SimClock, realTime } from "#simulators/clock.ts";
import { seededRng } from "#simulators/rng.ts";
import { Wheel } from "#simulators/wheel.ts";

const baseMs = Date.UTC(2026, 10, 23);

// Time is moved by hand.
beforeEach(() => void vi.useFakeTimers({ now: baseMs }));
afterEach(() => void vi.useRealTimers());

describe("time-lapse", () => {
  test("one real second is two minutes of the district at factor 120", () => {
    const clock = new SimClock({ baseMs, factor: 120 });
    expect(clock.nowMs()).toBe(baseMs);
    vi.advanceTimersByTime(1_000);
    expect(clock.nowMs()).toBe(baseMs + 120_000);
    expect(clock.realDelayMs(baseMs + 240_000)).toBe(1_000);
    expect(clock.realDelayMs(baseMs)).toBe(0);
  });

  test("factor 1 is real time", () => {
    expect(new SimClock(realTime).nowMs()).toBe(baseMs);
  });

  test("sleeping ends at the instant, or when it is called off", async () => {
    const clock = new SimClock({ baseMs, factor: 60 });
    const slept = clock.sleepUntil(baseMs + 60_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await slept;
    const stop = new AbortController();
    const calledOff = clock.sleepUntil(baseMs + 1e12, stop.signal);
    stop.abort();
    await calledOff;
    await clock.sleepUntil(baseMs + 1e12, AbortSignal.abort());
  });
});

describe("the wheel", () => {
  test("runs what is due, in time, and nothing early", () => {
    const clock = new SimClock({ baseMs, factor: 120 });
    const wheel = new Wheel(clock);
    const ran: number[] = [];
    const at = (virtualMs: number): void =>
      wheel.at(virtualMs, () => ran.push(clock.nowMs() - virtualMs));
    at(baseMs + 120_000);
    at(baseMs + 60_000);
    at(baseMs - 5);
    wheel.start();
    vi.advanceTimersByTime(499);
    expect(ran).toHaveLength(1);
    vi.advanceTimersByTime(521);
    expect(ran).toHaveLength(3);
    // At most two ticks of 10 real ms late.
    for (const lateMs of ran.slice(1)) expect(lateMs).toBeLessThanOrEqual(2 * 10 * 120);
    for (const lateMs of ran) expect(lateMs).toBeGreaterThanOrEqual(0);
  });

  test("an act may ask for now: it comes with the next turn", () => {
    const clock = new SimClock({ baseMs, factor: 1 });
    const wheel = new Wheel(clock);
    let turns = 0;
    const again = (): void => {
      turns += 1;
      if (turns < 5) wheel.at(clock.nowMs(), again);
    };
    wheel.at(baseMs, again);
    wheel.start();
    vi.advanceTimersByTime(100);
    expect(turns).toBe(5);
  });

  test("a stopped wheel forgets", () => {
    const wheel = new Wheel(new SimClock(realTime));
    let hasRun = false;
    wheel.at(baseMs + 10, () => (hasRun = true));
    wheel.start();
    wheel.stop();
    vi.advanceTimersByTime(1_000);
    expect(hasRun).toBe(false);
  });
});

describe("seeded randomness", () => {
  test("repeats with the seed, differs between streams, and fills the range", () => {
    const draw = (...seeds: number[]): number[] => {
      const rng = seededRng(...seeds);
      return Array.from({ length: 1_000 }, () => rng.whole(0, 9));
    };
    expect(draw(1, 2)).toEqual(draw(1, 2));
    expect(draw(1, 2)).not.toEqual(draw(2, 1));
    const counts = new Map<number, number>();
    for (const value of draw(5)) counts.set(value, (counts.get(value) ?? 0) + 1);
    for (let value = 0; value < 10; value += 1) {
      expect(counts.get(value)).toBeGreaterThan(60);
      expect(counts.get(value)).toBeLessThan(140);
    }
  });
});

/** The machine's clock may jump; ours does not, and says how far the two stand apart. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { hourMs } from "#domain/units.ts";
import { anchorNow, systemClock } from "../../../src/systemClock.ts";

const startMs = Date.UTC(2026, 10, 22);

function machine() {
  const clocks = {
    wall: startMs,
    monotonic: 77,
    wallMs: () => clocks.wall,
    monotonicMs: () => clocks.monotonic,
    pass(ms: number) {
      clocks.wall += ms;
      clocks.monotonic += ms;
    },
  };
  return clocks;
}

test.each([1, 60, 100_000])("jumps move neither clock; factor %i", (factor) => {
  const span = fc.integer({ min: 0, max: hourMs });
  const jump = fc.integer({ min: -9_000 * hourMs, max: 9_000 * hourMs });
  fc.assert(
    fc.property(fc.array(fc.tuple(span, jump), { maxLength: 20 }), (story) => {
      const clocks = machine();
      const clock = systemClock({ factor, baseMs: startMs }, clocks);
      let passed = 0;
      let jumped = 0;
      for (const [ms, jumpMs] of story) {
        clocks.pass(ms);
        clocks.wall += jumpMs;
        passed += ms;
        jumped += jumpMs;
        expect(clock.nowMs()).toBe(startMs + passed * factor);
        expect(clock.apartMs()).toBe(jumped);
      }
    }),
  );
});

test("threads that count from one anchor agree, also when the clock jumped between their starts", () => {
  const clocks = machine();
  const anchor = anchorNow(clocks);
  const main = systemClock({ factor: 1, baseMs: startMs, anchor }, clocks);
  clocks.pass(10);
  clocks.wall += hourMs;
  const worker = systemClock({ factor: 1, baseMs: startMs, anchor }, clocks);
  expect([worker.nowMs(), worker.apartMs()]).toEqual([main.nowMs(), main.apartMs()]);
});

test("of the real machine: near its clock, and not apart", () => {
  const clock = systemClock({ factor: 1, baseMs: 0 });
  expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThan(50);
  expect(Math.abs(clock.apartMs())).toBeLessThan(50);
});

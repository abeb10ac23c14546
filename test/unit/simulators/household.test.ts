import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { meterSizes, siteClasses } from "#domain/meter.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { GasUse, dayStartOf, flowOfDay } from "#simulators/household.ts";
import type { SiteUse } from "#simulators/household.ts";
import { Register } from "#simulators/register.ts";

const qmaxMlPerHour = meterSizes.G4.qmaxMlPerHour;
const winterDay = dayStartOf(Date.UTC(2026, 0, 10, 12));
const summerDay = dayStartOf(Date.UTC(2026, 6, 10, 12));
const household = (seed: number): SiteUse => ({ siteClass: "household", seed, qmaxMlPerHour });

describe("a day of gas use", () => {
  test("the local day begins at 16:00 UTC of the day before", () => {
    expect(new Date(winterDay).toISOString()).toBe("2026-01-09T16:00:00.000Z");
  });

  test("the same seed gives the same day, another seed another", () => {
    expect(flowOfDay(household(7), winterDay)).toEqual(flowOfDay(household(7), winterDay));
    expect(flowOfDay(household(7), winterDay)).not.toEqual(flowOfDay(household(8), winterDay));
  });

  test("no flow is negative or above nine tenths of Qmax, and the day ends with the gas off", () => {
    for (let seed = 0; seed < 200; seed += 1) {
      for (const siteClass of siteClasses) {
        const steps = flowOfDay({ ...household(seed), siteClass }, winterDay);
        for (const { mlPerHour } of steps) {
          expect(mlPerHour).toBeGreaterThanOrEqual(0);
          expect(mlPerHour).toBeLessThanOrEqual(0.9 * qmaxMlPerHour);
        }
        expect(steps.at(-1)).toMatchObject({ mlPerHour: 0 });
        expect(steps.at(-1)?.fromMs).toBeLessThan(winterDay + dayMs);
      }
    }
  });

  test("households sleep: nothing between 23:30 and 06:00", () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const use = new GasUse(household(seed));
      expect(use.between(winterDay, winterDay + 6 * hourMs)).toBe(0);
      expect(use.between(winterDay + 23.5 * hourMs, winterDay + dayMs)).toBe(0);
    }
  });

  test("a hundred households burn more in winter than in summer, and a plausible amount", () => {
    const perDayMl = (day: number): number => {
      let sum = 0;
      for (let seed = 0; seed < 100; seed += 1) {
        sum += new GasUse(household(seed)).between(day, day + dayMs) / hourMs;
      }
      return sum / 100;
    };
    // China's households use some 0.5 to 1 m³ a day without heating, several with it.
    expect(perDayMl(summerDay)).toBeGreaterThan(300_000);
    expect(perDayMl(summerDay)).toBeLessThan(2_500_000);
    expect(perDayMl(winterDay)).toBeGreaterThan(perDayMl(summerDay));
  });
});

describe("the register is exact", () => {
  test("however the time is cut, the same volume has passed", () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 3 * dayMs }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000 }), cuts, (seed, offsets) => {
        const endMs = winterDay + 3 * dayMs;
        const whole = new Register(123);
        whole.pass(new GasUse(household(seed)).between(winterDay, endMs));
        const parts = new Register(123);
        const use = new GasUse(household(seed));
        let fromMs = winterDay;
        for (const offset of [...offsets.toSorted((a, b) => a - b), 3 * dayMs]) {
          parts.pass(use.between(fromMs, winterDay + offset));
          fromMs = winterDay + offset;
        }
        expect(parts.indexMl).toBe(whole.indexMl);
      }),
      { numRuns: 50 },
    );
  });

  test("one litre an hour for 90 minutes is 1,500 ml, shown as one whole litre", () => {
    const register = new Register(0);
    register.pass(1_000 * 90 * minuteMs);
    expect(register.indexMl).toBe(1_500);
    expect(register.shown(1_000, 1e11)).toEqual({ ml: 1_000, count: 1, exponent: -3 });
    expect(register.shown(10_000, 1e11)).toEqual({ ml: 0, count: 0, exponent: -2 });
  });

  test("the index starts again at the end of its range, the truth does not", () => {
    const register = new Register(1e11 - 5_000);
    register.pass(10_000 * hourMs);
    expect(register.shown(1_000, 1e11).ml).toBe(5_000);
    expect(register.indexMl).toBe(1e11 + 5_000);
  });
});

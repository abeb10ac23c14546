import { expect, test } from "vitest";
import { nightFlow } from "#rules/nightFlow.ts";
import { days, foldLevels, g4, hours, litres, reports } from "./story.ts";

/** Midnight by the wall clock in China. */
const midnightMs = days(20_000) - hours(8);

interface House {
  /** Litres that flow all the time. */
  readonly leak: number;
  /** Litres in an hour of the day, besides. */
  readonly use: (day: number, hour: number) => number;
  readonly days: number;
  readonly everyHours?: number;
}

function levels(house: House, quantumMl: number = g4.quantumMl, pilotMlPerHour = 0) {
  const settings = { ...g4, quantumMl, pilotMlPerHour };
  const volumes: number[] = [0];
  for (let hour = 0; hour < house.days * 24; hour += 1) {
    const used = house.use(Math.floor(hour / 24), hour % 24) + house.leak;
    volumes.push((volumes.at(-1) ?? 0) + litres(used));
  }
  const everyMs = hours(house.everyHours ?? 1);
  const readings = reports(
    settings,
    everyMs,
    hours(house.days * 24),
    (atMs) => volumes[atMs / hours(1)] ?? 0,
  );
  const moved = readings.map((reading) => ({
    ...reading,
    measuredAtMs: (reading.measuredAtMs + midnightMs) as typeof reading.measuredAtMs,
    interval:
      reading.interval === null
        ? null
        : {
            ...reading.interval,
            fromMs: (reading.interval.fromMs + midnightMs) as typeof reading.measuredAtMs,
          },
  }));
  return foldLevels(nightFlow, settings, moved);
}

const cooking = (_day: number, hour: number) =>
  hour === 7 || hour === 12 || hour === 18 ? 180 : 0;

test("a leak of more than two steps an hour is known after seven nights", () => {
  const seen = levels({ leak: 25, use: cooking, days: 10 });
  expect(seen.last).toBe(1);
  expect((seen.firstAtMs(1) ?? 0) - midnightMs).toBe(days(6) + hours(6));
  expect(levels({ leak: 25, use: cooking, days: 6 }).last).toBe(0);
});

test("a smaller step of the register finds a smaller leak", () => {
  expect(levels({ leak: 3, use: cooking, days: 10 }).last).toBe(0);
  expect(levels({ leak: 3, use: cooking, days: 10 }, 1_000).last).toBe(1);
  expect(nightFlow.floor({ ...g4, quantumMl: 1_000 })).toEqual({
    flowMlPerHour: 2_000,
    withinMs: days(8),
  });
});

test("one quiet night ends it", () => {
  const repaired = levels({
    leak: 0,
    use: (day, hour) => cooking(day, hour) + (day < 8 ? 25 : 0),
    days: 10,
  });
  expect(repaired.highest).toBe(1);
  expect(repaired.last).toBe(0);
});

test("heating that follows the weather is not a leak", () => {
  const heat = (day: number, hour: number) =>
    cooking(day, hour) + 280 + 60 * Math.sin(day) + 50 * Math.sin(hour * 2.5 + day);
  expect(levels({ leak: 0, use: heat, days: 20 }).highest).toBe(0);
});

test("meters that show no hours are not judged, nor are bakeries", () => {
  expect(levels({ leak: 25, use: cooking, days: 12, everyHours: 4 }).highest).toBe(0);
  const settings = { ...g4, siteClass: "commercial" } as const;
  const oven = reports(settings, hours(1), days(12), (atMs) => (litres(900) * atMs) / hours(1));
  expect(foldLevels(nightFlow, settings, oven).highest).toBe(0);
});

test("a registered pilot light is no leak, and a leak beside it is one", () => {
  expect(levels({ leak: 15, use: cooking, days: 10 }, 1_000).last).toBe(1);
  expect(levels({ leak: 15, use: cooking, days: 10 }, 1_000, litres(15)).last).toBe(0);
  expect(levels({ leak: 25, use: cooking, days: 10 }, 1_000, litres(15)).last).toBe(1);
});

/** Gas days of areas, and volume at base conditions. */
import { expect, test } from "vitest";
import { atBase } from "#billing/baseVolume.ts";
import { defaultGasDays, GasDays } from "#billing/gasDays.ts";
import { dayOfDate } from "#domain/gasDate.ts";
import { formatInstant } from "#domain/units.ts";

const days = new GasDays({
  ...defaultGasDays,
  areas: {
    berlin: { zone: "Europe/Berlin", startMinute: 360 },
    // The clocks of Beirut went from 00:00 to 01:00: that day has no midnight.
    beirut: { zone: "Asia/Beirut", startMinute: 0 },
  },
});

test.each([
  ["anywhere", "2026-11-01", "2026-10-31T16:00:00.000Z"],
  ["berlin", "2026-03-28", "2026-03-28T05:00:00.000Z"],
  ["berlin", "2026-03-29", "2026-03-29T04:00:00.000Z"],
  ["berlin", "2026-10-25", "2026-10-25T05:00:00.000Z"],
  ["beirut", "2026-03-29", "2026-03-28T22:00:00.000Z"],
])("in %s the gas day of %s begins at %s", (area, date, instant) => {
  const day = dayOfDate(date) ?? NaN;
  expect(formatInstant(days.instantOf({ day }, area))).toBe(instant);
});

test.each(["2026-02-30", "2026-2-3", "yesterday", "2026-13-01"])("%s is no date", (text) => {
  expect(dayOfDate(text)).toBeUndefined();
});

test("an instant is an instant everywhere", () => {
  expect(days.instantOf({ atMs: 5 }, "berlin")).toBe(5);
});

test("2 kPa above the air and 5 °C against 20 °C make 7.5 %", () => {
  // (103.325 / 101.325) · (293.15 / 278.15), worked out by hand with more digits: 1.074730653
  const conversion = {
    basePressurePa: 101_325,
    baseTemperatureCentiK: 29_315,
    gasPressurePa: 103_325,
    gasTemperatureCentiK: 27_815,
    compressibilityMillionths: 1_000_000,
    method: "fixed",
  };
  expect(atBase(1_000_000_000, conversion)).toEqual({
    volumeMl: 1_074_730_653,
    factorMillionths: 1_074_731,
  });
});

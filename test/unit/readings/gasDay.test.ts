/** Gas days in zones with and without daylight saving. */
import { expect, test } from "vitest";
import { dateOfDay, GasCalendar, monthOfDay } from "#readings/gasDay.ts";

test.each([
  // zone, start minute, instant, its gas day, hours of that day
  ["Asia/Shanghai", 0, "2026-11-28T15:59:59.999Z", "2026-11-28", 24],
  ["Asia/Shanghai", 0, "2026-11-28T16:00:00.000Z", "2026-11-28", 24],
  ["Asia/Shanghai", 0, "2026-11-28T16:00:00.001Z", "2026-11-29", 24],
  ["Europe/Berlin", 360, "2026-03-29T03:59:00Z", "2026-03-28", 23],
  ["Europe/Berlin", 360, "2026-03-29T04:00:00Z", "2026-03-28", 23],
  ["Europe/Berlin", 360, "2026-03-29T04:00:01Z", "2026-03-29", 24],
  ["Europe/Berlin", 0, "2026-10-25T12:00:00Z", "2026-10-25", 25],
  ["America/St_Johns", 0, "2026-07-01T02:30:00Z", "2026-06-30", 24],
  ["Asia/Kathmandu", 0, "2026-07-01T18:15:01Z", "2026-07-02", 24],
  ["UTC", 0, "1969-12-31T23:00:00Z", "1969-12-31", 24],
])("%s, minute %d: %s belongs to %s", (zone, startMinute, instant, date, hours) => {
  const calendar = new GasCalendar({ zone, startMinute });
  const day = calendar.dayOf(Date.parse(instant));
  expect(dateOfDay(day)).toBe(date);
  expect(calendar.startOf(day + 1) - calendar.startOf(day)).toBe(hours * 3_600_000);
});

test("a day in another zone ends where the next begins, through every change of the clocks", () => {
  const calendar = new GasCalendar({ zone: "Europe/Berlin", startMinute: 120 });
  const first = calendar.dayOf(Date.UTC(2026, 0, 1));
  for (let day = first; day < first + 365; day += 1) {
    expect(calendar.dayOf(calendar.startOf(day + 1))).toBe(day);
    expect(calendar.dayOf(calendar.startOf(day) + 1)).toBe(day);
  }
});

test("a month's days", () => {
  const day = Date.UTC(2026, 1, 17) / 86_400_000;
  const { first, next } = monthOfDay(day);
  expect([dateOfDay(first), dateOfDay(next)]).toEqual(["2026-02-01", "2026-03-01"]);
});

/** Duty hours as a table, over midnight and by the day on which the duty begins; local time by the zone. */
import { expect, test } from "vitest";
import { isOnDuty, localTimeIn } from "#notify/duty.ts";
import { masked } from "#domain/recipient.ts";

const at = (hour: number, minute = 0): number => hour * 60 + minute;
const day = { fromMinute: at(8), toMinute: at(20), days: [1, 2, 3, 4, 5] };
const night = { fromMinute: at(20), toMinute: at(8), days: [5] };

test.each([
  ["the first minute", day, 1, at(8), true],
  ["the last minute", day, 1, at(19, 59), true],
  ["the end", day, 1, at(20), false],
  ["a Saturday", day, 6, at(12), false],
  ["Friday night", night, 5, at(23), true],
  ["its morning, a Saturday", night, 6, at(7, 59), true],
  ["Friday morning is Thursday's night", night, 5, at(7), false],
  ["Saturday evening", night, 6, at(21), false],
  ["Monday morning after Sunday night", { ...night, days: [7] }, 1, at(3), true],
  ["every day", { ...night, days: [] }, 3, at(2), true],
  ["no hours: always", null, 7, at(4), true],
] as const)("%s", (_title, hours, weekday, minute, expected) => {
  expect(isOnDuty(hours, { minute, day: weekday, text: "" })).toBe(expected);
});

test("local time is that of the zone, through a change to summer time", () => {
  const shanghai = localTimeIn("Asia/Shanghai");
  expect(shanghai(Date.UTC(2026, 10, 22, 23, 30))).toEqual({
    minute: at(7, 30),
    day: 1,
    text: "07:30",
  });
  const berlin = localTimeIn("Europe/Berlin");
  expect(berlin(Date.UTC(2026, 2, 29, 0, 59)).text).toBe("01:59");
  expect(berlin(Date.UTC(2026, 2, 29, 1, 0)).text).toBe("03:00");
});

test.each([
  ["+8613812345678", "+86138****5678"],
  ["+491712", "****"],
  ["wang@gas.example", "w***@gas.example"],
])("%s is shown as %s", (contact, expected) => {
  expect(masked(contact)).toBe(expected);
});

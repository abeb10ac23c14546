/** Calendar times as meters write them, to instants. What is no date is undefined, never a wrong date. */
import { secondMs, timestampMs, type TimestampMs } from "#domain/units.ts";

/** A date and time as a meter's clock shows it, in whatever zone. */
export interface CalendarTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** 32-bit clocks wrap in February 2106: no meter that is right says so late a year. */
const calendarYearMin = 1970;
const calendarYearMax = 2105;
const afterLastYearMs = Date.UTC(calendarYearMax + 1, 0, 1);

/** The instant of a calendar time in UTC; undefined when there is no such time (31 February, 24:60). */
export function instantOf(time: CalendarTime): TimestampMs | undefined {
  const { year, month, day, hour, minute, second } = time;
  if (year < calendarYearMin || year > calendarYearMax || month < 1 || month > 12) return undefined;
  if (day < 1 || day > daysIn(year, month)) return undefined;
  // Second 60 is a leap second; it counts as the first of the next minute.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  return timestampMs(Date.UTC(year, month - 1, day, hour, minute, second));
}

/** Milliseconds since 1970 when they lie in a year that `instantOf` would take. */
export function believableInstant(atMs: number): TimestampMs | undefined {
  return atMs >= 0 && atMs < afterLastYearMs ? timestampMs(atMs) : undefined;
}

/** The calendar time of an instant, `offsetMs` east of UTC. */
export function calendarOf(atMs: number, offsetMs = 0): CalendarTime {
  const date = new Date(Math.floor((atMs + offsetMs) / secondMs) * secondMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

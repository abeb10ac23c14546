/** Local legal time of the Netherlands, Belgium and Luxembourg, as P1 telegrams write it. */
import { hourMs, timestampMs, type TimestampMs } from "#domain/units.ts";
import { instantOf } from "#protocols/codec/calendar.ts";

const timePattern = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([SW]?)$/;
const offsetMs = { S: 2 * hourMs, W: hourMs } as const;

/** What the meter writes where no device is connected. */
const notConnectedDigits = "632525252525";
/** Days on which clocks begin that were never set. */
const neverSetDays: ReadonlySet<string> = new Set(["000101", "700101"]);

/** Whether a time stamp says that there is nothing to read. */
export function isNotConnected(text: string): boolean {
  return text.startsWith(notConnectedDigits);
}

/**
 * YYMMDDhhmmssX to an instant: X is S for summer (two hours east) or W for winter (one). Telegrams of
 * versions 2.2 and 3.0 have no X; then the calendar decides, and an hour that is there twice, or
 * never, is no time.
 */
export function instantOfLegalTime(text: string): TimestampMs | null {
  const match = timePattern.exec(text);
  if (match === null || neverSetDays.has(text.slice(0, 6))) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number);
  const local = instantOf({ year: 2000 + year, month, day, hour, minute, second });
  if (local === undefined) return null;
  const flag = match[7];
  if (flag === "S" || flag === "W") return timestampMs(local - offsetMs[flag]);
  const asSummer = timestampMs(local - offsetMs.S);
  const asWinter = timestampMs(local - offsetMs.W);
  const mayBeSummer = isSummer(asSummer);
  if (mayBeSummer === !isSummer(asWinter)) return null;
  return mayBeSummer ? asSummer : asWinter;
}

/** Summer time begins and ends at 01:00 UTC of the last Sundays in March and October. Directive 2000/84/EC. */
function isSummer(atMs: TimestampMs): boolean {
  const year = new Date(atMs).getUTCFullYear();
  return atMs >= lastSundayOneOClock(year, 2) && atMs < lastSundayOneOClock(year, 9);
}

/** Both months have 31 days. */
function lastSundayOneOClock(year: number, monthIndex: number): number {
  const weekday = new Date(Date.UTC(year, monthIndex, 31)).getUTCDay();
  return Date.UTC(year, monthIndex, 31 - weekday, 1);
}

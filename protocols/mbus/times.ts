/**
 * Points in time as M-Bus writes them: types F, G, I and J. They are local times of the meter and name no
 * zone. What is no date is missing, never 1900, 2000 or 2127. EN 13757-3, annex A.
 */
import { instantOf, type CalendarTime } from "#protocols/codec/calendar.ts";

/** A point in time on the meter's own clock. */
export interface LocalTime {
  readonly type: "F" | "G" | "I" | "J";
  /** ISO 8601 without zone: date, date and time, or time of day. */
  readonly text: string;
  /** null: a time of day without a date. */
  readonly calendar: CalendarTime | null;
  /** How far summer time has moved the clock; null where the type cannot say. */
  readonly summerHours: number | null;
}

/** Years are two digits: up to here they are of this century, unless the century is given. */
const thisCenturyYearMax = 80;

/** The point in time in 2, 3, 4 or 6 bytes; undefined when it is none. */
export function readTime(bytes: Uint8Array, at: number, sizeBytes: number): LocalTime | undefined {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0] = bytes.subarray(at, at + sizeBytes);
  switch (sizeBytes) {
    case 2:
      return dated("G", dateOf(b0, b1, 0), [0, 0, 0], null);
    case 3:
      return timeOfDay(b0 & 0x3f, b1 & 0x3f, b2 & 0x1f);
    case 4: {
      if ((b0 & 0x80) !== 0) return undefined;
      const century = (b1 >> 5) & 3;
      const summerHours = (b1 & 0x80) === 0 ? 0 : 1;
      return dated("F", dateOf(b2, b3, century), [b1 & 0x1f, b0 & 0x3f, 0], summerHours);
    }
    case 6: {
      if ((b1 & 0x80) !== 0) return undefined;
      const clock = [b2 & 0x1f, b1 & 0x3f, b0 & 0x3f] as const;
      return dated("I", dateOf(b3, b4, 0), clock, summerHoursOf(b0, b1, b5));
    }
    default:
      return undefined;
  }
}

interface DateParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Day and month in the low bits, the year in seven bits above them; 127 means every year, which is no date. */
function dateOf(low: number, high: number, century: number): DateParts | undefined {
  const year = (low >> 5) | ((high & 0xf0) >> 1);
  if (year > 99) return undefined;
  const base = century === 0 && year <= thisCenturyYearMax ? 2000 : 1900 + 100 * century;
  return { year: base + year, month: high & 0x0f, day: low & 0x1f };
}

/** Type I says by how many hours summer time moves the clock; meters that leave it 0 mean one. */
function summerHoursOf(b0: number, b1: number, b5: number): number {
  if ((b0 & 0x40) === 0) return 0;
  const hours = b5 >> 6;
  if (hours === 0) return 1;
  return (b1 & 0x40) === 0 ? -hours : hours;
}

function dated(
  type: "F" | "G" | "I",
  date: DateParts | undefined,
  [hour, minute, second]: readonly [number, number, number],
  summerHours: number | null,
): LocalTime | undefined {
  if (date === undefined) return undefined;
  const calendar = { ...date, hour, minute, second };
  const inUtc = instantOf(calendar);
  if (inUtc === undefined || second > 59) return undefined;
  const iso = new Date(inUtc).toISOString();
  return { type, text: iso.slice(0, type === "G" ? 10 : 19), calendar, summerHours };
}

function timeOfDay(second: number, minute: number, hour: number): LocalTime | undefined {
  if (second > 59 || minute > 59 || hour > 23) return undefined;
  const text = [hour, minute, second].map((part) => String(part).padStart(2, "0")).join(":");
  return { type: "J", text, calendar: null, summerHours: null };
}

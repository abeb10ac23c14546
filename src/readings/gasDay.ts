/**
 * Gas days: from a fixed local time to the same on the next date. A day is (start, end], so that a register frozen
 * at the boundary belongs to the day that ends. A day's number is its local date, in days since 1970-01-01.
 */
import { dayMs, minuteMs } from "#domain/units.ts";

export interface GasCalendarSettings {
  /** IANA name of the zone. */
  readonly zone: string;
  /** Local time at which a gas day begins. */
  readonly startMinute: number;
}

export class GasCalendar {
  readonly settings: GasCalendarSettings;
  readonly #format: Intl.DateTimeFormat;
  readonly #starts = new Map<number, number>();
  #day = 0;
  #fromMs = Infinity;
  #toMs = -Infinity;

  constructor(settings: GasCalendarSettings) {
    this.settings = settings;
    this.#format = new Intl.DateTimeFormat("en-GB", {
      timeZone: settings.zone,
      calendar: "iso8601",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      hourCycle: "h23",
    });
  }

  /** The gas day to which an instant belongs. */
  dayOf(atMs: number): number {
    if (atMs > this.#fromMs && atMs <= this.#toMs) return this.#day;
    // A day or two beside it; where days begin is looked up once for each.
    let day = Math.floor(atMs / dayMs);
    while (atMs <= this.startOf(day)) day -= 1;
    while (atMs > this.startOf(day + 1)) day += 1;
    this.#day = day;
    this.#fromMs = this.startOf(day);
    this.#toMs = this.startOf(day + 1);
    return day;
  }

  /** The instant at which the day begins, which still belongs to the day before. */
  startOf(day: number): number {
    const known = this.#starts.get(day);
    if (known !== undefined) return known;
    const localMs = day * dayMs + this.settings.startMinute * minuteMs;
    // The offset at the instant itself; a second look is enough at a change of the clocks.
    let atMs = localMs - this.#offsetMs(localMs);
    atMs = localMs - this.#offsetMs(atMs);
    this.#starts.set(day, atMs);
    return atMs;
  }

  #offsetMs(atMs: number): number {
    const parts = new Map(
      this.#format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const localMs = Date.UTC(
      part("year"),
      part("month") - 1,
      part("day"),
      part("hour"),
      part("minute"),
      part("second"),
    );
    return localMs - Math.floor(atMs / 1_000) * 1_000;
  }
}

/** YYYY-MM-DD of a day's number. */
export function dateOfDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** First day of the month that holds the day, and of the next month. */
export function monthOfDay(day: number): { readonly first: number; readonly next: number } {
  const date = new Date(day * dayMs);
  const startOf = (month: number): number => Date.UTC(date.getUTCFullYear(), month, 1) / dayMs;
  return { first: startOf(date.getUTCMonth()), next: startOf(date.getUTCMonth() + 1) };
}

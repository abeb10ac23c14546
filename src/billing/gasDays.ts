/** Where billing periods begin and end: instants as they are, and dates as gas days of an area. */
import type { BillingInstant } from "#domain/billing.ts";
import { GasCalendar, type GasCalendarSettings } from "#readings/gasDay.ts";

/** Gas days of the whole utility and of areas that have their own. */
export interface GasDaySettings extends GasCalendarSettings {
  readonly areas: Readonly<Record<string, GasCalendarSettings>>;
}

/** 00:00 in China. */
export const defaultGasDays: GasDaySettings = Object.freeze({
  zone: "Asia/Shanghai",
  startMinute: 0,
  areas: {},
});

export class GasDays {
  readonly #everywhere: GasCalendar;
  readonly #areas: ReadonlyMap<string, GasCalendar>;

  constructor({ areas, ...settings }: GasDaySettings) {
    this.#everywhere = new GasCalendar(settings);
    const entries = Object.entries(areas);
    this.#areas = new Map(entries.map(([area, own]) => [area, new GasCalendar(own)]));
  }

  calendarOf(area: string): GasCalendar {
    return this.#areas.get(area) ?? this.#everywhere;
  }

  /** The instant that is meant in the area. */
  instantOf(when: BillingInstant, area: string): number {
    return "atMs" in when ? when.atMs : this.calendarOf(area).startOf(when.day);
  }
}

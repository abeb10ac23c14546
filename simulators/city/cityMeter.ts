/** One meter of the city: its true register, and the reports that its habit makes of it. */
import type { DecodedReading, Telegram } from "#domain/telegram.ts";
import { emptyReading } from "#domain/telegram.ts";
import { statusBits } from "#domain/status.ts";
import { dayMs, hourMs, timestampMs, volumeMl } from "#domain/units.ts";
import { seededRng, type SeededRng } from "../rng.ts";
import { demandOfDay } from "./demand.ts";
import { extraMlPerHour } from "./cityTruth.ts";
import { localOffsetMs, type Site, type SiteEvent } from "./site.ts";

const keptHours = 24;
const keptDays = 5;
const clockOfNowhereMs = Date.UTC(2099, 0, 1);
const clockOfRestartMs = Date.UTC(2000, 0, 1);
const batteryMv = 3_600;

interface Kept {
  readonly atMs: number;
  readonly ml: number;
}

export interface Report {
  readonly atMs: number;
  readonly telegram: Telegram;
}

/** A fitter's entry: another meter from this instant on. */
export interface ExchangeEntry {
  readonly meterId: string;
  readonly atMs: number;
  readonly closingMl: number;
}

function isWithin(atMs: number, hourFromMs: number): boolean {
  return atMs >= hourFromMs && atMs < hourFromMs + hourMs;
}

export class CityMeter {
  readonly site: Site;
  readonly #citySeed: number;
  readonly #rng: SeededRng;
  readonly #hours: Kept[] = [];
  readonly #days: Kept[] = [];
  #dayStartMs = Number.NaN;
  #demand: readonly number[] = [];
  /** At the start of the present hour. */
  #ml: number;
  #hasDamaged = false;
  /** The true register when another meter was put up; null: not yet. */
  #exchangedAtMl: number | null = null;

  constructor(site: Site, citySeed: number) {
    this.site = site;
    this.#citySeed = citySeed;
    this.#rng = seededRng(site.seed, 3);
    this.#ml = site.startMl;
  }

  /** The reports that leave in the hour from here, in time order; the register stands at its end afterwards. */
  hour(fromMs: number): readonly Report[] {
    this.#keep(fromMs);
    const baseMl = this.#demandAt(fromMs);
    const event = this.site.event;
    if (event?.happening.does.do === "exchange" && isWithin(event.fromMs, fromMs)) {
      this.#exchangedAtMl = this.#ml + this.#passed(fromMs, event.fromMs, baseMl);
    }
    const reports = this.#times(fromMs)
      .filter((atMs) => !this.#is("silence", atMs))
      .map((atMs) => ({ atMs, telegram: this.#telegram(atMs, fromMs, baseMl) }));
    this.#ml += this.#passed(fromMs, fromMs + hourMs, baseMl);
    return reports;
  }

  /** What the fitter enters, if the exchange was in the hour from here. */
  exchangeIn(fromMs: number): ExchangeEntry | null {
    const { event, id, quantumMl } = this.site;
    const ml = this.#exchangedAtMl;
    if (event === null || ml === null || !isWithin(event.fromMs, fromMs)) return null;
    const closingMl = Math.floor(ml / quantumMl) * quantumMl;
    return { meterId: id, atMs: event.fromMs, closingMl };
  }

  #keep(fromMs: number): void {
    this.#hours.push({ atMs: fromMs, ml: this.#ml });
    if (this.#hours.length > keptHours) this.#hours.shift();
    if ((fromMs + localOffsetMs) % dayMs !== 0) return;
    this.#days.push({ atMs: fromMs, ml: this.#ml });
    if (this.#days.length > keptDays) this.#days.shift();
  }

  #demandAt(fromMs: number): number {
    const localMs = fromMs + localOffsetMs;
    const dayStartMs = Math.floor(localMs / dayMs) * dayMs;
    if (dayStartMs !== this.#dayStartMs) {
      this.#demand = demandOfDay(this.site, this.#citySeed, dayStartMs);
      this.#dayStartMs = dayStartMs;
    }
    const usual = this.#demand[Math.floor((localMs - dayStartMs) / hourMs)] ?? 0;
    const event = this.#eventAt(fromMs);
    if (event?.happening.does.do === "passing") return 0;
    return event?.happening.does.do === "more" ? event.happening.does.factor * usual : usual;
  }

  /** What passes between two instants of one hour. */
  #passed(fromMs: number, toMs: number, hourMl: number): number {
    const usual = (hourMl * (toMs - fromMs)) / hourMs;
    const { event } = this.site;
    if (event === null) return usual;
    const overlapMs = Math.min(toMs, event.untilMs) - Math.max(fromMs, event.fromMs);
    return overlapMs <= 0 ? usual : usual + (extraMlPerHour(this.site, event) * overlapMs) / hourMs;
  }

  /** By its period, and at once when a bit comes or goes. */
  #times(fromMs: number): readonly number[] {
    const { reportEveryMs, offsetMs, event } = this.site;
    const times: number[] = [];
    const first = Math.ceil((fromMs - offsetMs) / reportEveryMs) * reportEveryMs + offsetMs;
    for (let atMs = first; atMs < fromMs + hourMs; atMs += reportEveryMs) times.push(atMs);
    if (event?.happening.isFlagged === true) {
      for (const atMs of [event.fromMs, event.untilMs]) {
        if (atMs >= fromMs && atMs < fromMs + hourMs) times.push(atMs);
      }
    }
    return times.sort((one, other) => one - other);
  }

  #eventAt(atMs: number): SiteEvent | null {
    const { event } = this.site;
    return event !== null && atMs >= event.fromMs && atMs < event.untilMs ? event : null;
  }

  #is(does: SiteEvent["happening"]["does"]["do"], atMs: number): boolean {
    return this.#eventAt(atMs)?.happening.does.do === does;
  }

  #telegram(atMs: number, hourFromMs: number, hourMl: number): Telegram {
    const present = this.#present(atMs, hourFromMs, hourMl);
    const readings = this.site.habit === "daily" ? [present, ...this.#history()] : [present];
    return { address: this.site.frameAddress, frameId: null, readings, replies: [] };
  }

  #present(atMs: number, hourFromMs: number, hourMl: number): DecodedReading {
    const { site } = this;
    const does = this.#eventAt(atMs)?.happening.does;
    const ml = this.#ml + this.#passed(hourFromMs, atMs, hourMl);
    const measuredAtMs = this.#clock(atMs, does);
    const flow = hourMl + (this.#eventAt(atMs) === null ? 0 : this.#flowOf(atMs));
    return {
      ...emptyReading,
      measuredAtMs: timestampMs(Math.floor(measuredAtMs / 1_000) * 1_000),
      volume: site.device === "detector" ? null : this.#shown(ml, atMs, does?.do === "damage"),
      flowMlPerHour: site.hasFlow ? Math.floor(flow / 1_000) * 1_000 : null,
      pressurePa: site.hasPressure
        ? this.#pressurePa(does?.do === "pressure" ? does.kpa : 2)
        : null,
      batteryMv,
      batteryPct: does?.do === "battery" ? does.pct : 80,
      valve: does?.do === "passing" ? "closed" : "open",
      status: does?.do === "status" ? statusBits[does.status] : 0,
    };
  }

  /** What the meter's clock says, with its drift. */
  #clock(atMs: number, does: SiteEvent["happening"]["does"] | undefined): number {
    const { clockOffMs, driftMsPerDay, startMs } = this.site;
    const usualMs = atMs + clockOffMs + (driftMsPerDay * (atMs - startMs)) / dayMs;
    if (does?.do === "restart") return clockOfRestartMs + (atMs % dayMs);
    if (does?.do !== "clock") return usualMs;
    return does.aheadMs === null ? clockOfNowhereMs + (atMs % dayMs) : usualMs + does.aheadMs;
  }

  #flowOf(atMs: number): number {
    const event = this.#eventAt(atMs);
    return event === null ? 0 : extraMlPerHour(this.site, event);
  }

  #pressurePa(kpa: number): number {
    return Math.round(kpa * 1_000 + this.#rng.between(-80, 80));
  }

  /** Whole steps; one damaged frame has a digit too many. */
  #shown(trueMl: number, atMs: number, isDamaged: boolean) {
    const { quantumMl, event } = this.site;
    const does = event?.happening.does;
    const backMl = does?.do === "registerBack" && this.#hasBegun(event) ? does.litres * 1_000 : 0;
    // A fitter brings a meter that shows nothing.
    const zeroMl = atMs >= (event?.fromMs ?? 0) ? (this.#exchangedAtMl ?? 0) : 0;
    const steps = Math.floor((trueMl - zeroMl - backMl) / quantumMl);
    const spoiled = isDamaged && !this.#hasDamaged ? steps * 10 : steps;
    if (isDamaged) this.#hasDamaged = true;
    const ml = Math.max(0, spoiled) * quantumMl;
    return { ml: volumeMl(ml), count: ml / 1_000, exponent: -3 };
  }

  #hasBegun(event: SiteEvent | null): boolean {
    return event !== null && (this.#hours.at(-1)?.atMs ?? 0) >= event.fromMs;
  }

  /** Old values: the register at whole hours and at midnights, by the meter's own clock. */
  #history(): readonly DecodedReading[] {
    // The new meter knows nothing of the former one's.
    const fromMs = this.#exchangedAtMl === null ? 0 : (this.site.event?.fromMs ?? 0);
    const instants = new Map([...this.#days, ...this.#hours].map(({ atMs, ml }) => [atMs, ml]));
    const own = [...instants].filter(([atMs]) => atMs >= fromMs);
    return own.map(([atMs, ml]) => ({
      ...emptyReading,
      measuredAtMs: timestampMs(atMs),
      volume: this.#shown(ml, atMs, false),
    }));
  }
}

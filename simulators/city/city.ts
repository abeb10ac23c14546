/**
 * A city that lives faster than time: sites, weather, meters and radio, and a truth that is written down apart. The
 * same seed is the same city.
 */
import type { Telegram } from "#domain/telegram.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#domain/units.ts";
import { encodeCat1Uplink } from "#protocols/cat1/uplink.ts";
import { encodeCjt188Uplink } from "#protocols/cjt188/uplink.ts";
import { encodeJsonUplink } from "#protocols/json/protocol.ts";
import { encodeProtobufUplink } from "#protocols/protobuf/protocol.ts";
import { seededRng, type SeededRng } from "../rng.ts";
import { CityMeter, type ExchangeEntry } from "./cityMeter.ts";
import { isAsked, truthOf, type Floors, type Heard } from "./cityTruth.ts";
import { localOffsetMs, planSites, type Incidents, type Site } from "./site.ts";
import type { OutageLine, TruthLine } from "./truth.ts";

export interface CityPlan {
  readonly seed: number;
  readonly meters: number;
  readonly days: number;
  readonly incidents: Incidents;
  /** Only the meters live to which something of this kind happens, each as it would among all. */
  readonly only?: string;
}

export type FloorsOf = (site: Site) => Floors;

export interface CityHour {
  readonly fromMs: number;
  readonly arrivals: readonly Arrival[];
  readonly exchanges: readonly ExchangeEntry[];
}

/** One uplink as it arrives at the head-end. */
export interface Arrival {
  readonly meterNo: number;
  readonly protocol: Site["protocol"];
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** The tenth of November by the wall clock: the heating begins within a week. */
export const cityStartMs = Date.UTC(2026, 10, 10) - localOffsetMs;

const radio = Object.freeze({
  lostShare: 0.01,
  twiceShare: 0.003,
  delayedShare: 0.01,
  delayMsMax: 30 * minuteMs,
  usualDelayMsMax: 20 * secondMs,
  /** An area fails once in so many days. */
  outageEveryDays: 40,
  outageHoursMax: 6,
  /** What arrives later makes history: `timeLimits.lateAfterMs` of the screening. */
  newsMs: hourMs,
});

const encoders = {
  json: encodeJsonUplink,
  protobuf: encodeProtobufUplink,
  cjt188: encodeCjt188Uplink,
  cat1: encodeCat1Uplink,
} as const;

export class City {
  readonly plan: CityPlan;
  readonly sites: readonly Site[];
  readonly #meters: readonly CityMeter[];
  readonly outages: readonly OutageLine[];
  /** The radio of each meter is its own: what happens to one tells nothing of another. */
  readonly #radios: readonly SeededRng[];
  readonly #heard: readonly Heard[][];
  #pending: Arrival[] = [];

  constructor(plan: CityPlan) {
    this.plan = plan;
    const sites = planSites(plan.seed, plan.meters, cityStartMs, plan.days, plan.incidents);
    this.sites = plan.only === undefined ? sites : only(sites, plan.only);
    this.#meters = this.sites.map((site) => new CityMeter(site, plan.seed));
    this.#radios = this.sites.map(({ seed }) => seededRng(seed, 4));
    this.#heard = this.sites.map(() => []);
    this.outages = planOutages(plan, sites);
  }

  /** What arrives in each hour, in the order of arrival. */
  *hours(): Generator<CityHour> {
    const endMs = cityStartMs + this.plan.days * dayMs;
    for (let fromMs = cityStartMs; fromMs < endMs; fromMs += hourMs) {
      for (const meter of this.#meters) {
        for (const { atMs, telegram } of meter.hour(fromMs)) {
          this.#send(meter.site, atMs, telegram);
        }
      }
      const untilMs = fromMs + hourMs;
      const arrivals = this.#pending.filter(({ atMs }) => atMs < untilMs);
      this.#pending = this.#pending.filter(({ atMs }) => atMs >= untilMs);
      arrivals.sort((one, other) => one.atMs - other.atMs || one.meterNo - other.meterNo);
      const exchanges = this.#meters.flatMap((meter) => meter.exchangeIn(fromMs) ?? []);
      yield { fromMs, arrivals, exchanges };
    }
  }

  /** What really happened; the engine never sees it. `floorsOf`: what the rules declare for such a meter. */
  truth(floorsOf: FloorsOf): readonly TruthLine[] {
    return this.sites.flatMap((site, place) => {
      const { event } = site;
      return event === null ? [] : [truthOf(site, event, this.#heard[place] ?? [], floorsOf(site))];
    });
  }

  #send(site: Site, sentMs: number, telegram: Telegram): void {
    const rng = this.#radios[site.no - 1] ?? seededRng(site.seed);
    const outage = this.outages.find(
      ({ area, fromMs, untilMs }) => area === site.area && sentMs >= fromMs && sentMs < untilMs,
    );
    const { event, protocol, no } = site;
    const isFlagged = event?.happening.isFlagged === true;
    // A daily report and an alarm wait in the meter; any other value that nobody took is gone.
    const isAlarm = isFlagged && sentMs >= event.fromMs && sentMs <= event.untilMs;
    if (outage !== undefined && !isAlarm && site.habit !== "daily") return;
    if (outage === undefined && !isFlagged && !isRepeated(site) && rng.chance(radio.lostShare)) {
      return;
    }
    const delayMsMax = rng.chance(radio.delayedShare) ? radio.delayMsMax : radio.usualDelayMsMax;
    const atMs =
      outage === undefined
        ? sentMs + rng.whole(secondMs, delayMsMax)
        : outage.untilMs + rng.whole(0, 60) * minuteMs;
    const bytes = encoders[protocol](telegram);
    this.#pending.push({ meterNo: no, protocol, atMs, bytes });
    if (atMs - sentMs <= radio.newsMs && isAsked(site, sentMs)) {
      this.#heard[no - 1]?.push({ sentMs, shownMl: telegram.readings[0]?.volume?.ml ?? 0 });
    }
    if (outage !== undefined || !rng.chance(radio.twiceShare)) return;
    const againAtMs = atMs + rng.whole(1, 300) * secondMs;
    this.#pending.push({ meterNo: no, protocol, atMs: againAtMs, bytes });
  }
}

/** The session of a detector repeats what nobody acknowledged; it is fed from the mains. */
function isRepeated({ device }: Site): boolean {
  return device === "detector";
}

function only(sites: readonly Site[], kind: string): readonly Site[] {
  const living = sites.filter(({ event }) => event?.happening.kind === kind);
  return living.map((site, place) => ({ ...site, no: place + 1 }));
}

function planOutages({ seed, days }: CityPlan, sites: readonly Site[]): readonly OutageLine[] {
  const areas = [...new Set(sites.map(({ area }) => area))];
  const rng = seededRng(seed, 5);
  return areas.flatMap((area) => {
    const outages: OutageLine[] = [];
    for (let day = 1; day < days; day += 1) {
      if (!rng.chance(1 / radio.outageEveryDays)) continue;
      const fromMs = cityStartMs + day * dayMs + rng.whole(0, 1_439) * minuteMs;
      const untilMs = fromMs + rng.whole(30, radio.outageHoursMax * 60) * minuteMs;
      outages.push({ area, fromMs, untilMs });
    }
    return outages;
  });
}

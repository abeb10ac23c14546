/**
 * A city that lives faster than time: sites, weather, meters and radio, and a truth that is written down apart. The
 * same seed is the same city.
 */
import { dayMs, hourMs, minuteMs, secondMs } from "#domain/units.ts";
import { encodeJsonUplink } from "#protocols/json/protocol.ts";
import { encodeProtobufUplink } from "#protocols/protobuf/protocol.ts";
import { seededRng, type SeededRng } from "../rng.ts";
import { CityMeter, localOffsetMs, type ExchangeEntry } from "./cityMeter.ts";
import { planSites, qmaxOf, type Incidents, type Site, type SiteEvent } from "./site.ts";
import type { OutageLine, TruthLine } from "./truth.ts";

export interface CityPlan {
  readonly seed: number;
  readonly meters: number;
  readonly days: number;
  readonly incidents: Incidents;
}

/** The smallest flow that a rule declares to see, and how long it must last. */
export interface Floor {
  readonly flowMlPerHour: number;
  readonly withinMs: number;
}
type Floors = Readonly<Partial<Record<string, Floor>>>;
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
});

const encoders = { json: encodeJsonUplink, protobuf: encodeProtobufUplink } as const;

export class City {
  readonly plan: CityPlan;
  readonly sites: readonly Site[];
  readonly #meters: readonly CityMeter[];
  readonly outages: readonly OutageLine[];
  readonly #rng: SeededRng;
  #pending: Arrival[] = [];

  constructor(plan: CityPlan) {
    this.plan = plan;
    this.sites = planSites(plan.seed, plan.meters, cityStartMs, plan.days, plan.incidents);
    this.#meters = this.sites.map((site) => new CityMeter(site, plan.seed));
    this.#rng = seededRng(plan.seed, 4);
    this.outages = this.#planOutages();
  }

  /** What arrives in each hour, in the order of arrival. */
  *hours(): Generator<CityHour> {
    const endMs = cityStartMs + this.plan.days * dayMs;
    for (let fromMs = cityStartMs; fromMs < endMs; fromMs += hourMs) {
      for (const meter of this.#meters) {
        for (const { atMs, telegram } of meter.hour(fromMs)) {
          this.#send(meter.site, atMs, encoders[meter.site.protocol](telegram));
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
    return this.sites.flatMap((site) => {
      const { event } = site;
      if (event === null) return [];
      const { kind, strength, rules, isFlagged } = event.happening;
      const { fromMs, untilMs } = event;
      const isAboveFloor = isAbove(site, event, floorsOf(site));
      const earliestMs = earliestOf(site, fromMs);
      const what = { kind, strength, rules, isFlagged, isAboveFloor };
      return [{ meterId: site.id, ...what, fromMs, untilMs, earliestMs }];
    });
  }

  #send(site: Site, sentMs: number, bytes: Uint8Array): void {
    const rng = this.#rng;
    const { protocol } = site;
    const outage = this.outages.find(
      ({ area, fromMs, untilMs }) => area === site.area && sentMs >= fromMs && sentMs < untilMs,
    );
    if (outage !== undefined) {
      // A daily report waits in the meter; a present value that nobody took is gone.
      if (site.habit !== "daily") return;
      const atMs = outage.untilMs + rng.whole(0, 60) * minuteMs;
      this.#pending.push({ meterNo: site.no, protocol, atMs, bytes });
      return;
    }
    if (site.event?.happening.isFlagged !== true && rng.chance(radio.lostShare)) return;
    const isDelayed = rng.chance(radio.delayedShare);
    const atMs = sentMs + rng.whole(secondMs, isDelayed ? radio.delayMsMax : radio.usualDelayMsMax);
    this.#pending.push({ meterNo: site.no, protocol, atMs, bytes });
    if (!rng.chance(radio.twiceShare)) return;
    this.#pending.push({
      meterNo: site.no,
      protocol,
      atMs: atMs + rng.whole(1, 300) * secondMs,
      bytes,
    });
  }

  #planOutages(): readonly OutageLine[] {
    const areas = [...new Set(this.sites.map(({ area }) => area))];
    const rng = seededRng(this.plan.seed, 5);
    return areas.flatMap((area) => {
      const outages: OutageLine[] = [];
      for (let day = 1; day < this.plan.days; day += 1) {
        if (!rng.chance(1 / radio.outageEveryDays)) continue;
        const fromMs = cityStartMs + day * dayMs + rng.whole(0, 1_439) * minuteMs;
        const untilMs = fromMs + rng.whole(30, radio.outageHoursMax * 60) * minuteMs;
        outages.push({ area, fromMs, untilMs });
      }
      return outages;
    });
  }
}

/** Where what the rules presuppose holds, and one of them declares that it sees so much gas for so long. */
function isAbove(site: Site, { happening, fromMs, untilMs }: SiteEvent, floors: Floors): boolean {
  const { does, rules, isAboveFloor } = happening;
  if (does.do !== "flow" || rules.length === 0) return isAboveFloor;
  const flowMlPerHour = (does.litresPerHour ?? 0) * 1_000 + (does.qmax ?? 0) * qmaxOf(site);
  const isSeen = rules.some((rule) => {
    const floor = floors[rule];
    if (floor === undefined) return false;
    return flowMlPerHour >= floor.flowMlPerHour && untilMs - fromMs >= floor.withinMs;
  });
  return isAboveFloor && isSeen;
}

/** When a perfect observer could know: after what the rule needs, with the reports that the meter then makes. */
function earliestOf(site: Site, fromMs: number): number {
  const happening = site.event?.happening;
  if (happening === undefined || happening.isFlagged) return fromMs;
  const { offsetMs, reportEveryMs } = site;
  const readyMs = fromMs + happening.soonestMs;
  const next = Math.ceil((readyMs - offsetMs) / reportEveryMs) * reportEveryMs + offsetMs;
  return next + (happening.needsReports - 1) * reportEveryMs;
}

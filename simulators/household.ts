/** How gas is used: appliances that burn in their windows of the day, and long zeros between. */
import type { SiteClass } from "#domain/meter.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { seededRng } from "./rng.ts";
import type { SeededRng } from "./rng.ts";

/** China has one time zone and no summer time. */
const localOffsetMs = 8 * hourMs;

type Range = readonly [low: number, high: number];

interface Appliance {
  readonly name: string;
  /** Hours of the local day; each window gets its own number of burns. */
  readonly windows: readonly Range[];
  readonly burnsPerWindow: Range;
  readonly burnMinutes: Range;
  /** 1 kW is 0.0929 m³/h of natural gas: a 4 kW ring 0.37, a 24 kW boiler 2.2, a 32 kW heater 3.0. */
  readonly litresPerHour: Range;
  readonly winterOnly?: boolean;
}

const hob: Appliance = {
  name: "hob",
  windows: [
    [6, 7.5],
    [11, 12.5],
    [17, 19.5],
  ],
  burnsPerWindow: [0, 3],
  burnMinutes: [4, 35],
  litresPerHour: [200, 800],
};
const waterHeater: Appliance = {
  name: "water heater",
  windows: [
    [6, 8],
    [11.5, 13],
    [18, 23],
  ],
  burnsPerWindow: [0, 4],
  burnMinutes: [1, 12],
  litresPerHour: [1_600, 3_000],
};
const boiler: Appliance = {
  name: "heating boiler",
  windows: [
    [6, 9],
    [17, 22.5],
  ],
  burnsPerWindow: [4, 9],
  burnMinutes: [6, 15],
  litresPerHour: [900, 2_200],
  winterOnly: true,
};
const restaurantRange: Appliance = {
  name: "restaurant range",
  windows: [
    [9.5, 13.5],
    [16, 21],
  ],
  burnsPerWindow: [6, 14],
  burnMinutes: [10, 50],
  litresPerHour: [1_000, 3_500],
};
const steamer: Appliance = {
  name: "steamer",
  windows: [[5, 9]],
  burnsPerWindow: [1, 3],
  burnMinutes: [40, 100],
  litresPerHour: [1_200, 2_600],
};
const furnace: Appliance = {
  name: "furnace",
  windows: [
    [7, 12],
    [13, 18],
  ],
  burnsPerWindow: [2, 4],
  burnMinutes: [60, 180],
  litresPerHour: [3_000, 9_000],
};

const appliancesOf: Record<SiteClass, readonly Appliance[]> = {
  household: [hob, waterHeater, boiler],
  commercial: [restaurantRange, steamer],
  industry: [furnace],
  public: [boiler, restaurantRange],
};

/** From this instant on the flow is so much, until the next step. */
export interface FlowStep {
  readonly fromMs: number;
  readonly mlPerHour: number;
}

export interface SiteUse {
  readonly siteClass: SiteClass;
  readonly seed: number;
  /** Appliances together stay below nine tenths of what the meter may pass. */
  readonly qmaxMlPerHour: number;
}

const largestShareOfQmax = 0.9;
const shareWithoutBoiler = 0.6;
const firstWinterDay = { month: 11, day: 15 };
const lastWinterDay = { month: 3, day: 15 };

/**
 * The flow of one local day as steps in time order, the first at the day's start. Burns begin and end on
 * whole minutes and inside the day, so the days are independent of each other.
 */
export function flowOfDay(site: SiteUse, dayStartMs: number): readonly FlowStep[] {
  const capMlPerHour = Math.floor(site.qmaxMlPerHour * largestShareOfQmax);
  const rng = seededRng(site.seed, Math.floor((dayStartMs + localOffsetMs) / dayMs));
  const heats = site.siteClass !== "household" || hasBoiler(site.seed);
  const changes: { atMs: number; byMlPerHour: number }[] = [];
  for (const appliance of appliancesOf[site.siteClass]) {
    if (appliance.winterOnly === true && !(heats && isWinter(dayStartMs))) continue;
    for (const burn of burnsOf(appliance, rng)) {
      const mlPerHour = Math.min(burn.mlPerHour, capMlPerHour);
      const fromMs = dayStartMs + burn.fromMinute * minuteMs;
      changes.push({ atMs: fromMs, byMlPerHour: mlPerHour });
      changes.push({ atMs: fromMs + burn.minutes * minuteMs, byMlPerHour: -mlPerHour });
    }
  }
  changes.sort((a, b) => a.atMs - b.atMs);
  const steps: FlowStep[] = [{ fromMs: dayStartMs, mlPerHour: 0 }];
  let sumMlPerHour = 0;
  for (const change of changes) {
    sumMlPerHour += change.byMlPerHour;
    steps.push({ fromMs: change.atMs, mlPerHour: Math.min(sumMlPerHour, capMlPerHour) });
  }
  return steps;
}

function* burnsOf(appliance: Appliance, rng: SeededRng) {
  for (const [fromHour, toHour] of appliance.windows) {
    for (let left = rng.whole(...appliance.burnsPerWindow); left > 0; left -= 1) {
      const minutes = rng.whole(...appliance.burnMinutes);
      const latestMinute = Math.max(fromHour * 60, toHour * 60 - minutes);
      const fromMinute = rng.whole(fromHour * 60, latestMinute);
      yield { fromMinute, minutes, mlPerHour: rng.whole(...appliance.litresPerHour) * 1_000 };
    }
  }
}

function hasBoiler(seed: number): boolean {
  return !seededRng(seed, -1).chance(shareWithoutBoiler);
}

function isWinter(dayStartMs: number): boolean {
  const local = new Date(dayStartMs + localOffsetMs);
  const dayOfYear = (local.getUTCMonth() + 1) * 100 + local.getUTCDate();
  return (
    dayOfYear >= firstWinterDay.month * 100 + firstWinterDay.day ||
    dayOfYear <= lastWinterDay.month * 100 + lastWinterDay.day
  );
}

/** Start of the local day that holds the instant. */
export function dayStartOf(atMs: number): number {
  return Math.floor((atMs + localOffsetMs) / dayMs) * dayMs - localOffsetMs;
}

/**
 * The use of one site over time. Volumes come as whole (millilitres an hour) × milliseconds, so that parts add
 * up to the whole exactly however the time is cut; the register divides once (`register.ts`).
 */
export class GasUse {
  readonly #site: SiteUse;
  #dayStartMs = Number.NaN;
  #steps: readonly FlowStep[] = [];

  constructor(site: SiteUse) {
    this.#site = site;
  }

  flowAt(atMs: number): number {
    const steps = this.#stepsOf(dayStartOf(atMs));
    return steps.findLast((step) => step.fromMs <= atMs)?.mlPerHour ?? 0;
  }

  /** What passes between the two instants, in ml/h × ms. */
  between(fromMs: number, toMs: number): number {
    let sum = 0;
    for (let day = dayStartOf(fromMs); day < toMs; day += dayMs) {
      const steps = this.#stepsOf(day);
      for (const [position, step] of steps.entries()) {
        if (step.mlPerHour === 0) continue;
        const untilMs = steps[position + 1]?.fromMs ?? day + dayMs;
        const ms = Math.min(untilMs, toMs) - Math.max(step.fromMs, fromMs);
        if (ms > 0) sum += step.mlPerHour * ms;
      }
    }
    return sum;
  }

  /** One day is kept: meters ask in time order. */
  #stepsOf(dayStartMs: number): readonly FlowStep[] {
    if (dayStartMs !== this.#dayStartMs) {
      this.#steps = flowOfDay(this.#site, dayStartMs);
      this.#dayStartMs = dayStartMs;
    }
    return this.#steps;
  }
}

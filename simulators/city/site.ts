/** The sites of the city: what meter each has, what burns there, how the meter reports, and what happens to it. */
import type { MeterKind, MeterSize, SiteClass } from "#domain/meter.ts";
import { meterSizes } from "#domain/meter.ts";
import type { StatusName } from "#domain/status.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { seededRng, type SeededRng } from "../rng.ts";
import { catalogue, type Effect, type Happening } from "./catalogue.ts";

/** `daily`: once a day with 24 hourly and 5 daily old values; the others send the present value alone. */
export type Habit = "daily" | "hourly" | "often";

export type CityProtocol = "json" | "protobuf" | "cjt188" | "cat1";

/** `dense`: every row of the catalogue often enough to be measured; `usual`: as often as the catalogue assumes. */
export const incidentPlans = ["dense", "usual"] as const;
export type Incidents = (typeof incidentPlans)[number];
const daysAYear = 365.25;

export interface SiteEvent {
  readonly happening: Happening;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Site {
  readonly no: number;
  readonly id: string;
  readonly size: MeterSize;
  readonly quantumMl: number;
  readonly siteClass: SiteClass;
  readonly area: string;
  readonly habit: Habit;
  readonly reportEveryMs: number;
  /** When in its period the meter reports: drawn, so that they are spread. */
  readonly offsetMs: number;
  readonly clockOffMs: number;
  /** So much later its clock is every day. */
  readonly driftMsPerDay: number;
  readonly protocol: CityProtocol;
  /** In the frames of protocols that name the meter; null: its session does. */
  readonly frameAddress: string | null;
  readonly device: MeterKind;
  readonly hasPressure: boolean;
  readonly hasFlow: boolean;
  readonly hasBoiler: boolean;
  /** A pilot light that a fitter has registered; 0: none. */
  readonly pilotMlPerHour: number;
  readonly isBakery: boolean;
  /** It shuts its valve when nobody took its reports for so long; null: it does not. */
  readonly selfClosesAfterDays: number | null;
  /** Days of the calendar. */
  readonly verificationDueOn: string | null;
  readonly retirementDueOn: string | null;
  readonly startMs: number;
  readonly startMl: number;
  readonly seed: number;
  readonly event: SiteEvent | null;
}

/** China has one time zone and no summer time. */
export const localOffsetMs = 8 * hourMs;
/** What one cell of the radio network serves, and so fails at once: our assumption. */
export const metersPerArea = 1_000;
const usualPilotMlPerHour = 15_000;
const periodMs: Readonly<Record<Habit, number>> = {
  daily: dayMs,
  hourly: hourMs,
  often: 15 * minuteMs,
};

/** Row numbers begin at 1, as in a registry that knows nothing yet. */
export function planSites(
  seed: number,
  count: number,
  startMs: number,
  days: number,
  incidents: Incidents = "dense",
): readonly Site[] {
  const events = planEvents(seed, { count, days, incidents }, startMs);
  return Array.from({ length: count }, (_, place) => {
    const rng = seededRng(seed, 1, place);
    return siteOf(seed, { place, startMs }, rng, events.get(place) ?? null);
  });
}

function siteOf(
  seed: number,
  { place, startMs }: { place: number; startMs: number },
  rng: SeededRng,
  planned: SiteEvent | null,
): Site {
  const happening = planned?.happening;
  const siteClass = happening?.siteClass ?? classOf(rng);
  const eyes = happening?.eyes ?? "any";
  const habit = eyes === "any" ? habitOf(rng) : eyes === "often" ? "often" : "hourly";
  const does = happening?.does;
  return {
    no: place + 1,
    id: `C${String(place + 1).padStart(7, "0")}`,
    size: sizeOf(siteClass, rng),
    quantumMl: quantumOf(siteClass, rng),
    siteClass,
    area: `area-${Math.floor(place / metersPerArea)}`,
    habit,
    reportEveryMs: periodMs[habit],
    offsetMs: Math.floor(rng.next() * periodMs[habit]),
    clockOffMs: rng.whole(-90_000, 60_000),
    driftMsPerDay: rng.whole(-2_000, 2_000),
    ...wireOf(place, habit, happening, rng),
    device: happening?.device ?? "meter",
    hasPressure: eyes === "pressure" || rng.chance(0.3),
    hasFlow: eyes === "often" || rng.chance(0.3),
    hasBoiler: happening?.heats ?? (does?.do !== "newBoiler" && rng.chance(0.35)),
    pilotMlPerHour: planned === null && rng.chance(0.05) ? usualPilotMlPerHour : pilotOf(does),
    isBakery: siteClass === "commercial" && (does?.do === "bakery" || rng.chance(0.2)),
    selfClosesAfterDays: does?.do === "silence" ? (does.selfClosesAfterDays ?? null) : null,
    ...datesOf(planned),
    startMs,
    startMl: rng.whole(100_000_000, 3_000_000_000),
    seed: seed * 1_000_003 + place,
    event: planned,
  };
}

/** Bits that their frames have a place for, as far as nobody has written a profile. */
const bitsOf: Readonly<Record<"cjt188" | "cat1", readonly StatusName[]>> = {
  cjt188: ["leak", "external_alarm", "over_flow", "micro_flow", "magnet", "valve_passing"],
  cat1: ["magnet"],
};

/** Frames carry present values alone, and neither a share of the battery nor pressure in pascals. */
function wireOf(
  place: number,
  habit: Habit,
  happening: Happening | undefined,
  rng: SeededRng,
): Pick<Site, "protocol" | "frameAddress"> {
  const share = rng.next();
  const framed = share < 0.25 ? "cjt188" : share < 0.4 ? "cat1" : null;
  const does = happening?.does;
  const isSaid =
    does === undefined ||
    framedEffects.includes(does.do) ||
    (does.do === "status" && framed !== null && bitsOf[framed].includes(does.status));
  const isPlain = happening?.device !== "detector" && happening?.eyes !== "often";
  if (framed === null || habit === "daily" || !isSaid || !isPlain) {
    return { protocol: rng.chance(0.4) ? "protobuf" : "json", frameAddress: null };
  }
  return { protocol: framed, frameAddress: String(framedFrom + place) };
}

const framedFrom = 33_000_000_000_000;
const framedEffects: readonly Effect["do"][] = [
  ...(["flow", "passing", "registerBack", "silence", "more", "newBoiler"] as const),
  ...(["nobodyHome", "exchange", "bakery", "pilot"] as const),
];

/** A date so many days after the reminder of it; most meters have theirs far away. */
function datesOf(planned: SiteEvent | null): Pick<Site, "verificationDueOn" | "retirementDueOn"> {
  const none = { verificationDueOn: null, retirementDueOn: null };
  if (planned?.happening.does.do !== "due") return none;
  const { what, inDays } = planned.happening.does;
  const localMs = planned.fromMs + localOffsetMs + inDays * dayMs;
  return { ...none, [what]: new Date(localMs).toISOString().slice(0, 10) };
}

/** An appliance with a pilot light is registered by who fits it. */
function pilotOf(does: Effect | undefined): number {
  return does?.do === "pilot" ? does.litresPerHour * 1_000 : 0;
}

function classOf(rng: SeededRng): SiteClass {
  const share = rng.next();
  if (share < 0.92) return "household";
  return share < 0.975 ? "commercial" : share < 0.99 ? "industry" : "public";
}

function sizeOf(siteClass: SiteClass, rng: SeededRng): MeterSize {
  if (siteClass === "household") return rng.pick(["G1.6", "G2.5", "G2.5", "G4", "G4"]);
  return siteClass === "commercial" ? rng.pick(["G6", "G10"]) : rng.pick(["G16", "G25"]);
}

/** Electronic registers count litres, wheels with a magnet ten or a hundred. */
function quantumOf(siteClass: SiteClass, rng: SeededRng): number {
  if (siteClass !== "household") return rng.pick([10_000, 100_000]);
  return rng.pick([1_000, 1_000, 10_000]);
}

function habitOf(rng: SeededRng): Habit {
  const share = rng.next();
  return share < 0.65 ? "daily" : share < 0.97 ? "hourly" : "often";
}

interface EventPlan {
  readonly count: number;
  readonly days: number;
  readonly incidents: Incidents;
}

/** How often a row happens: dense enough to be measured, or as often as the catalogue assumes. */
function timesOf(happening: Happening, { count, days, incidents }: EventPlan, rng: SeededRng) {
  const { yearly, isListed, needsMs } = happening;
  // A list that fills after a month says nothing of a fortnight.
  if (isListed && needsMs + marginMs > days * dayMs) return 0;
  if (incidents === "dense") return Math.max(1, Math.floor(count / 500));
  const expected = (yearly * count * days) / (1e6 * daysAYear);
  return Math.floor(expected) + (rng.chance(expected % 1) ? 1 : 0);
}

/** To sites of their own. */
function planEvents(
  seed: number,
  plan: EventPlan,
  startMs: number,
): ReadonlyMap<number, SiteEvent> {
  const { count, days } = plan;
  const rng = seededRng(seed, 2);
  const events = new Map<number, SiteEvent>();
  for (const happening of catalogue) {
    for (let left = timesOf(happening, plan, rng); left > 0; left -= 1) {
      if (events.size * 2 >= count) return events;
      let place = rng.whole(0, count - 1);
      while (events.has(place)) place = (place + 1) % count;
      events.set(place, eventOf(happening, rng, startMs, days));
    }
  }
  return events;
}

const marginMs = 4 * dayMs;

/** A day of peace first, and after it as much time as the rule needs, and two days more. */
function eventOf(happening: Happening, rng: SeededRng, startMs: number, days: number): SiteEvent {
  const endMs = startMs + days * dayMs;
  const latestMs = endMs - happening.needsMs - (happening.lastsMs ?? dayMs) - 2 * dayMs;
  const firstMs = startMs + dayMs;
  const drawnMs = rng.whole(firstMs, Math.max(firstMs, latestMs));
  // The calendar turns at midnight, as the city's start does.
  const sinceStartMs = drawnMs - startMs;
  const fromMs =
    happening.does.do === "due" ? startMs + sinceStartMs - (sinceStartMs % dayMs) : drawnMs;
  const untilMs = happening.lastsMs === null ? endMs : fromMs + happening.lastsMs;
  return { happening, fromMs, untilMs };
}

/** Largest flow of the site's meter. */
export function qmaxOf(site: Site): number {
  return meterSizes[site.size].qmaxMlPerHour;
}

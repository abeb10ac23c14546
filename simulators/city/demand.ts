/**
 * What a site draws, hour by hour. Appliances burn in their hours and pause between them; a boiler follows the weather
 * in cycles, so that no two hours are alike; at night a house sleeps. 1 kW is 0.0929 m³/h.
 */
import { dayMs, hourMs } from "#domain/units.ts";
import { seededRng, type SeededRng } from "../rng.ts";
import { qmaxOf, type Site } from "./site.ts";
import { outdoorC } from "./weather.ts";

const hours = 24;
const heatsBelowC = 14;
const indoorC = 20;
/** A flat of 90 m²: about 0.25 kW for each degree. */
const litresPerHourPerDegree = 24;
/** 12 kW, the least of a modulating boiler, for eight minutes. */
const leastBurnLitres = 150;

/** Millilitres in each hour of one local day. */
export function demandOfDay(site: Site, citySeed: number, dayStartMs: number): number[] {
  const rng = seededRng(site.seed, Math.floor(dayStartMs / dayMs));
  const event = site.event;
  const isLit = event === null || dayStartMs >= event.fromMs;
  const pilotLitres = isLit ? site.pilotMlPerHour / 1_000 : 0;
  const litres = Array.from({ length: hours }, () => pilotLitres);
  const isAway = event?.happening.does.do === "nobodyHome" && overlaps(event, dayStartMs);
  const isHoliday = onHoliday(dayStartMs);
  const isHome = !isAway && !(isHoliday && rng.chance(holidaysAwayShare));
  const bakes = site.isBakery && (event?.happening.does.do !== "bakery" || isLit);
  const hasNewBoiler = event?.happening.does.do === "newBoiler" && dayStartMs >= event.fromMs;
  if (site.siteClass === "household") {
    if (isHome) {
      cook(litres, rng);
      if (site.hasBoiler || hasNewBoiler) heat(litres, rng, citySeed, dayStartMs, 1);
    }
  } else if (site.siteClass === "commercial") {
    if (bakes) bake(litres, rng, dayStartMs);
    else serveGuests(litres, rng);
  } else if (site.siteClass === "public") {
    heat(litres, rng, citySeed, dayStartMs, 12);
    serveGuests(litres, rng);
  } else {
    if (!isHoliday) work(litres, rng, dayStartMs, qmaxOf(site) / 1_000);
  }
  const most = 0.85 * qmaxOf(site);
  return litres.map((volume) => Math.min(most, Math.round(volume * 1_000)));
}

/** National Day, New Year, and the Spring Festival of 2027: works rest, and some are not at home. */
const holidays = [
  [Date.UTC(2026, 9, 1), Date.UTC(2026, 9, 8)],
  [Date.UTC(2027, 0, 1), Date.UTC(2027, 0, 4)],
  [Date.UTC(2027, 1, 5), Date.UTC(2027, 1, 13)],
] as const;
const holidaysAwayShare = 0.15;

function onHoliday(dayStartMs: number): boolean {
  return holidays.some(([from, until]) => dayStartMs >= from && dayStartMs < until);
}

function overlaps({ fromMs, untilMs }: { fromMs: number; untilMs: number }, dayStartMs: number) {
  return dayStartMs < untilMs && dayStartMs + dayMs > fromMs;
}

function add(litres: number[], hour: number, volume: number): void {
  const at = Math.min(hours - 1, Math.max(0, hour));
  litres[at] = (litres[at] ?? 0) + volume;
}

/** Hob and water heater: three meals, showers in the morning and the evening, most days. */
function cook(litres: number[], rng: SeededRng): void {
  for (const [from, to] of [
    [6, 8],
    [11, 13],
    [17, 20],
  ] as const) {
    if (rng.chance(0.2)) continue;
    add(litres, rng.whole(from, to), rng.between(0.1, 0.6) * rng.between(200, 800));
  }
  const showers = rng.whole(0, 4);
  for (let left = showers; left > 0; left -= 1) {
    const hour = rng.chance(0.3) ? rng.whole(6, 8) : rng.whole(18, 23);
    add(litres, hour, rng.between(0.05, 0.25) * rng.between(1_600, 2_800));
  }
  // Somebody puts the kettle on at night.
  if (rng.chance(0.05)) add(litres, rng.whole(0, 5), rng.between(10, 40));
}

/**
 * The burner makes up for what is missing in burns of a quarter of an hour at least: little is wanted, and hours pass
 * without one; much, and it burns in every hour, but never twice alike.
 */
function heat(
  litres: number[],
  rng: SeededRng,
  citySeed: number,
  dayStartMs: number,
  flats: number,
): void {
  let missing = rng.between(0, leastBurnLitres * flats);
  for (let hour = 0; hour < hours; hour += 1) {
    const outdoor = outdoorC(citySeed, dayStartMs + hour * hourMs);
    if (outdoor >= heatsBelowC) continue;
    const isNight = hour < 6 || hour >= 23;
    const wanted = (indoorC - (isNight ? 3 : 0) - outdoor) * litresPerHourPerDegree * flats;
    missing += Math.max(0, wanted) * rng.between(0.75, 1.25);
    let burntLitres = 0;
    // How long one burn lasts depends on the water in the pipes as well.
    while (missing >= leastBurnLitres * flats) {
      const burn = leastBurnLitres * flats * rng.between(0.85, 1.15);
      burntLitres += burn;
      missing -= burn;
    }
    add(litres, hour, burntLitres);
  }
}

function serveGuests(litres: number[], rng: SeededRng): void {
  for (let hour = 9; hour <= 21; hour += 1) {
    const isMeal = (hour >= 11 && hour <= 13) || hour >= 17;
    add(litres, hour, rng.between(300, 900) * (isMeal ? 2.5 : 1));
  }
}

/** Ovens from midnight to seven, six nights a week, at nearly one flow. */
function bake(litres: number[], rng: SeededRng, dayStartMs: number): void {
  if (Math.floor(dayStartMs / dayMs) % 7 === 3) return;
  for (let hour = 0; hour < 7; hour += 1) add(litres, hour, 1_800 * rng.between(0.97, 1.03));
}

/** Two shifts on working days, the furnace at its rate. */
function work(litres: number[], rng: SeededRng, dayStartMs: number, qmaxLitres: number): void {
  if (Math.floor(dayStartMs / dayMs) % 7 >= 5) return;
  for (let hour = 6; hour < 22; hour += 1) {
    add(litres, hour, qmaxLitres * (hour === 14 ? 0.2 : rng.between(0.5, 0.6)));
  }
}

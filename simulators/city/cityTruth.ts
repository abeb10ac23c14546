/**
 * The truth about one site: what happened, and what of it could be known. Behind a dead network nobody sees what is
 * over before it wakes, and between two reports nobody sees what has gone again.
 */
import { dayMs } from "#domain/units.ts";
import { qmaxOf, type Site, type SiteEvent } from "./site.ts";
import type { TruthLine } from "./truth.ts";

/** The smallest flow that a rule declares to see, and how long it must last. */
export interface Floor {
  readonly flowMlPerHour: number;
  readonly withinMs: number;
}
export type Floors = Readonly<Partial<Record<string, Floor>>>;

/** A present value that arrived while it was news. */
export interface Heard {
  readonly sentMs: number;
  readonly shownMl: number;
}

/** Reports are kept from so many periods before an incident until so long after its beginning. */
const periodsBefore = 3;
const keptMs = 5 * dayMs;

/** Whether a report belongs to what the truth will ask for. */
export function isAsked({ event, reportEveryMs }: Site, sentMs: number): boolean {
  if (event === null) return false;
  const sinceMs = sentMs - event.fromMs;
  return sinceMs >= -periodsBefore * reportEveryMs && sinceMs < keptMs;
}

/** Gas that passes besides the usual while it lasts. */
export function extraMlPerHour(site: Site, { happening: { does } }: SiteEvent): number {
  if (does.do === "passing") return does.litresPerHour * 1_000;
  if (does.do !== "flow") return 0;
  const qmax = qmaxOf(site);
  const mlPerHour = (does.litresPerHour ?? 0) * 1_000 + (does.qmax ?? 0) * qmax;
  return Math.min(mlPerHour, (does.qmaxMax ?? Infinity) * qmax);
}

/** `floors`: what the rules declare for such a meter. */
export function truthOf(
  site: Site,
  event: SiteEvent,
  heard: readonly Heard[],
  floors: Floors,
): TruthLine {
  const { kind, strength, rules, isFlagged, isListed, yearly } = event.happening;
  const isLearned = event.fromMs - site.startMs >= event.happening.learnsMs;
  const { fromMs, untilMs } = event;
  return {
    ...{ meterId: site.id, area: site.area, kind, strength, rules, fromMs, untilMs },
    ...{ isFlagged, isListed, yearly },
    isAboveFloor: event.happening.isAboveFloor && isLearned && isLargeEnough(site, event, floors),
    isHeard: isHeard(site, event, heard, floors),
    earliestMs: earliestOf(site, event),
  };
}

/** Whether one of the rules declares that it sees so much gas for so long. */
function isLargeEnough(site: Site, event: SiteEvent, floors: Floors): boolean {
  const { does, rules } = event.happening;
  if (does.do !== "flow" || rules.length === 0) return true;
  return rules.some((rule) => {
    const floor = floors[rule];
    return floor !== undefined && isAtLeast(site, event, floor);
  });
}

function isAtLeast(site: Site, event: SiteEvent, floor: Floor): boolean {
  const lastsMs = event.untilMs - event.fromMs;
  return extraMlPerHour(site, event) >= floor.flowMlPerHour && lastsMs >= floor.withinMs;
}

function isHeard(site: Site, event: SiteEvent, heard: readonly Heard[], floors: Floors): boolean {
  const { does, rules, isFlagged, needsReports } = event.happening;
  const { fromMs, untilMs } = event;
  if (rules.length === 0) return true;
  const meanwhile = heard.filter(({ sentMs }) => sentMs >= fromMs && sentMs < untilMs);
  if (isFlagged) return meanwhile.length > 0;
  if (does.do === "pressure" || does.do === "clock") return meanwhile.length >= needsReports;
  if (does.do === "registerBack") return staysLower(event, heard);
  if (does.do !== "flow") return true;
  // What is below every floor is not hidden by the radio.
  const seeing = rules.flatMap((rule) => {
    const floor = floors[rule];
    return floor !== undefined && isAtLeast(site, event, floor) ? [floor] : [];
  });
  return seeing.length === 0 || seeing.some((floor) => isShown(site, event, heard, floor));
}

/**
 * A large flow shows as the mean between two reports that were heard; what lasts longer than they lie apart has been
 * asked for its length.
 */
function isShown(
  site: Site,
  event: SiteEvent,
  heard: readonly Heard[],
  { flowMlPerHour, withinMs }: Floor,
): boolean {
  if (withinMs > site.reportEveryMs) return true;
  const extra = extraMlPerHour(site, event);
  return heard.some(({ sentMs }, place) => {
    const nextMs = heard[place + 1]?.sentMs ?? sentMs;
    const overlapMs = Math.min(event.untilMs, nextMs) - Math.max(event.fromMs, sentMs);
    return overlapMs > 0 && (extra * overlapMs) / (nextMs - sentMs) >= flowMlPerHour;
  });
}

/** R8 wants lower values in a row; a register that has passed its old value again shows none. */
function staysLower({ fromMs, happening }: SiteEvent, heard: readonly Heard[]): boolean {
  const before = heard.findLast(({ sentMs }) => sentMs < fromMs);
  if (before === undefined) return true;
  let highestMl = before.shownMl;
  let lower = 0;
  for (const { sentMs, shownMl } of heard) {
    if (sentMs < fromMs) continue;
    lower = shownMl < highestMl ? lower + 1 : 0;
    if (lower >= happening.needsReports) return true;
    highestMl = Math.max(highestMl, shownMl);
  }
  return false;
}

/** When a perfect observer could know: after what the rule needs, with the reports that the meter then makes. */
function earliestOf({ offsetMs, reportEveryMs }: Site, { happening, fromMs }: SiteEvent): number {
  const readyMs = fromMs + happening.soonestMs;
  // What the calendar or our own clock tells waits for no report.
  if (happening.isFlagged || happening.needsReports === 0) return readyMs;
  const next = Math.ceil((readyMs - offsetMs) / reportEveryMs) * reportEveryMs + offsetMs;
  return next + (happening.needsReports - 1) * reportEveryMs;
}

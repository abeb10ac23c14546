/** Compares what was told with what happened: found, missed, invented, and how late. Pure; knows only the two files. */
import { dayMs, hourMs } from "#domain/units.ts";
import type { CityPlan } from "./city.ts";
import { metersPerArea } from "./site.ts";
import type { AlarmLine, OutageLine, TruthLine } from "./truth.ts";

/** After an incident's end its alarm may still come, with the next daily report. */
const afterMs = 2 * dayMs;

export interface KindScore {
  readonly kind: string;
  readonly strength: string;
  readonly isFlagged: boolean;
  readonly isListed: boolean;
  readonly isAboveFloor: boolean;
  readonly isHeard: boolean;
  readonly happened: number;
  /** An alarm rang; what belongs on a work list stands there. */
  readonly rang: number;
  /** Only late data told it: on record, and nobody was called. */
  readonly recorded: number;
  readonly missed: number;
  /** From the earliest instant at which anybody could know. */
  readonly delayMsMedian: number | null;
}

export interface LookAlikeScore {
  readonly kind: string;
  readonly strength: string;
  readonly happened: number;
  /** Alarms of priority 1 and 2 on these meters. */
  readonly invented: number;
}

/** Areas that nobody heard, and what the outage rule told of them. */
export interface OutageScore {
  readonly areaDays: number;
  /** Long enough that meters that report every hour missed two reports. */
  readonly happened: number;
  readonly told: number;
  /** Too short for the rule. */
  readonly shorter: number;
  readonly invented: number;
}

export interface Score {
  readonly meterDays: number;
  readonly outages: OutageScore;
  readonly kinds: readonly KindScore[];
  readonly lookAlikes: readonly LookAlikeScore[];
  /** Alarms of priority 1 and 2 on meters to which nothing happened, by rule. */
  readonly inventedByRule: Readonly<Record<string, number>>;
  /** Each time that an operator heard something: by priority, and by rule. */
  readonly rangByPriority: Readonly<Record<number, number>>;
  readonly rangByRule: Readonly<Record<string, number>>;
  /** Of it what is the system's own: one system, however many meters. */
  readonly rangOfSystem: number;
  /** What would ring in a day of a million meters if each row happened as often as the catalogue assumes. */
  readonly usualRingsADay: number;
  readonly listed: number;
  /** On work lists of meters without an incident. */
  readonly listedByRule: Readonly<Record<string, number>>;
  /** Of what rang: on meters to which nothing happened, and of the system. */
  readonly rangWithoutIncident: number;
}

export function scoreCity(
  truth: readonly TruthLine[],
  alarms: readonly AlarmLine[],
  outages: readonly OutageLine[],
  { meters, days }: Pick<CityPlan, "meters" | "days">,
): Score {
  const byMeter = Map.groupBy(alarms, ({ meterId }) => meterId ?? "");
  const truthByMeter = new Map(truth.map((line) => [line.meterId, line]));
  const ringing = alarms.filter(({ rang }) => rang);
  // The outages of the city are no meter's; they are counted among what rang.
  const ofMeters = ringing.filter(({ meterId }) => meterId !== null);
  const invented = ofMeters.filter(
    ({ priority, meterId, rule, rangAtMs }) =>
      priority <= 2 &&
      !rangAtMs.every((atMs) => isExplained(truthByMeter.get(meterId ?? ""), rule, atMs, outages)),
  );
  const isNobodys = ({ meterId }: AlarmLine): boolean => !truthByMeter.has(meterId ?? "");
  const listed = alarms.filter((alarm) => alarm.listed);
  const isCalm = ({ meterId }: AlarmLine): boolean =>
    (truthByMeter.get(meterId ?? "")?.rules ?? []).length === 0;
  const heard = ringing.flatMap((alarm) => alarm.rangAtMs.map(() => alarm));
  return {
    meterDays: meters * days,
    outages: outageScore(outages, ringing, Math.ceil(meters / metersPerArea) * days),
    kinds: groups(truth.filter(({ rules }) => rules.length > 0)).map((lines) =>
      kindScore(lines, byMeter),
    ),
    lookAlikes: groups(truth.filter(({ rules }) => rules.length === 0)).map((lines) => ({
      ...nameOf(lines),
      happened: lines.length,
      invented: invented.filter(({ meterId }) => lines.some((line) => line.meterId === meterId))
        .length,
    })),
    inventedByRule: countBy(invented.filter(isNobodys), ({ rule }) => rule),
    rangByPriority: countBy(heard, ({ priority }) => String(priority)),
    rangByRule: countBy(heard, ({ rule }) => rule),
    rangOfSystem: heard.filter(isSystems).length,
    usualRingsADay: usualRingsADay(truth, heard, { meters, days }),
    listed: listed.length,
    listedByRule: countBy(listed.filter(isCalm), ({ rule }) => rule),
    rangWithoutIncident: heard.filter((alarm) => isNobodys(alarm) && !isSystems(alarm)).length,
  };
}

/** An outage is an area's; everything else without a meter is about the system itself. */
function isSystems({ meterId, subject }: AlarmLine): boolean {
  return meterId === null && subject === null;
}

const millionMeters = 1_000_000;
const daysAYear = 365.25;

/**
 * Each row weighs as much as it happens, so a dense city says it with far less chance in it than a usual one, in which
 * most rows do not happen at all.
 */
function usualRingsADay(
  truth: readonly TruthLine[],
  heard: readonly AlarmLine[],
  { meters, days }: Pick<CityPlan, "meters" | "days">,
): number {
  const timesOf = countBy(heard, ({ meterId }) => meterId ?? "");
  const rows = Map.groupBy(truth, ({ kind, strength }) => `${kind}\n${strength}`);
  const ofRows = [...rows.values()].map((lines) => {
    const rings = lines.reduce((sum, { meterId }) => sum + (timesOf[meterId] ?? 0), 0);
    return ((lines[0]?.yearly ?? 0) / daysAYear) * (rings / lines.length);
  });
  const happened = new Set(truth.map(({ meterId }) => meterId));
  const ofCalm = heard.filter(({ meterId }) => meterId !== null && !happened.has(meterId));
  const ofAreas = heard.filter((alarm) => alarm.meterId === null && !isSystems(alarm));
  const ofSystem = heard.filter(isSystems);
  const calmMeters = Math.max(1, meters - happened.size);
  return (
    ofRows.reduce((sum, rings) => sum + rings, 0) +
    (ofCalm.length / (calmMeters * days) + ofAreas.length / (meters * days)) * millionMeters +
    ofSystem.length / days
  );
}

/** Two reports of an hourly meter and what R12 waits beside them. */
const outageSeenMs = 3 * hourMs;

function outageScore(
  outages: readonly OutageLine[],
  ringing: readonly AlarmLine[],
  areaDays: number,
): OutageScore {
  const told = ringing.filter(({ rule }) => rule === "OUTAGE");
  const isOf = (line: OutageLine, atMs: number): boolean =>
    atMs >= line.fromMs && atMs <= line.untilMs + hourMs;
  const isTold = (line: OutageLine): boolean =>
    told.some(({ subject, rangAtMs }) => {
      return subject === `area ${line.area}` && rangAtMs.some((atMs) => isOf(line, atMs));
    });
  const long = outages.filter(({ fromMs, untilMs }) => untilMs - fromMs >= outageSeenMs);
  const invented = told.flatMap(({ subject, rangAtMs }) => {
    const own = outages.filter(({ area }) => subject === `area ${area}`);
    return rangAtMs.filter((atMs) => !own.some((line) => isOf(line, atMs)));
  });
  return {
    areaDays,
    happened: long.length,
    told: long.filter(isTold).length,
    shorter: outages.length - long.length,
    invented: invented.length,
  };
}

/**
 * A real incident explains what its meter tells afterwards; a look-alike explains nothing. A detector that its area's
 * network has silenced is silent.
 */
function isExplained(
  line: TruthLine | undefined,
  rule: string,
  rangAtMs: number,
  outages: readonly OutageLine[],
): boolean {
  if (line === undefined) return false;
  if (line.rules.length > 0 && rangAtMs >= line.fromMs) return true;
  return (
    rule === "R18" &&
    outages.some(({ area, fromMs, untilMs }) => {
      return area === line.area && rangAtMs >= fromMs && rangAtMs <= untilMs + hourMs;
    })
  );
}

/** Of one kind and strength, and alike in what could be known of them. */
function groups(lines: readonly TruthLine[]): readonly (readonly TruthLine[])[] {
  const key = ({ kind, strength, isAboveFloor, isHeard }: TruthLine): string =>
    [kind, strength, isAboveFloor, isHeard].join("\n");
  return [...Map.groupBy(lines, key).values()];
}

function nameOf(lines: readonly TruthLine[]): { kind: string; strength: string } {
  const [first] = lines;
  return { kind: first?.kind ?? "", strength: first?.strength ?? "" };
}

function kindScore(
  lines: readonly TruthLine[],
  byMeter: ReadonlyMap<string, readonly AlarmLine[]>,
): KindScore {
  const delaysMs: number[] = [];
  let recorded = 0;
  for (const line of lines) {
    const own = (byMeter.get(line.meterId) ?? []).filter((alarm) => isAbout(line, alarm));
    const toldAtMs = own.flatMap((alarm) => toldAtMsOf(line, alarm));
    if (toldAtMs.length > 0) {
      delaysMs.push(Math.min(...toldAtMs) - line.earliestMs);
    } else if (own.some((alarm) => isKnownInTime(line, alarm))) {
      recorded += 1;
    }
  }
  const [first] = lines;
  return {
    ...nameOf(lines),
    isFlagged: first?.isFlagged ?? false,
    isListed: first?.isListed ?? false,
    isHeard: first?.isHeard ?? true,
    isAboveFloor: first?.isAboveFloor ?? false,
    happened: lines.length,
    rang: delaysMs.length,
    recorded,
    missed: lines.length - delaysMs.length - recorded,
    delayMsMedian: median(delaysMs),
  };
}

function isAbout({ rules, isListed }: TruthLine, { rule, listed }: AlarmLine): boolean {
  return rules.includes(rule) && listed === isListed;
}

function isKnownInTime({ fromMs, untilMs }: TruthLine, { knownAtMs, raisedAtMs }: AlarmLine) {
  return knownAtMs >= fromMs && raisedAtMs <= untilMs + afterMs;
}

/** An alarm that nobody has acknowledged rings anew as itself: what counts is when it rang. */
function toldAtMsOf(line: TruthLine, alarm: AlarmLine): readonly number[] {
  if (line.isListed) return isKnownInTime(line, alarm) ? [alarm.knownAtMs] : [];
  const lastMs = alarm.rangAtMs.at(-1) ?? Infinity;
  // What a dead network raised stands for the device that died behind it.
  if (alarm.rule === "R18" && alarm.stands && lastMs < line.fromMs) return [line.fromMs];
  return alarm.rangAtMs.filter((atMs) => atMs >= line.fromMs && atMs <= line.untilMs + afterMs);
}

function countBy<Item>(
  items: readonly Item[],
  key: (item: Item) => string,
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

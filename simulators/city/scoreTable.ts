/** A score as tables for people. */
import { hourMs } from "#domain/units.ts";
import type { Happening } from "./catalogue.ts";
import type { CityPlan } from "./city.ts";
import type { KindScore, OutageScore, Score } from "./score.ts";

const perMeterDays = 100_000;
const controlRoomMeters = 1_000_000;
/** What one operator can attend to in a day: EEMUA 191, six an hour. */
const ringsADayMax = 144;

/** The score in Markdown. */
export function scoreTable(score: Score, plan: CityPlan): string {
  const kinds = score.kinds.map((one) => [
    one.kind,
    one.strength,
    wayOf(one),
    one.happened,
    one.rang,
    one.recorded,
    one.missed,
    one.delayMsMedian === null ? "" : `${(one.delayMsMedian / hourMs).toFixed(2)} h`,
  ]);
  const looks = score.lookAlikes.map((one) => [one.kind, one.strength, one.happened, one.invented]);
  const inventedCount =
    Object.values(score.inventedByRule).reduce(sum, 0) +
    score.lookAlikes.reduce((count, { invented }) => count + invented, 0);
  const rang = Object.values(score.rangByPriority).reduce(sum, 0);
  const kindsBy = (way: ReturnType<typeof wayOf>) =>
    score.kinds.filter((kind) => wayOf(kind) === way);
  const systemADay = score.rangOfSystem / plan.days;
  const ofMetersADay = ((rang - score.rangOfSystem) / score.meterDays) * controlRoomMeters;
  const aDay = ofMetersADay + systemADay;
  const usualADay = plan.incidents === "usual" ? aDay : score.usualRingsADay;
  const rows: readonly (readonly (string | number)[])[] = [
    [
      "meters, days, seed, incidents",
      `${plan.meters}, ${plan.days}, ${plan.seed}, ${plan.incidents}`,
    ],
    ["meter-days", score.meterDays],
    ["told by the meter's bit: happened, missed", found(kindsBy("the meter's bit"))],
    ["told by values above the declared floor: happened, missed", found(kindsBy("values"))],
    ["told by a work list: happened, missed", found(kindsBy("work list"))],
    ["in no report in time: happened, not told", found(kindsBy("in no report in time"))],
    [
      "priority 1 and 2 without a cause, per 100,000 meter-days",
      rate(inventedCount, score, perMeterDays),
    ],
    ["of them by rule, on meters to which nothing happened", JSON.stringify(score.inventedByRule)],
    ["rang, by priority", JSON.stringify(score.rangByPriority)],
    ["rang, by rule", JSON.stringify(score.rangByRule)],
    ["rang, a day and a million meters; the system's own once", `${rang} = ${aDay.toFixed(1)}`],
    [
      "of them without an incident at the meter",
      rate(score.rangWithoutIncident, score, controlRoomMeters),
    ],
    [
      `one operator of a million meters on a usual day, at most ${ringsADayMax}`,
      `${usualADay.toFixed(1)}: ${usualADay <= ringsADayMax ? "met" : "not met"}`,
    ],
    ["listed only", score.listed],
    ["of them on meters without an incident, by rule", JSON.stringify(score.listedByRule)],
    ...outageRows(score.outages),
  ];
  return [
    table(
      ["Incident", "Strength", "Told by", "Happened", "Rang", "Recorded", "Missed", "Median delay"],
      kinds,
    ),
    table(["Look-alike", "Strength", "Happened", "Priority 1 or 2"], looks),
    table(["Of the whole city", ""], rows),
  ].join("\n\n");
}

/** How it is to be told, or why nobody can ask that it is. */
function wayOf({
  isFlagged,
  isListed,
  isAboveFloor,
  isHeard,
}: Pick<KindScore, "isFlagged" | "isListed" | "isAboveFloor" | "isHeard">) {
  if (!isAboveFloor) return "values, below the floor";
  if (!isHeard) return "in no report in time";
  return isFlagged ? "the meter's bit" : isListed ? "work list" : "values";
}

function found(kinds: Score["kinds"]): string {
  const happened = kinds.reduce((count, kind) => count + kind.happened, 0);
  const missed = kinds.reduce((count, kind) => count + kind.happened - kind.rang, 0);
  return `${happened}, ${missed}`;
}

function outageRows(one: OutageScore): readonly (readonly string[])[] {
  return [
    ["areas out for three hours or more: happened, told", `${one.happened}, ${one.told}`],
    ["areas out for less", String(one.shorter)],
    ["outages told that were none, in so many area-days", `${one.invented}, ${one.areaDays}`],
  ];
}

/** What can happen, as a table in Markdown. */
export function catalogueTable(catalogue: readonly Happening[]): string {
  const rows = catalogue.map((one) => [
    one.rules.length === 0 ? "look-alike" : wayOf({ ...one, isAboveFloor: true, isHeard: true }),
    ...[one.kind, one.strength, one.rules.join(" "), one.siteClass, one.eyes],
    one.yearly,
  ]);
  return table(
    ["Told by", "What", "Strength", "Rules", "Site", "Reports", "A year and a million meters"],
    rows,
  );
}

function rate(count: number, { meterDays }: Score, per: number): string {
  return `${count} = ${((count / meterDays) * per).toFixed(1)}`;
}

function sum(one: number, other: number): number {
  return one + other;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A score as tables for people. */
import { hourMs } from "#domain/units.ts";
import type { Score } from "./score.ts";

const perMeterDays = 100_000;
const controlRoomMeters = 1_000_000;

/** The score in Markdown. */
export function scoreTable(score: Score): string {
  const kinds = score.kinds.map((one) => [
    one.kind,
    one.strength,
    one.isFlagged ? "the meter's bit" : one.isAboveFloor ? "values" : "values, below the floor",
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
  const rows: readonly (readonly (string | number)[])[] = [
    ["meter-days", score.meterDays],
    [
      "priority 1 and 2 without a cause, per 100,000 meter-days",
      rate(inventedCount, score, perMeterDays),
    ],
    ["of them by rule, on meters to which nothing happened", JSON.stringify(score.inventedByRule)],
    ["rang, by priority", JSON.stringify(score.rangByPriority)],
    ["rang, a day and a million meters", rate(rang, score, controlRoomMeters)],
    [
      "of them without an incident at the meter",
      rate(score.rangWithoutIncident, score, controlRoomMeters),
    ],
    ["listed only", score.listed],
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

/** All meters together, by area, from the copy of the readings in InfluxDB: use, completeness, quality, batteries. */
import { DashboardBuilder, type Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { influxql, withSections, type Query, type Section } from "./panels.ts";

const trusted = '"quality" < 4';
const legend = "$tag_area";
/** A battery of 3.6 V under 3.4 V is to be planned for, under 3.2 V it is late (R10). */
const weakMv = 3_400;

/** Something of each meter and day, put together by area and day. */
function byArea(outer: string, inner: string, where: string, outerWhere = ""): readonly Query[] {
  const eachMeter =
    `SELECT ${inner} FROM "reading" WHERE ${where} AND $timeFilter ` +
    `GROUP BY time(1d), "meter", "area" fill(none)`;
  const text =
    `SELECT ${outer} FROM (${eachMeter}) WHERE ${outerWhere}$timeFilter ` +
    `GROUP BY time(1d), "area" fill(none)`;
  return [influxql(text, legend)];
}

/** Counted over readings, not meters. */
function counted(measurement: string, where: string): readonly Query[] {
  const text =
    `SELECT count("quality") FROM "${measurement}" WHERE ${where} AND $timeFilter ` +
    `GROUP BY time(1d), "area" fill(none)`;
  return [influxql(text, legend)];
}

const consumption: Section = {
  title: "Consumption by area · 分区用气",
  panels: [
    {
      kind: "series",
      title: "Volume a day · 日用气量",
      description:
        "Sum over the meters of an area of the difference of their last indexes of two days (UTC). For bills use the API.",
      unit: "m3",
      decimals: 1,
      width: 12,
      queries: byArea('sum("used") / 1000000', 'difference(last("index_ml")) AS "used"', trusted),
    },
    {
      kind: "series",
      title: "Largest volume of one meter · 单表最大日用气量",
      description: "The meter that used most on the day: one far above the others deserves a look.",
      unit: "m3",
      decimals: 1,
      width: 12,
      queries: byArea('max("used") / 1000000', 'difference(last("index_ml")) AS "used"', trusted),
    },
  ],
};

const completeness: Section = {
  title: "Completeness · 数据完整性",
  panels: [
    {
      kind: "series",
      title: "Meters heard · 有数据的表",
      description:
        "Meters with at least one reading measured on the day. A step down is an outage.",
      unit: "short",
      width: 12,
      queries: byArea('count("n")', 'count("quality") AS "n"', '"quality" <= 4'),
    },
    {
      kind: "series",
      title: "Readings of a meter and day · 每表每日读数",
      description:
        "Mean over the meters that were heard. Meters that report hourly should come to 24; late data fill gaps.",
      unit: "short",
      decimals: 1,
      width: 12,
      queries: byArea('mean("n")', 'count("quality") AS "n"', '"quality" <= 4'),
    },
  ],
};

const quality: Section = {
  title: "Quality · 数据质量",
  panels: [
    {
      kind: "series",
      title: "Suspect readings · 可疑读数",
      description: "New values that screening doubts: no bill is made of them.",
      unit: "short",
      width: 12,
      queries: counted("reading", '"quality" = 4'),
    },
    {
      kind: "series",
      title: "Second values for an instant · 冲突读数",
      description:
        "Another value came for an instant that already had one; a person decides which counts.",
      unit: "short",
      width: 12,
      queries: counted("reading_conflict", '"quality" <= 4'),
    },
  ],
};

const batteries: Section = {
  title: "Batteries · 电池",
  panels: [
    {
      kind: "series",
      title: `Meters below ${weakMv / 1_000} V · 低电压表数`,
      description:
        "Meters whose lowest voltage of the day is below it: the work of the next months.",
      unit: "short",
      width: 8,
      queries: byArea(
        'count("lowest")',
        'min("battery_mv") AS "lowest"',
        '"battery_mv" > 0',
        `"lowest" < ${weakMv} AND `,
      ),
    },
    {
      kind: "series",
      title: "Lowest voltage · 最低电压",
      description: "Of all meters of the area, on the day.",
      unit: "mvolt",
      width: 8,
      queries: byArea('min("lowest")', 'min("battery_mv") AS "lowest"', '"battery_mv" > 0'),
    },
    {
      kind: "series",
      title: "Mean voltage · 平均电压",
      description: "Mean over the meters of an area: a fleet ages slowly, a bad lot at once.",
      unit: "mvolt",
      width: 8,
      queries: byArea('mean("lowest")', 'min("battery_mv") AS "lowest"', '"battery_mv" > 0'),
    },
  ],
};

/** The dashboard of all meters. */
export function fleet(): Dashboard {
  const builder = new DashboardBuilder("Mercaptan: fleet · 全网")
    .uid("mercaptan-fleet")
    .description("Consumption by area, completeness and quality of data, health of batteries.")
    .tags(["mercaptan"])
    .timezone("browser")
    .time({ from: "now-30d", to: "now" })
    .readonly();
  return withSections(builder, [consumption, completeness, quality, batteries]);
}

/** All meters together, by area, from the copy of the readings in InfluxDB: use, completeness, quality, batteries. */
import { DashboardBuilder, type Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { influxql, withSections, type Query, type Section } from "./panels.ts";

const isHeard = '"readings" > 0';
/** A round of the register or an exchange: the store says what registers show, billing what passed. */
const isForward = '"volume_ml" >= 0';
const legend = "$tag_area";
/** A battery of 3.6 V under 3.4 V is to be planned for, under 3.2 V it is late (R10). */
const weakMv = 3_400;

/**
 * What the engine's own roll-ups say of each meter's gas day, put together by area and day: exact, and a point a meter
 * and day where there are 24 readings and more. A bucket answers under its name: see docs/INFLUX.md.
 */
function byArea(what: string, where: string): readonly Query[] {
  const text =
    `SELECT ${what} FROM "mercaptan-days".."meter_day" WHERE ${where} AND $timeFilter ` +
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
        "Sum over the meters of an area, of the gas day that begins at that time; without days on which a register went round or a meter was exchanged. For bills use the API.",
      unit: "m3",
      decimals: 1,
      width: 12,
      queries: byArea('sum("volume_ml") / 1000000', isForward),
    },
    {
      kind: "series",
      title: "Largest volume of one meter · 单表最大日用气量",
      description: "The meter that used most on the day: one far above the others deserves a look.",
      unit: "m3",
      decimals: 1,
      width: 12,
      queries: byArea('max("volume_ml") / 1000000', isForward),
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
      queries: byArea('count("readings")', isHeard),
    },
    {
      kind: "series",
      title: "Readings of a meter and day · 每表每日读数",
      description:
        "Mean over the meters that were heard. Meters that report hourly should come to 24; late data fill gaps.",
      unit: "short",
      decimals: 1,
      width: 12,
      queries: byArea('mean("readings")', isHeard),
    },
  ],
};

const quality: Section = {
  title: "Quality · 数据质量",
  panels: [
    {
      kind: "series",
      title: "Meters that end the day in dispute · 日末冲突表数",
      description: "Two values stand for the register at the end of the gas day.",
      unit: "short",
      width: 8,
      queries: byArea('count("conflict")', '"conflict" = 1'),
    },
    {
      kind: "series",
      title: "Suspect readings · 可疑读数",
      description: "New values that screening doubts: no bill is made of them.",
      unit: "short",
      width: 8,
      queries: counted("reading", '"quality" = 4'),
    },
    {
      kind: "series",
      title: "Second values for an instant · 冲突读数",
      description:
        "Another value came for an instant that already had one; a person decides which counts.",
      unit: "short",
      width: 8,
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
      description: "Meters whose last voltage of the day is below it: the work of the next months.",
      unit: "short",
      width: 8,
      queries: byArea('count("battery_mv")', `"battery_mv" < ${weakMv} AND ${isHeard}`),
    },
    {
      kind: "series",
      title: "Lowest voltage · 最低电压",
      description: "Of all meters of the area, on the day.",
      unit: "mvolt",
      width: 8,
      queries: byArea('min("battery_mv")', isHeard),
    },
    {
      kind: "series",
      title: "Mean voltage · 平均电压",
      description: "Mean over the meters of an area: a fleet ages slowly, a bad lot at once.",
      unit: "mvolt",
      width: 8,
      queries: byArea('mean("battery_mv")', isHeard),
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

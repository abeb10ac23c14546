/** One meter over time, from the copy of the readings in InfluxDB. InfluxQL only: it also runs on older servers. */
import {
  DashboardBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
  type Dashboard,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { influxql, readingsSource, withSections, type Query, type Section } from "./panels.ts";

/** Places in the list of qualities: raw 0, validated 1, estimated 2, edited 3, suspect 4. */
const trusted = '"quality" < 4';
const suspect = '"quality" = 4';

/** A value per interval of the chosen meter. */
function select(value: string, where: string, interval = "$__interval"): string {
  return (
    `SELECT ${value} FROM "reading" WHERE "meter" = '$meter' AND ${where} AND $timeFilter ` +
    `GROUP BY time(${interval}) fill(none)`
  );
}

function valueOf(value: string, legend: string): readonly Query[] {
  return [influxql(select(value, trusted), legend)];
}

const volume: Section = {
  title: "Volume · 气量",
  panels: [
    {
      kind: "series",
      title: "Register · 表底数",
      description:
        "Index at measurement conditions. Decimals are for the eye; the stored value is whole millilitres.",
      unit: "m3",
      decimals: 3,
      width: 12,
      queries: valueOf('last("index_ml") / 1000000', "register"),
    },
    {
      kind: "series",
      title: "Volume a day · 日用气量",
      description: "Difference of the last indexes of two days (UTC).",
      unit: "m3",
      decimals: 3,
      width: 12,
      queries: [influxql(select('difference(last("index_ml")) / 1000000', trusted, "1d"), "day")],
    },
    {
      kind: "series",
      title: "Flow · 流量",
      description:
        "Largest flow in the interval. A flow that never ends is the signature of a leak.",
      unit: "litreh",
      width: 12,
      queries: valueOf('max("flow_ml_h") / 1000', "flow"),
    },
    {
      kind: "timeline",
      title: "Valve · 阀门",
      description:
        "Position by the meter's own word. Closed and still flowing is an alarm of its own.",
      unit: "short",
      width: 12,
      words: ["open", "closed", "moving", "fault", "unknown"],
      queries: [influxql(select('last("valve")', '"quality" <= 4'), "valve")],
    },
  ],
};

const health: Section = {
  title: "Health · 状态",
  panels: [
    {
      kind: "series",
      title: "Battery voltage · 电池电压",
      description:
        "Lowest voltage in the interval: a battery shows its age under load and in the cold.",
      unit: "mvolt",
      width: 6,
      queries: valueOf('min("battery_mv")', "battery"),
    },
    {
      kind: "series",
      title: "Battery left · 剩余电量",
      description: "As the meter estimates it.",
      unit: "percent",
      width: 6,
      queries: valueOf('min("battery_pct")', "battery"),
    },
    {
      kind: "series",
      title: "Signal · 信号",
      description: "Received signal strength; below -110 dBm uploads repeat and cost battery.",
      unit: "dBm",
      width: 6,
      queries: valueOf('mean("signal_dbm")', "signal"),
    },
    {
      kind: "series",
      title: "Readings not believed · 可疑读数",
      description:
        "Suspect readings, and second values for an instant that already had another one.",
      unit: "short",
      width: 6,
      queries: [
        influxql(select('count("quality")', suspect), "suspect"),
        influxql(
          select('count("quality")', '"quality" <= 4').replace('"reading"', '"reading_conflict"'),
          "conflict",
        ),
      ],
    },
    {
      kind: "series",
      title: "Gas temperature · 燃气温度",
      description: "Mean temperature of the gas in the meter.",
      unit: "celsius",
      width: 12,
      queries: valueOf('mean("temperature_centi_c") / 100', "temperature"),
    },
    {
      kind: "series",
      title: "Pressure · 压力",
      description: "Mean pressure as the meter reports it.",
      unit: "pressurekpa",
      width: 12,
      queries: valueOf('mean("pressure_pa") / 1000', "pressure"),
    },
  ],
};

/** The dashboard of one meter. */
export function meter(): Dashboard {
  const choice = new QueryVariableBuilder("meter")
    .label("Meter · 表")
    .datasource(readingsSource)
    .query('SHOW TAG VALUES FROM "reading" WITH KEY = "meter"')
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
  const builder = new DashboardBuilder("Mercaptan: meter · 单表")
    .uid("mercaptan-meter")
    .description("Register, flow, battery and valve of one meter.")
    .tags(["mercaptan"])
    .timezone("browser")
    .time({ from: "now-30d", to: "now" })
    .readonly()
    .withVariable(choice);
  return withSections(builder, [volume, health]);
}

/** A panel is a row of a table: what it shows, in which unit, and why one looks at it. */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  MappingType,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Dashboard,
  type DashboardBuilder,
  type Panel,
  type Threshold,
  type ValueMap,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as SeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { ReduceDataOptionsBuilder, VisibilityMode } from "@grafana/grafana-foundation-sdk/common";

/** The two provisioned data sources; their uids are part of every dashboard link and never change. */
const metricsSource = { type: "prometheus", uid: "mercaptan-metrics" } as const;
export const readingsSource = { type: "influxdb", uid: "mercaptan-readings" } as const;

export interface Query {
  readonly language: "promql" | "influxql";
  readonly text: string;
  readonly legend: string;
}

interface PanelRow {
  readonly kind: "stat" | "series" | "timeline";
  readonly title: string;
  /** What it means and what to do about it. */
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of 24 columns. */
  readonly width: number;
  readonly decimals?: number;
  /** Value from which it is a warning, and from which it is bad. */
  readonly limits?: readonly [warning: number, bad: number];
  /** Words for the numbers 0, 1, … */
  readonly words?: readonly string[];
}

export interface Section {
  readonly title: string;
  readonly panels: readonly PanelRow[];
}

export function promql(text: string, legend: string): Query {
  return { language: "promql", text, legend };
}

export function influxql(text: string, legend: string): Query {
  return { language: "influxql", text, legend };
}

/** Adds the sections to a dashboard, each under its heading. */
export function withSections(builder: DashboardBuilder, sections: readonly Section[]): Dashboard {
  let id = 0;
  for (const section of sections) {
    id += 1;
    builder.withRow(new RowBuilder(section.title).id(id));
    for (const panel of section.panels) {
      id += 1;
      const built = buildPanel(panel, id);
      builder.withPanel({ build: () => built });
    }
  }
  return builder.build();
}

function buildPanel(row: PanelRow, id: number): Panel {
  const builder = builders[row.kind]()
    .id(id)
    .title(row.title)
    .description(row.description)
    .unit(row.unit)
    .span(row.width)
    .height(row.kind === "stat" ? 4 : 8)
    .datasource(sourceOf(row.queries))
    .thresholds(
      new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(row.limits)),
    );
  if (row.decimals !== undefined) builder.decimals(row.decimals);
  if (row.words !== undefined) builder.mappings([wordMap(row.words)]);
  row.queries.forEach((query, n) => builder.withTarget(target(query, String.fromCharCode(65 + n))));
  return builder.build();
}

const builders = {
  // The newest value or a question mark, never an old value that looks like a new one.
  stat: () =>
    new StatBuilder().noValue("?").reduceOptions(new ReduceDataOptionsBuilder().calcs(["last"])),
  // A gap is a fact: it is never drawn over.
  series: () => new SeriesBuilder().spanNulls(false).fillOpacity(10),
  timeline: () => new TimelineBuilder().mergeValues(true).showValue(VisibilityMode.Auto),
};

function sourceOf(queries: readonly Query[]): typeof metricsSource | typeof readingsSource {
  return queries[0]?.language === "influxql" ? readingsSource : metricsSource;
}

function steps(limits: PanelRow["limits"]): Threshold[] {
  const base = { value: null, color: "green" };
  if (limits === undefined) return [base];
  return [base, { value: limits[0], color: "orange" }, { value: limits[1], color: "red" }];
}

function wordMap(words: readonly string[]): ValueMap {
  const options = words.map((text, n) => [String(n), { text, index: n }]);
  return { type: MappingType.ValueToText, options: Object.fromEntries(options) };
}

function target(query: Query, refId: string): Builder<Dataquery> {
  if (query.language === "promql") {
    return new DataqueryBuilder()
      .refId(refId)
      .datasource(metricsSource)
      .expr(query.text)
      .legendFormat(query.legend)
      .range();
  }
  // The kit has no builder for InfluxQL: this is the query as Grafana's InfluxDB plug-in keeps it.
  const influx = {
    refId,
    datasource: readingsSource,
    rawQuery: true,
    query: query.text,
    resultFormat: "time_series",
    alias: query.legend,
    _implementsDataqueryVariant() {},
  };
  return { build: () => influx };
}

/** How good the alarms are, for whoever keeps the rules: EEMUA 191 and ISA-18.2 over the last day. */
import { DashboardBuilder, type Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { promql, withSections, type Query, type Section } from "./panels.ts";

function figure(name: string, legend: string): Query {
  return promql(`mercaptan_alarm_figures{figure="${name}"}`, legend);
}

const load: Section = {
  title: "Load · 报警负荷",
  panels: [
    {
      kind: "stat",
      title: "In 10 minutes, mean of a day · 每十分钟平均",
      description:
        "One is acceptable for one operator, two can be managed, more than five cannot (EEMUA 191).",
      unit: "short",
      width: 6,
      decimals: 2,
      limits: [1, 5],
      queries: [figure("per_10_minutes", "per 10 min")],
    },
    {
      kind: "stat",
      title: "In a day · 每日",
      description: "144 a day is one in ten minutes: what one operator can take.",
      unit: "short",
      width: 6,
      limits: [144, 300],
      queries: [figure("per_day", "per day")],
    },
    {
      kind: "stat",
      title: "Peak in 10 minutes · 十分钟峰值",
      description: "More than ten is a flood: nobody reads what rings.",
      unit: "short",
      width: 6,
      limits: [5, 10],
      queries: [figure("peak_10_minutes", "peak")],
    },
    {
      kind: "stat",
      title: "Share of the day in flood · 报警泛滥时间占比",
      description:
        "Less than 1 % is the aim. No value: more alarm events than can be counted in a minute.",
      unit: "percentunit",
      width: 6,
      decimals: 2,
      limits: [0.01, 0.05],
      queries: [figure("flood_share", "in flood")],
    },
    {
      kind: "series",
      title: "Rang in 10 minutes by priority · 各级报警（每十分钟）",
      description:
        "The split that is looked for: about 80 % low, 15 % middle, 5 % high (ISA-18.2).",
      unit: "short",
      width: 12,
      limits: [1, 10],
      queries: [
        promql("sum by (priority) (increase(mercaptan_alarms_rang_total[10m]))", "P{{priority}}"),
      ],
    },
    {
      kind: "series",
      title: "Rang in a day by rule · 各规则报警（每日）",
      description:
        "A rule that rings much more than the others is the first to look at: `/v1/alarm-figures/proposals`.",
      unit: "short",
      width: 12,
      queries: [
        promql(
          "topk(10, sum by (rule) (increase(mercaptan_alarms_rang_total[1d])) > 0)",
          "{{rule}}",
        ),
      ],
    },
  ],
};

const standing: Section = {
  title: "Standing · 存量报警",
  panels: [
    {
      kind: "series",
      title: "Standing, stale, hidden · 存量、陈旧与隐藏",
      description:
        "Stale: known for more than a day. Fewer than five is the aim (ISA-18.2). Shelved: somebody must come back to them.",
      unit: "short",
      width: 12,
      queries: [promql("mercaptan_alarms_now", "{{kind}}")],
    },
    {
      kind: "stat",
      title: "Chattering in a day · 抖动报警",
      description:
        "Alarms that came and went more than three times within a minute. None is the aim.",
      unit: "short",
      width: 6,
      limits: [1, 5],
      queries: [figure("chattering", "chattering")],
    },
    {
      kind: "stat",
      title: "Nobody answered, in a day · 无人确认",
      description: "How often an alarm waited longer than its priority allows.",
      unit: "short",
      width: 6,
      limits: [1, 10],
      queries: [figure("unanswered", "unanswered")],
    },
  ],
};

const told: Section = {
  title: "Told · 对外通知",
  panels: [
    {
      kind: "series",
      title: "Sendings by what came of them · 通知结果",
      description:
        "Webhooks, short messages and mail. Failed ones come again; refused ones do not.",
      unit: "short",
      width: 12,
      queries: [
        promql(
          "sum by (way, outcome) (increase(mercaptan_deliveries_total[$__rate_interval])) > 0",
          "{{way}} {{outcome}}",
        ),
      ],
    },
    {
      kind: "series",
      title: "Events that a webhook has not been told · 未送达事件数",
      description: "Of the slowest receiver. It is told all of them when it answers again.",
      unit: "short",
      width: 12,
      queries: [promql('mercaptan_sink_lag_events{sink="webhooks"}', "behind")],
    },
  ],
};

/** The dashboard of those who keep the rules. */
export function alarmFiguresBoard(): Dashboard {
  const builder = new DashboardBuilder("Mercaptan: alarm figures · 报警指标")
    .uid("mercaptan-alarm-figures")
    .description(
      "Key figures after EEMUA 191 and ISA-18.2 for one operator, and what left the house.",
    )
    .tags(["mercaptan"])
    .timezone("browser")
    .refresh("1m")
    .time({ from: "now-7d", to: "now" })
    .readonly();
  return withSections(builder, [load, standing, told]);
}

/** For the people who watch: what is wrong now, and whether the system can still see. */
import { DashboardBuilder, type Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { promql, withSections, type Query, type Section } from "./panels.ts";

const now: Section = {
  title: "Now · 当前",
  panels: [
    {
      kind: "stat",
      title: "Active alarms by priority · 各级活动报警",
      description:
        "Alarms that have not returned to normal; 1 is the highest. The alarm list itself is in the API.",
      unit: "short",
      width: 12,
      limits: [1, 10],
      queries: [promql("sum by (priority) (mercaptan_alarms_active)", "P{{priority}}")],
    },
    {
      kind: "stat",
      title: "Automatic closes waiting for a person · 待人工确认的自动关阀",
      description:
        "The breaker held these valve closes back: more than a few at once is a fault of data until a person says otherwise.",
      unit: "short",
      width: 6,
      limits: [1, 1],
      queries: [promql("mercaptan_automatic_closes_held", "held")],
    },
    {
      kind: "stat",
      title: "Sessions · 在线会话",
      description: "MQTT sessions of meters and gateways that are open now.",
      unit: "short",
      width: 6,
      queries: [promql("mercaptan_mqtt_connections", "sessions")],
    },
  ],
};

const alarms: Section = {
  title: "Alarms · 报警",
  panels: [
    {
      kind: "series",
      title: "Active alarms · 活动报警",
      description: "How the number of active alarms moved, by priority.",
      unit: "short",
      width: 8,
      queries: [promql("sum by (priority) (mercaptan_alarms_active)", "P{{priority}}")],
    },
    {
      kind: "series",
      title: "Alarms raised in 10 minutes · 每十分钟新报警",
      description:
        "One a person in 10 minutes can be worked on; more than ten is a flood (EEMUA 191).",
      unit: "short",
      width: 8,
      limits: [1, 10],
      queries: [promql("increase(mercaptan_alarm_to_live_seconds_count[10m])", "raised")],
    },
    {
      kind: "series",
      title: "Leak to screen · 泄漏到屏幕",
      description:
        "From the receipt of the uplink that raised an alarm to its event on the live feed.",
      unit: "s",
      width: 8,
      limits: [0.3, 1],
      queries: quantiles("mercaptan_alarm_to_live_seconds"),
    },
  ],
};

const intake: Section = {
  title: "Intake · 采集",
  panels: [
    {
      kind: "series",
      title: "Uplinks by outcome · 上行报文",
      description:
        "Every uplink has one outcome: received = accepted + suspect + duplicate + quarantined + refused.",
      unit: "cps",
      width: 8,
      queries: [
        promql("sum by (outcome) (rate(mercaptan_uplinks_total[$__rate_interval]))", "{{outcome}}"),
      ],
    },
    {
      kind: "series",
      title: "Readings stored · 入库读数",
      description: "Readings per second; one uplink may carry many.",
      unit: "cps",
      width: 8,
      queries: [promql("rate(mercaptan_readings_total[$__rate_interval])", "readings")],
    },
    {
      kind: "series",
      title: "Quarantine by reason · 隔离原因",
      description:
        "Frames that could not be used, kept with their reason. A new reason on many meters is a new firmware.",
      unit: "cps",
      width: 8,
      queries: [
        promql(
          "sum by (reason) (rate(mercaptan_quarantined_total[$__rate_interval])) > 0",
          "{{reason}}",
        ),
      ],
    },
    {
      kind: "series",
      title: "Commit latency · 提交耗时",
      description: "Time to make a batch durable. A meter is acknowledged only after it.",
      unit: "s",
      width: 8,
      limits: [0.1, 1],
      queries: quantiles("mercaptan_commit_seconds"),
    },
    {
      kind: "series",
      title: "Whole batch · 批处理耗时",
      description: "Decoding, rules and commit of a batch together.",
      unit: "s",
      width: 8,
      queries: quantiles("mercaptan_batch_seconds"),
    },
    {
      kind: "series",
      title: "Uplinks in a batch · 批大小",
      description: "Batches grow with the load; at 4,096 the engine is at its limit.",
      unit: "short",
      width: 8,
      limits: [2048, 4096],
      queries: quantiles("mercaptan_batch_uplinks"),
    },
  ],
};

const valves: Section = {
  title: "Valves · 阀门",
  panels: [
    {
      kind: "series",
      title: "Valve commands by state reached · 阀门命令",
      description:
        "Executed is the meter's word; verified is the flow's. Passing means: shut, and gas still flows.",
      unit: "short",
      width: 12,
      queries: [
        promql(
          "sum by (outcome) (increase(mercaptan_commands_total[$__rate_interval])) > 0",
          "{{outcome}}",
        ),
      ],
    },
    {
      kind: "series",
      title: "Commands that did not reach a meter · 未送达命令",
      description:
        "No listening session, or too late. A sleeping meter takes its command when it next reports.",
      unit: "short",
      width: 12,
      queries: [promql(countOf(["downlink.undelivered", "downlink.expired"]), "{{event}}")],
    },
  ],
};

const blindSpots: Section = {
  title: "Blind spots · 盲区",
  panels: [
    {
      kind: "stat",
      title: "Engine reachable · 引擎可达",
      description:
        "1 while the engine answers the collector. At 0 nothing else on this page is true.",
      unit: "short",
      width: 4,
      queries: [promql('up{job="mercaptan"}', "up")],
    },
    {
      kind: "stat",
      title: "Not committed for · 未提交时长",
      description: "Age of the oldest uplink that is not on disk.",
      unit: "s",
      width: 4,
      limits: [1, 10],
      queries: [promql("mercaptan_engine_lag_seconds", "lag")],
    },
    {
      kind: "stat",
      title: "Batches not kept in an hour · 提交失败",
      description:
        "Nothing of these was acknowledged; meters send again. Any number above 0 needs a person now.",
      unit: "short",
      width: 4,
      limits: [1, 1],
      queries: [
        promql('sum(increase(mercaptan_events_total{event="engine.commitFailed"}[1h]))', "failed"),
      ],
    },
    {
      kind: "series",
      title: "Arrivals against a day before · 与前一日到达量",
      description:
        "Far below the day before means: meters, a gateway or the network is silent, not that all is well.",
      unit: "cps",
      width: 12,
      queries: [
        promql("sum(rate(mercaptan_uplinks_total[15m]))", "now"),
        promql("sum(rate(mercaptan_uplinks_total[15m] offset 1d))", "a day before"),
      ],
    },
    {
      kind: "series",
      title: "Copies behind · 副本滞后",
      description:
        "Readings that a time-series server has not taken yet. The ledger has them; the copy catches up.",
      unit: "short",
      width: 8,
      queries: [promql("mercaptan_sink_lag_events", "{{sink}}")],
    },
    {
      kind: "series",
      title: "Turned away · 被拒绝",
      description: "Connections, publishes, logins and requests that were refused, by event.",
      unit: "short",
      width: 8,
      queries: [
        promql(
          countOf([
            "mqtt.refused",
            "mqtt.cut",
            "mqtt.publishRefused",
            "mqtt.subscribeRefused",
            "login.failed",
            "login.locked",
            "api.unauthorised",
            "api.forbidden",
            "api.rateLimited",
          ]) + " > 0",
          "{{event}}",
        ),
      ],
    },
    {
      kind: "series",
      title: "No promise, or a limit reached · 无承诺与限流",
      description:
        "Uplinks without a promise (QoS 0), senders that wait, a full queue, live clients that were cut, log lines dropped.",
      unit: "short",
      width: 8,
      queries: [
        promql(
          countOf([
            "mqtt.unacknowledged",
            "mqtt.throttled",
            "engine.queueFull",
            "live.slowClientCut",
            "log.dropped",
          ]) + " > 0",
          "{{event}}",
        ),
      ],
    },
  ],
};

/** How often each of the named events happened in an interval. */
function countOf(events: readonly string[]): string {
  const selected = `mercaptan_events_total{event=~"${events.join("|")}"}`;
  return `sum by (event) (increase(${selected}[$__rate_interval]))`;
}

/** The typical value and the worst of a hundred. */
function quantiles(histogram: string): readonly Query[] {
  const of = (quantile: number): string =>
    `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket[$__rate_interval])))`;
  return [promql(of(0.5), "p50"), promql(of(0.99), "p99")];
}

/** The dashboard of the control room. */
export function controlRoom(): Dashboard {
  const builder = new DashboardBuilder("Mercaptan: control room · 调度室")
    .uid("mercaptan-control-room")
    .description("Active alarms, what arrives, and where the system is blind.")
    .tags(["mercaptan"])
    .timezone("browser")
    .refresh("10s")
    .time({ from: "now-6h", to: "now" })
    .readonly();
  return withSections(builder, [now, alarms, intake, valves, blindSpots]);
}

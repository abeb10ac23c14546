/** The metrics of CONTRACT section 3. Every series exists from the start with 0, so that sums can be read. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { commandActions, commandStates } from "#domain/command.ts";
import { uplinkNames } from "#domain/platform.ts";
import { quarantineReasons, uplinkOutcomes } from "#domain/quarantine.ts";
import { deliveryOutcomes } from "#domain/webhook.ts";
import type { AlarmStanding } from "#domain/alarmEvent.ts";
import { meterRuleIds, systemRuleIds } from "#domain/alarm.ts";
import { deliveryWays, sinkNames, type DayFigures, type Metrics } from "#ports/metrics.ts";
import type { NamedEvent } from "#ports/observer.ts";
import { closedLabel, otherLabel } from "./closedLabel.ts";
import { events } from "./events.ts";

const priorities = [1, 2, 3, 4] as const;

/** A counter whose labels take values of closed lists only; everything else is counted as "other". */
function closedCounter(
  registry: Registry,
  name: string,
  help: string,
  lists: Readonly<Record<string, readonly string[]>>,
): (labels: Readonly<Record<string, string>>, count: number) => void {
  const labelNames = Object.keys(lists);
  const counter = new Counter({ name, help, labelNames, registers: [registry] });
  for (const labels of combinations(Object.entries(lists))) counter.inc(labels, 0);
  return (labels, count) => {
    const closed = Object.entries(lists).map(([label, values]) => [
      label,
      closedLabel(values, labels[label]),
    ]);
    counter.inc(Object.fromEntries(closed), count);
  };
}

function combinations(
  lists: readonly (readonly [string, readonly string[]])[],
): Record<string, string>[] {
  return lists.reduce<Record<string, string>[]>(
    (sets, [label, values]) =>
      sets.flatMap((set) => [...values, otherLabel].map((value) => ({ ...set, [label]: value }))),
    [{}],
  );
}

/** Registers every metric and returns the methods that move them. */
export function createMetrics(registry: Registry): Metrics {
  const registers = [registry];
  const flow = createFlowMetrics(registry);
  const connections = new Gauge({
    name: "mercaptan_mqtt_connections",
    help: "MQTT sessions open now.",
    registers,
  });
  const alarms = new Gauge({
    name: "mercaptan_alarms_active",
    help: "Alarms that have not returned to normal, by priority (1 is the highest).",
    labelNames: ["priority"],
    registers,
  });
  for (const priority of priorities) alarms.set({ priority }, 0);
  const toLive = new Histogram({
    name: "mercaptan_alarm_to_live_seconds",
    help: "From the receipt of the uplink that raised an alarm to its event on the live feed.",
    buckets: [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const lag = new Gauge({
    name: "mercaptan_engine_lag_seconds",
    help: "Age of the oldest uplink that is not committed.",
    registers,
  });
  const sinkLag = new Gauge({
    name: "mercaptan_sink_lag_events",
    help: "Rows that a sink has not taken yet.",
    labelNames: ["sink"],
    registers,
  });
  for (const sink of sinkNames) sinkLag.set({ sink }, 0);
  const deliveries = closedCounter(
    registry,
    "mercaptan_deliveries_total",
    "Sendings to people and machines outside, by what came of them.",
    { way: deliveryWays, outcome: deliveryOutcomes },
  );
  return {
    ...flow,
    ...createFigureMetrics(registry),
    connections: (count) => connections.set(count),
    activeAlarms: (counts) => {
      for (const priority of priorities) alarms.set({ priority }, counts[priority]);
    },
    alarmToLive: (seconds) => toLive.observe(seconds),
    engineLag: (seconds) => lag.set(seconds),
    sinkLag: (sink, rows) => sinkLag.set({ sink }, rows),
    delivery: (way, outcome) => deliveries({ way, outcome }, 1),
  };
}

const figureNames = {
  per_10_minutes: "per10Minutes",
  per_hour: "perHour",
  per_day: "perDay",
  peak_10_minutes: "peakIn10Minutes",
  peak_hour: "peakInHour",
  flood_share: "floodShare",
  chattering: "chattering",
  unanswered: "unanswered",
} as const satisfies Record<string, keyof DayFigures>;

const standingKinds = [
  "standing",
  "stale",
  "shelved",
  "suppressed",
  "outOfService",
] as const satisfies readonly (keyof AlarmStanding)[];

/** How loud the alarms are. A figure that is not known is NaN: a zero would look like all is well. */
function createFigureMetrics(registry: Registry): Pick<Metrics, "alarmRang" | "alarmFigures"> {
  const registers = [registry];
  const rang = closedCounter(
    registry,
    "mercaptan_alarms_rang_total",
    "Alarms that rang: raised, raised again or graver, and in sight.",
    { rule: [...meterRuleIds, ...systemRuleIds], priority: priorities.map(String) },
  );
  const figures = new Gauge({
    name: "mercaptan_alarm_figures",
    help: "Key figures of the alarms of the last day after EEMUA 191 and ISA-18.2, for one operator.",
    labelNames: ["figure"],
    registers,
  });
  const now = new Gauge({
    name: "mercaptan_alarms_now",
    help: "Alarms that stand in sight, stand for more than a day, are shelved, suppressed or out of service.",
    labelNames: ["kind"],
    registers,
  });
  // Not known yet is not nothing.
  for (const figure of Object.keys(figureNames)) figures.set({ figure }, Number.NaN);
  for (const kind of standingKinds) now.set({ kind }, Number.NaN);
  return {
    alarmRang: (rule, priority) => rang({ rule, priority: String(priority) }, 1),
    alarmFigures(day, standing) {
      for (const [figure, name] of Object.entries(figureNames)) {
        figures.set({ figure }, day === null ? Number.NaN : day[name]);
      }
      for (const kind of standingKinds) now.set({ kind }, standing[kind]);
    },
  };
}

/** What the engine counts per batch; received = accepted + suspect + duplicate + quarantined + refused. */
function createFlowMetrics(
  registry: Registry,
): Pick<Metrics, "batchCommitted" | "uplinkRefused" | "held"> {
  const registers = [registry];
  const uplinks = closedCounter(
    registry,
    "mercaptan_uplinks_total",
    "Uplinks by what became of them.",
    {
      protocol: uplinkNames,
      outcome: uplinkOutcomes,
    },
  );
  const quarantined = closedCounter(
    registry,
    "mercaptan_quarantined_total",
    "Uplinks in quarantine, by reason.",
    { protocol: uplinkNames, reason: quarantineReasons },
  );
  const commands = closedCounter(
    registry,
    "mercaptan_commands_total",
    "Valve commands that reached a state.",
    { action: commandActions, outcome: commandStates },
  );
  const readings = new Counter({
    name: "mercaptan_readings_total",
    help: "Readings stored.",
    registers,
  });
  const commit = new Histogram({
    name: "mercaptan_commit_seconds",
    help: "Time to make a batch durable.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  const batch = new Histogram({
    name: "mercaptan_batch_seconds",
    help: "Time from the start of a batch to its report, its commit included.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  const size = new Histogram({
    name: "mercaptan_batch_uplinks",
    help: "Uplinks in a batch.",
    buckets: [1, 4, 16, 64, 256, 1024, 4096],
    registers,
  });
  const held = new Gauge({
    name: "mercaptan_automatic_closes_held",
    help: "Automatic valve closes held back, waiting for a person.",
    registers,
  });
  return {
    batchCommitted(counts) {
      for (const { count, ...labels } of counts.outcomes) uplinks(labels, count);
      for (const { count, ...labels } of counts.quarantined) quarantined(labels, count);
      for (const { count, ...labels } of counts.commands) commands(labels, count);
      readings.inc(counts.readings);
      commit.observe(counts.commitSeconds);
      batch.observe(counts.batchSeconds);
      size.observe(counts.outcomes.reduce((sum, outcome) => sum + outcome.count, 0));
      held.set(counts.held);
    },
    uplinkRefused: (protocol) => uplinks({ protocol, outcome: "refused" }, 1),
    held: (count) => held.set(count),
  };
}

/** Counts named events, with a reason only where the table of events lists it. */
export function createEventCounter(
  registry: Registry,
): (event: NamedEvent, fields?: Readonly<Record<string, string | number>>) => void {
  const counter = new Counter({
    name: "mercaptan_events_total",
    help: "Named events of the program, by reason where they have one.",
    labelNames: ["event", "reason"],
    registers: [registry],
  });
  for (const [event, { reasonField, reasons = [] }] of Object.entries(events)) {
    const values = reasonField === undefined ? ["none"] : [...reasons, otherLabel];
    for (const reason of values) counter.inc({ event, reason }, 0);
  }
  return (event, fields) => {
    const { reasonField, reasons = [] } = events[event];
    const given = reasonField === undefined ? undefined : String(fields?.[reasonField]);
    counter.inc({ event, reason: given === undefined ? "none" : closedLabel(reasons, given) });
  };
}

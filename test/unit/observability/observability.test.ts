import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { meterSizeNames, protocolNames } from "#domain/meter.ts";
import { uplinkOutcomes } from "#domain/quarantine.ts";
import { timestampMs } from "#domain/units.ts";
import { createObservability } from "#observability/createObservability.ts";
import { fieldCharactersMax, linesPerEventAndSecondMax } from "#observability/eventLog.ts";
import { events } from "#observability/events.ts";
import type { BatchCounts } from "#ports/metrics.ts";
import { namedEvents, type NamedEvent } from "#ports/observer.ts";
import { requireTool } from "../../support/tool.ts";

function observe(level = "trace") {
  const lines: Record<string, unknown>[] = [];
  let nowMs = 1_000;
  const observability = createObservability({
    level,
    clock: { nowMs: () => timestampMs(nowMs), monotonicMs: () => nowMs },
    destination: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const passMs = (ms: number) => (nowMs += ms);
  /** Value of one series, NaN when it does not exist. */
  const series = async (name: string) => {
    const text = await observability.exposition.text();
    const line = text.split("\n").find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? Number.NaN);
  };
  return { ...observability, lines, passMs, series };
}

const counts: BatchCounts = {
  outcomes: [
    { protocol: "json", outcome: "accepted", count: 7 },
    { protocol: "cjt188", outcome: "quarantined", count: 2 },
    { protocol: "made-up-by-a-stranger", outcome: "refused", count: 1 },
  ],
  quarantined: [{ protocol: "cjt188", reason: "CHECKSUM", count: 2 }],
  readings: 30,
  commands: [{ action: "close", outcome: "verified", count: 1 }],
  held: 3,
  commitSeconds: 0.004,
  batchSeconds: 0.02,
};

test("every named event has a log line at its level and a counter", async () => {
  const { observer, lines, series } = observe();
  for (const event of Object.keys(namedEvents) as NamedEvent[]) {
    const { level, reasonField } = events[event];
    const name = `mercaptan_events_total{event="${event}",reason="${reasonField === undefined ? "none" : "other"}"}`;
    expect(await series(name)).toBe(0);
    observer.note(event);
    expect(await series(name)).toBe(1);
    expect(lines.pop()).toEqual({
      level,
      at: "1970-01-01T00:00:01.000Z",
      event,
      msg: namedEvents[event],
    });
  }
});

test("a reason outside the closed list is counted as other, but logged as it is", async () => {
  const { observer, lines, series } = observe();
  observer.note("sink.failed", { sink: "influx" });
  observer.note("sink.failed", { sink: "made up" });
  expect(await series('mercaptan_events_total{event="sink.failed",reason="influx"}')).toBe(1);
  expect(await series('mercaptan_events_total{event="sink.failed",reason="other"}')).toBe(1);
  expect(lines[1]).toMatchObject({ sink: "made up" });
});

test("every reason that the source writes out is in the table of events", () => {
  const source = join(import.meta.dirname, "../../../src");
  const call = /note\("([\w.]+)", \{[^}]*?\b(reason|limit|code): "([^"]+)"\s*[,}]/g;
  let found = 0;
  for (const name of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    for (const [, event = "", field, reason] of readFileSync(join(source, name), "utf8").matchAll(
      call,
    )) {
      const { reasonField, reasons } = events[event as NamedEvent];
      expect({ event, field: reasonField, reasons }).toEqual({
        event,
        field,
        reasons: expect.arrayContaining([reason]) as unknown,
      });
      found += 1;
    }
  }
  expect(found).toBeGreaterThan(3);
});

test("lines below the level are counted, not written", async () => {
  const { observer, lines, series } = observe("warn");
  observer.note("process.ready");
  expect(lines).toEqual([]);
  expect(await series('mercaptan_events_total{event="process.ready",reason="none"}')).toBe(1);
});

test("what a stranger sent is escaped and cut, and secrets are not written", () => {
  const { observer, lines } = observe();
  const id = `M1"\n{"level":"fatal"}\u001b[31m${"x".repeat(1000)}`;
  observer.note("login.failed", { username: id, password: "p", secret: "s", token: "t" });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: "warn", username: id.slice(0, fieldCharactersMax) });
  expect(lines[0]).toMatchObject({ password: "[Redacted]", secret: "[Redacted]" });
  expect(lines[0]).toMatchObject({ token: "[Redacted]" });
});

test("a storm of one event is cut to a few lines, and told", async () => {
  const { observer, lines, series, passMs } = observe();
  for (let n = 0; n < 1_000; n += 1) observer.note("login.failed", { n });
  observer.note("login.locked");
  expect(lines).toHaveLength(linesPerEventAndSecondMax + 1);
  passMs(1_000);
  observer.note("login.failed");
  expect(lines.at(-1)).toMatchObject({ linesSuppressed: 1_000 - linesPerEventAndSecondMax });
  expect(await series('mercaptan_events_total{event="login.failed",reason="none"}')).toBe(1_001);
});

test("a batch moves every metric of the contract", async () => {
  const { metrics, series } = observe();
  metrics.batchCommitted(counts);
  metrics.connections(12);
  metrics.activeAlarms({ 1: 2, 2: 0, 3: 5, 4: 0 });
  metrics.alarmToLive(0.05);
  metrics.engineLag(0.25);
  metrics.sinkLag("influx", 99);
  const expected: readonly (readonly [string, number])[] = [
    ['mercaptan_uplinks_total{protocol="json",outcome="accepted"}', 7],
    ['mercaptan_uplinks_total{protocol="cjt188",outcome="quarantined"}', 2],
    ['mercaptan_uplinks_total{protocol="other",outcome="refused"}', 1],
    ['mercaptan_quarantined_total{protocol="cjt188",reason="CHECKSUM"}', 2],
    ["mercaptan_readings_total", 30],
    ['mercaptan_commit_seconds_bucket{le="0.005"}', 1],
    ["mercaptan_batch_seconds_count", 1],
    ["mercaptan_batch_uplinks_sum", 10],
    ["mercaptan_engine_lag_seconds", 0.25],
    ["mercaptan_mqtt_connections", 12],
    ['mercaptan_alarms_active{priority="3"}', 5],
    ["mercaptan_alarm_to_live_seconds_sum", 0.05],
    ['mercaptan_commands_total{action="close",outcome="verified"}', 1],
    ["mercaptan_automatic_closes_held", 3],
    ['mercaptan_sink_lag_events{sink="influx"}', 99],
  ];
  for (const [name, value] of expected) expect(await series(name), name).toBe(value);
});

test("an uplink that was turned away is counted as refused, whoever says so", async () => {
  const { observer, metrics, series } = observe();
  observer.note("mqtt.publishRefused", { reason: "RETAINED", username: "M1", protocol: "json" });
  observer.note("mqtt.publishRefused", { reason: "NOT_OWNER", username: "M1", protocol: "" });
  metrics.uplinkRefused("cjt188");
  for (const protocol of ["json", "other", "cjt188"]) {
    const name = `mercaptan_uplinks_total{protocol="${protocol}",outcome="refused"}`;
    expect(await series(name), name).toBe(1);
  }
});

test("every series of the conservation law exists before the first uplink", async () => {
  const { series } = observe();
  for (const protocol of protocolNames) {
    for (const outcome of uplinkOutcomes) {
      const name = `mercaptan_uplinks_total{protocol="${protocol}",outcome="${outcome}"}`;
      expect(await series(name), name).toBe(0);
    }
  }
});

test("no stranger can grow the metrics", async () => {
  const { observer, metrics, exposition } = observe("silent");
  const lineCount = async () => (await exposition.text()).split("\n").length;
  metrics.batchCommitted(counts);
  const before = await lineCount();
  for (let n = 0; n < 500; n += 1) {
    const name = `${meterSizeNames[0]}-${n}`;
    metrics.batchCommitted({
      ...counts,
      outcomes: [{ protocol: name, outcome: name, count: 1 }],
      quarantined: [{ protocol: name, reason: name, count: 1 }],
      commands: [{ action: name, outcome: name, count: 1 }],
    });
    observer.note("mqtt.cut", { reason: name });
  }
  expect(await lineCount()).toBe(before);
});

const promtool = requireTool("promtool", "prometheus");
test.skipIf(promtool === null)("promtool finds nothing to say about the exposition", async () => {
  const { metrics, exposition } = observe();
  metrics.batchCommitted(counts);
  const input = await exposition.text();
  const output = execFileSync(promtool ?? "", ["check", "metrics"], { input, encoding: "utf8" });
  expect(output).toBe("");
});

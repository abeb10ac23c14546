import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { qualities } from "#domain/reading.ts";
import { valvePositions } from "#domain/telegram.ts";
import { timestampMs } from "#domain/units.ts";
import { createObservability } from "#observability/createObservability.ts";
import { namedEvents } from "#ports/observer.ts";
import { dayFields, dayMeasurement } from "#sinks/dayPoint.ts";
import {
  conflictMeasurement,
  readingFields,
  readingMeasurement,
  readingTags,
} from "#sinks/readingPoint.ts";
import { dashboardFiles } from "../../../grafana/build.ts";
import { influxqlOf, panelsOf, promqlOf, type DashboardJson } from "../../support/dashboards.ts";
import { requireTool } from "../../support/tool.ts";

const grafana = join(import.meta.dirname, "../../../grafana");
const dashboards = Object.values(dashboardFiles()).map((text) => JSON.parse(text) as DashboardJson);
const panels = dashboards.flatMap(panelsOf);

/** Write them anew with `node grafana/build.ts`. */
test("the committed dashboards are what the code builds", () => {
  for (const [name, text] of Object.entries(dashboardFiles())) {
    expect(readFileSync(join(grafana, "dashboards", name), "utf8"), name).toBe(text);
  }
});

test("links to a dashboard stay valid: its uid never changes", () => {
  expect(dashboards.map((dashboard) => dashboard.uid)).toEqual([
    "mercaptan-alarm-figures",
    "mercaptan-control-room",
    "mercaptan-fleet",
    "mercaptan-meter",
  ]);
});

test("every panel has a title, a description, a unit, a width within the page and its own id", () => {
  for (const panel of panels) {
    expect(panel.title, panel.title).toMatch(/\S · \S/);
    expect(panel.description, panel.title).toMatch(/\.$/);
    expect(panel.fieldConfig.defaults.unit, panel.title).toMatch(/\S/);
    expect(panel.gridPos.x + panel.gridPos.w, panel.title).toBeLessThanOrEqual(24);
    expect(panel.targets.length, panel.title).toBeGreaterThan(0);
  }
  for (const dashboard of dashboards) {
    const ids = dashboard.panels.map((panel) => panel.id);
    expect(new Set(ids).size).toBe(ids.length);
  }
});

test("every data source that a panel names is provisioned", () => {
  const text = readFileSync(join(grafana, "provisioning/datasources/mercaptan.yaml"), "utf8");
  const sources = (parse(text) as { datasources: { uid: string; type: string }[] }).datasources;
  const known = sources.map(({ uid, type }) => `${type} ${uid}`);
  for (const { datasource, targets } of panels) {
    for (const source of [datasource, ...targets.map((target) => target.datasource)]) {
      expect(known).toContain(`${source.type} ${source.uid}`);
    }
  }
});

test("every metric, label and event in PromQL exists in the program", async () => {
  const clock = { nowMs: () => timestampMs(0), monotonicMs: () => 0 };
  const text = await createObservability({ level: "silent", clock }).exposition.text();
  const samples = text.split("\n").filter((line) => /^[a-z]/.test(line));
  const names = new Set(samples.map((line) => /^\w+/.exec(line)?.[0]));
  const labels = new Set(samples.flatMap((line) => line.match(/\w+(?==")/g) ?? []));
  for (const query of promqlOf(panels)) {
    const metrics = query.match(/\b(?:mercaptan_\w+|up)\b/g) ?? [];
    expect(metrics, query).not.toEqual([]);
    for (const metric of metrics) {
      // `up` is the collector's own.
      expect(metric === "up" || names.has(metric), metric).toBe(true);
    }
    for (const group of query.matchAll(/by \((\w+)\)/g)) expect([...labels]).toContain(group[1]);
    for (const events of query.matchAll(/event=~?"([^"]+)"/g)) {
      for (const event of (events[1] ?? "").split("|")) expect(namedEvents).toHaveProperty([event]);
    }
  }
});

/** As the compose file names it for the engine. */
const dayBucket =
  /MERCAPTAN_INFLUX_DAY_BUCKET: (\S+)/.exec(
    readFileSync(join(grafana, "../docker-compose.yml"), "utf8"),
  )?.[1] ?? "";

test("the bucket of the gas days is made under the name that the engine is given", () => {
  expect(dayBucket).not.toBe("");
  expect(readFileSync(join(grafana, "influxdb/days.sh"), "utf8")).toContain(`--name ${dayBucket} `);
});

test("every measurement, field and tag in InfluxQL is written by the sink", () => {
  const known = new Set<string>([
    readingMeasurement,
    conflictMeasurement,
    ...readingTags,
    ...Object.keys(readingFields),
    dayMeasurement,
    ...Object.keys(dayFields),
    dayBucket,
  ]);
  for (const query of influxqlOf(dashboards)) {
    const quoted = [...query.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(quoted, query).not.toEqual([]);
    // Names that the query itself gives.
    const given = [...query.matchAll(/ AS "([^"]+)"/g)].map((match) => match[1]);
    for (const name of quoted) expect([...known, ...given], query).toContain(name);
  }
});

test("numbers that stand for words mean the same as in the program", () => {
  const valve = panels.find((panel) => panel.title.startsWith("Valve ·"));
  const options = valve?.fieldConfig.defaults.mappings?.[0]?.options ?? {};
  expect(Object.values(options).map(({ text }) => text)).toEqual(valvePositions);
  expect(qualities.indexOf("suspect")).toBe(4);
  expect(qualities).toHaveLength(5);
});

const promtool = requireTool("promtool", "prometheus");
test.skipIf(promtool === null)("promtool understands every query and the collector's file", () => {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-promql-"));
  try {
    const rules = promqlOf(panels).map((query, n) => ({
      record: `mercaptan:panel${n}`,
      expr: query.replaceAll("$__rate_interval", "1m"),
    }));
    const file = join(folder, "rules.json");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
    const run = (...words: string[]) => execFileSync(promtool ?? "", words, { encoding: "utf8" });
    expect(run("check", "rules", file)).toContain(`${rules.length} rules found`);
    expect(run("check", "config", join(grafana, "prometheus.yml"))).toContain("SUCCESS");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** How fast the copy in a time-series server catches up after an outage: real servers of Debian, on loopback. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sinkOn } from "../support/influxSink.ts";
import { readingSource } from "../support/readingSource.ts";
import {
  freePort,
  startInfluxd,
  startVictoriaMetrics,
  until,
  writesOfInflux2,
} from "../support/timeSeriesServer.ts";
import { requireTool } from "../support/tool.ts";
import type { Report } from "./report.ts";

/** What a fleet says while the server is well: hourly readings of so many meters. */
const fleets = [100_000, 1_000_000] as const;
const hourSeconds = 3_600;

/** Readings that wait when the server is there again, until the last of them is confirmed; each server that is here. */
export async function runInfluxCatchUp(plan: {
  readonly readings: number;
}): Promise<readonly Report[]> {
  return [await onVictoriaMetrics(plan.readings), await onInfluxd(plan.readings)];
}

async function onVictoriaMetrics(readings: number): Promise<Report> {
  const path = requireTool("victoria-metrics", "victoria-metrics");
  if (path === null) return { scenario: "influx", failed: "victoria-metrics is not installed" };
  return inFolder(async (folder) => {
    const server = await startVictoriaMetrics(path, join(folder, "data"), await freePort());
    try {
      const named = "VictoriaMetrics, /api/v2/write";
      return await catchUp(named, { url: server.url, folder, readings });
    } finally {
      await server.stop();
    }
  });
}

/** Our own client's requests, passed on to the write address that 1.6 has. */
async function onInfluxd(readings: number): Promise<Report> {
  const path = requireTool("influxd", "influxdb");
  if (path === null) return { scenario: "influx", failed: "influxdb is not installed" };
  return inFolder(async (folder) => {
    const ports = { http: await freePort(), rpc: await freePort() };
    const server = await startInfluxd(path, join(folder, "influxd"), ports);
    const front = await writesOfInflux2(server);
    try {
      const body = new URLSearchParams({ q: "CREATE DATABASE gas" });
      await fetch(`${server.url}/query`, { method: "POST", body });
      const named = "InfluxDB 1.6, /write behind the address of 2.x";
      return await catchUp(named, { url: front.url, folder, readings });
    } finally {
      await front.close();
      await server.stop();
    }
  });
}

async function inFolder(run: (folder: string) => Promise<Report>): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-influx-bench-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface CatchUp {
  readonly url: string;
  readonly folder: string;
  readonly readings: number;
}

async function catchUp(server: string, { url, folder, readings }: CatchUp): Promise<Report> {
  const sink = sinkOn(url, readingSource(readings), folder, { writeTimeoutMs: 30_000 });
  const startedMs = performance.now();
  const running = sink.start();
  await until(async () => (await sink.cursor.load()) === readings);
  const seconds = (performance.now() - startedMs) / 1_000;
  await running.stop();
  const perSecond = readings / seconds;
  const times = fleets.map((meters) => [
    `timesRealTimeOf${meters}HourlyMeters`,
    Number((perSecond / (meters / hourSeconds)).toFixed(1)),
  ]);
  return {
    scenario: "influx",
    server,
    readings,
    seconds: Number(seconds.toFixed(2)),
    readingsPerSecond: Math.round(perSecond),
    ...Object.fromEntries(times),
    failures: sink.codes.length,
  };
}

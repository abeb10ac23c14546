/** How fast the copy in a time-series server catches up after an outage: a real VictoriaMetrics, on loopback. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sinkOn } from "../support/influxSink.ts";
import { readingSource } from "../support/readingSource.ts";
import { freePort, startVictoriaMetrics, until } from "../support/timeSeriesServer.ts";
import { requireTool } from "../support/tool.ts";
import type { Report } from "./report.ts";

/** What a fleet says while the server is well: hourly readings of so many meters. */
const fleets = [100_000, 1_000_000] as const;
const hourSeconds = 3_600;

/** Readings that wait when the server is there again, until the last of them is confirmed. */
export async function runInfluxCatchUp(plan: {
  readonly readings: number;
}): Promise<readonly Report[]> {
  const path = requireTool("victoria-metrics", "victoria-metrics");
  if (path === null) return [{ scenario: "influx", failed: "victoria-metrics is not installed" }];
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-influx-bench-"));
  const server = await startVictoriaMetrics(path, join(folder, "data"), await freePort());
  try {
    const sink = sinkOn(server.url, readingSource(plan.readings), folder, {
      writeTimeoutMs: 30_000,
    });
    const startedMs = performance.now();
    const running = sink.start();
    await until(async () => (await sink.cursor.load()) === plan.readings);
    const seconds = (performance.now() - startedMs) / 1_000;
    await running.stop();
    const perSecond = plan.readings / seconds;
    const times = fleets.map((meters) => [
      `timesRealTimeOf${meters}HourlyMeters`,
      Number((perSecond / (meters / hourSeconds)).toFixed(1)),
    ]);
    return [
      {
        scenario: "influx",
        server: "VictoriaMetrics, /api/v2/write",
        readings: plan.readings,
        seconds: Number(seconds.toFixed(2)),
        readingsPerSecond: Math.round(perSecond),
        ...Object.fromEntries(times),
        failures: sink.codes.length,
      },
    ];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

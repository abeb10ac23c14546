/**
 * Every InfluxQL query of the dashboards on the real InfluxDB 1.6 of Debian. The statements are valid
 * on 2.x too, where a bucket answers under its own name; InfluxDB 2 itself was not at hand.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readingFlags } from "#domain/reading.ts";
import type { NamedRollUp } from "#ports/queries.ts";
import { dayLine } from "#sinks/dayPoint.ts";
import { readingLine } from "#sinks/readingPoint.ts";
import { dashboardFiles } from "../../grafana/build.ts";
import { influxqlOf, type DashboardJson } from "../support/dashboards.ts";
import { namedReading } from "../support/readingSource.ts";
import { freePort, startInfluxd, type TimeSeriesServer } from "../support/timeSeriesServer.ts";
import { requireTool } from "../support/tool.ts";

const influxd = requireTool("influxd", "influxdb") ?? "";
const dashboards = Object.values(dashboardFiles()).map((text) => JSON.parse(text) as DashboardJson);
const readings = Array.from({ length: 600 }, (_, n) => ({
  ...namedReading(n + 1),
  pressurePa: 2_100,
  batteryPct: 90,
}));

interface Answer {
  readonly results: readonly {
    readonly error?: string;
    readonly series?: readonly { readonly values: readonly (readonly unknown[])[] }[];
  }[];
}

/** A gas day of which each kind of finding is one somewhere. */
function dayOf({ meterId, area, meterNo, indexMl, seq }: (typeof readings)[number]): NamedRollUp {
  return {
    ...{ meterId, area, meterNo, openingIndexMl: indexMl, closingIndexMl: indexMl, volumeMl: seq },
    ...{ closingQuality: "validated", hasConflict: seq % 5 === 0, peakFlowMlPerHour: 60_000 },
    ...{ nightFlowMlPerHour: 0, readings: 24, batteryMv: 3_300 + seq, temperatureCentiC: 1_200 },
  };
}

describe.skipIf(influxd === "")("InfluxQL", () => {
  let folder = "";
  let server: TimeSeriesServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mercaptan-influxql-"));
    const ports = { http: await freePort(), rpc: await freePort() };
    server = await startInfluxd(influxd, folder, ports);
    await ask("CREATE DATABASE mercaptan");
    await ask('CREATE DATABASE "mercaptan-days"');
    const days = readings
      .filter(({ indexMl }) => indexMl !== null)
      .map((reading) => dayLine(dayOf(reading), reading.measuredAtMs));
    const daysAddress = `${server.url}/write?db=mercaptan-days&precision=ms`;
    const taken = await fetch(daysAddress, { method: "POST", body: days.join("\n") });
    expect(taken.status).toBe(204);
    const conflict = { ...namedReading(1), flags: readingFlags.CONFLICT };
    const body = [...readings, conflict].map(readingLine).join("\n");
    // Twice: the same point again is the same point.
    for (const _ of [1, 2]) {
      const address = `${server.url}/write?db=mercaptan&precision=ms`;
      expect((await fetch(address, { method: "POST", body })).status).toBe(204);
    }
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  async function ask(query: string): Promise<readonly (readonly unknown[])[]> {
    const body = new URLSearchParams({ db: "mercaptan", q: query, epoch: "ms" });
    const answer = (await (
      await fetch(`${server.url}/query`, { method: "POST", body })
    ).json()) as Answer;
    expect(answer.results[0]?.error, query).toBeUndefined();
    return answer.results[0]?.series?.[0]?.values ?? [];
  }

  test("every reading is one point, and every index is exact", async () => {
    const rows = await ask(`SELECT "index_ml" FROM "reading" WHERE "meter" = 'M1'`);
    const expected = readings
      .filter(({ meterId, indexMl }) => meterId === "M1" && indexMl !== null)
      .map(({ measuredAtMs, indexMl }) => [measuredAtMs, indexMl]);
    expect(rows).toEqual(expected);
    expect(await ask(`SELECT count("index_ml") FROM "reading_conflict"`)).toEqual([[0, 1]]);
  });

  test.for(influxqlOf(dashboards))("%s", async (query) => {
    const text = query
      .replaceAll("$meter", "M1")
      .replaceAll("$timeFilter", "time >= '2024-01-01' AND time < '2024-03-01'")
      .replaceAll("$__interval", "6h");
    expect(text).not.toContain("$");
    expect((await ask(text)).length, text).toBeGreaterThan(0);
  });
});

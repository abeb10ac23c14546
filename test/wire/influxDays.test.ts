/** What gas days came to: from the store's roll-ups to the real InfluxDB 1.6 of Debian, and again after a change. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseMeterId } from "#domain/ids.ts";
import { dayMs, hourMs, timestampMs } from "#domain/units.ts";
import { startInfluxDays, type InfluxDaysOptions } from "#sinks/influxDays.ts";
import { fileCursor } from "#sinks/fileCursor.ts";
import { storeRig } from "../support/readingStore.ts";
import {
  freePort,
  startInfluxd,
  until,
  writesOfInflux2,
  type TimeSeriesServer,
} from "../support/timeSeriesServer.ts";
import { requireTool } from "../support/tool.ts";

const influxd = requireTool("influxd", "influxdb") ?? "";
const meters = [1, 2, 3];
const days = 4;
const bucket = "mercaptan-days";
/** 00:00 in Shanghai. */
const startMs = Date.UTC(2026, 9, 31, 16);
const nowMs = startMs + (days + 2) * dayMs;

let folder = "";
let server: TimeSeriesServer;
beforeAll(async () => {
  if (influxd === "") return;
  folder = mkdtempSync(join(tmpdir(), "mercaptan-days-"));
  server = await startInfluxd(influxd, folder, { http: await freePort(), rpc: await freePort() });
  await ask(`CREATE DATABASE "${bucket}"`);
});
afterAll(async () => {
  if (influxd === "") return;
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function ask(query: string): Promise<readonly (readonly unknown[])[]> {
  const body = new URLSearchParams({ db: bucket, q: query, epoch: "ms" });
  const answer = await fetch(`${server.url}/query`, { method: "POST", body });
  const { results } = (await answer.json()) as {
    results: readonly { error?: string; series?: readonly { values: readonly unknown[][] }[] }[];
  };
  expect(results[0]?.error, query).toBeUndefined();
  return results[0]?.series?.[0]?.values ?? [];
}

/** What a meter takes in an hour of a day: no two days and meters are alike. */
function litresOf(meterNo: number, day: number): number {
  return meterNo * 100 + day;
}

function filledRig() {
  // Two meters in a chunk: a day is more than one part.
  const rig = storeRig({ chunkRows: 2 });
  for (const meterNo of meters) {
    let indexMl = 0;
    for (let hour = 0; hour <= days * 24; hour += 1) {
      rig.append([
        { meterNo, measuredAtMs: startMs + hour * hourMs, indexMl, quality: 3, batteryMv: 3_500 },
      ]);
      indexMl += litresOf(meterNo, Math.floor(hour / 24)) * 1_000;
    }
  }
  return rig;
}

function queriesOn(rig: ReturnType<typeof storeRig>): InfluxDaysOptions["queries"] {
  return {
    async rollUpPart(afterFileNo, part) {
      const found = rig.store.reads.rollUpPart(afterFileNo, part);
      if (found.fileNo === null) return found;
      const rows = found.rows.map((row) => ({
        ...row,
        meterId: parseMeterId(`M${row.meterNo}`) ?? "",
        area: "滨海 四区",
      }));
      return { ...found, rows };
    },
  };
}

test.skipIf(influxd === "")(
  "each gas day's volume is exact, and a day that late readings change is exact again",
  async () => {
    const rig = filledRig();
    await rig.store.maintain(rig.runner, nowMs);
    const front = await writesOfInflux2(server);
    const cursor = fileCursor(join(folder, "cursor"), "days");
    let waiting = -1;
    const copy = startInfluxDays({
      target: { url: front.url, org: "gas", bucket, token: null },
      queries: queriesOn(rig),
      cursor,
      observer: { note: () => undefined },
      metrics: { sinkLag: (_, rows) => (waiting = rows) },
      clock: { nowMs: () => timestampMs(nowMs), monotonicMs: () => performance.now() },
      rng: { bytes: (length) => new Uint8Array(length), uuidV7: () => "" },
      lookEveryMs: 20,
    });
    try {
      await until(() => waiting === 0);
      for (const meterNo of meters) {
        const rows = await ask(
          `SELECT "volume_ml", "readings" FROM "meter_day" WHERE "meter" = 'M${meterNo}'`,
        );
        const expected = Array.from({ length: days }, (_, day) => [
          startMs + day * dayMs,
          litresOf(meterNo, day) * 24_000,
          24,
        ]);
        // The register at the very beginning closes the day before, of which nothing else is known.
        expect(rows.slice(0, days + 1)).toEqual([[startMs - dayMs, null, 1], ...expected]);
      }
      const before = await cursor.load();
      // Late: the second day ends 500 ml higher than was known, so the third began there.
      const endMs = startMs + 2 * dayMs;
      const knownMl = (litresOf(1, 0) + litresOf(1, 1)) * 24_000;
      rig.append([{ meterNo: 1, measuredAtMs: endMs, indexMl: knownMl + 500, quality: 4 }]);
      await rig.store.maintain(rig.runner, nowMs);
      await until(async () => waiting === 0 && (await cursor.load()) > before);
      const rows = await ask(`SELECT "volume_ml" FROM "meter_day" WHERE "meter" = 'M1'`);
      expect(rows.slice(0, days).map(([, ml]) => ml)).toEqual([
        litresOf(1, 0) * 24_000,
        litresOf(1, 1) * 24_000 + 500,
        litresOf(1, 2) * 24_000 - 500,
        litresOf(1, 3) * 24_000,
      ]);
    } finally {
      await copy.stop();
      await front.close();
    }
  },
);

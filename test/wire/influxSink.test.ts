/** Against the real VictoriaMetrics: it speaks the write API of InfluxDB 2, which Debian does not carry. */
import { Worker } from "node:worker_threads";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readingFields } from "#sinks/readingPoint.ts";
import { openQueries } from "#ledger/queryClient.ts";
import { sinkOn } from "../support/influxSink.ts";
import { openedLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import { inTransaction, meterRow, readingRow, uplinkRow } from "../support/ledgerRows.ts";
import { namedReading, readingSource } from "../support/readingSource.ts";
import { freePort, startVictoriaMetrics, until } from "../support/timeSeriesServer.ts";
import { requireTool } from "../support/tool.ts";

const victoriaMetrics = requireTool("victoria-metrics", "victoria-metrics") ?? "";
let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "mercaptan-influx-"))));
afterEach(() => rmSync(folder, { recursive: true }));

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly timestamps: readonly number[];
}

/** Everything the server holds, one text a value; the same value written twice is one. */
async function storedValues(url: string): Promise<readonly string[]> {
  await fetch(`${url}/internal/force_flush`);
  const match = encodeURIComponent('{__name__=~"reading.*"}');
  const answer = await fetch(`${url}/api/v1/export?match[]=${match}&start=0`);
  const lines = (await answer.text()).split("\n").filter((line) => line !== "");
  const values = lines.flatMap((line) => {
    const { metric, values, timestamps } = JSON.parse(line) as Series;
    const name = `${metric["__name__"]} ${metric["meter"]} ${metric["area"]}`;
    return timestamps.map((at, n) => `${name} ${at} ${values[n]}`);
  });
  return [...new Set(values)].sort();
}

function expectedValues(newest: number): readonly string[] {
  const readings = Array.from({ length: newest }, (_, n) => namedReading(n + 1));
  return readings
    .flatMap((reading) => {
      const { meterId, area, measuredAtMs } = reading;
      return Object.entries(readingFields).flatMap(([field, valueOf]) => {
        const value = valueOf(reading);
        const place = `reading_${field} ${meterId} ${area.replaceAll("\\", "/")}`;
        return value === null ? [] : [`${place} ${measuredAtMs} ${value}`];
      });
    })
    .sort();
}

test.skipIf(victoriaMetrics === "")("what the ledger holds is what the server holds", async () => {
  const directory = temporaryDirectory();
  const ledger = openedLedger(directory);
  const script = new URL("../../src/queryWorker.ts", import.meta.url);
  const queries = openQueries(
    directory,
    (of) => new Worker(script, { workerData: { directory: of, fileKeys: null } }),
  );
  const server = await startVictoriaMetrics(victoriaMetrics, join(folder, "vm"), await freePort());
  const { start, cursor } = sinkOn(server.url, queries, folder);
  const sink = start();
  try {
    for (const first of [1, 201]) {
      inTransaction(ledger, () => {
        if (first === 1) ledger.putMeter(meterRow(1));
        for (let seq = first; seq < first + 200; seq += 1) {
          ledger.putUplink(uplinkRow(seq));
          ledger.putReading(readingRow(seq, -seq * 3_600_000));
        }
      });
      await until(async () => (await cursor.load()) === first + 199);
    }
    const stored = await storedValues(server.url);
    const expected = Array.from({ length: 400 }, (_, n) => {
      const { measuredAtMs, indexMl } = readingRow(n + 1, -(n + 1) * 3_600_000);
      return `reading_index_ml M0001 binhai-3 ${measuredAtMs} ${indexMl}`;
    });
    expect(stored.filter((value) => value.startsWith("reading_index_ml"))).toEqual(expected.sort());
  } finally {
    await sink.stop();
    await queries.close();
    await server.stop();
  }
});

test.skipIf(victoriaMetrics === "")(
  "everything arrives exactly, through an outage, a hang and restarts of the sink",
  async () => {
    const port = await freePort();
    let server = await startVictoriaMetrics(victoriaMetrics, join(folder, "vm"), port);
    const source = readingSource(10_000);
    const { start, cursor, events, state } = sinkOn(server.url, source, folder);
    let sink = start();
    try {
      await until(async () => (await cursor.load()) >= 4_000);
      await server.stop();
      source.newest = 14_000;
      await until(() => events.includes("sink.failed"));
      await sink.stop();
      source.newest = 16_000;
      sink = start();
      await until(() => state.lag >= 2_000);

      server = await startVictoriaMetrics(victoriaMetrics, join(folder, "vm"), port);
      await until(async () => (await cursor.load()) === 16_000);
      expect(events.filter((event) => event === "sink.recovered")).toHaveLength(1);

      events.length = 0;
      server.process.kill("SIGSTOP");
      source.newest = 18_000;
      await until(() => events.includes("sink.failed"));
      server.process.kill("SIGCONT");
      await until(async () => (await cursor.load()) === 18_000);
      await until(() => events.length === 2);
      expect(events).toEqual(["sink.failed", "sink.recovered"]);
      await until(() => state.lag === 0);

      const expected = expectedValues(18_000);
      const stored = await storedValues(server.url);
      const wanted = new Set(expected);
      expect(stored.filter((value) => !wanted.has(value)).slice(0, 3)).toEqual([]);
      expect(stored.length).toBe(expected.length);
    } finally {
      await sink.stop();
      await server.stop();
    }
  },
);

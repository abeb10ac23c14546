/**
 * The load of `npm run bench -- --scenario readings` on other stores, as JSON lines. First `npm install` in this
 * folder; then, from the top: npm exec -- node test/peers/peers.ts --peer duckdb|clickhouse --meters 10000 --days 3
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { startProgress } from "../bench/progress.ts";
import { quantilesMs, round } from "../bench/quantiles.ts";
import { Fleet, randomOf } from "../bench/readingsLoad.ts";
import { openClickHouse } from "./clickHouse.ts";
import { openDuckDb } from "./duckdb.ts";
import type { Peer, Span } from "./peer.ts";

const { values } = parseArgs({
  options: {
    peer: { type: "string", default: "duckdb" },
    meters: { type: "string", default: "10000" },
    days: { type: "string", default: "3" },
  },
});
const meters = Number(values.meters);
const days = Number(values.days);
const batchRows = 10_000;
const daySeconds = 86_400;
/** 2026-10-01 in Shanghai, as in the reading store's measurement. */
const startMs = Date.UTC(2026, 8, 30, 16);
const endSeconds = startMs / 1_000 + days * daySeconds;

function say(report: Record<string, unknown>): void {
  const load = {
    scenario: "readings",
    peer: values.peer,
    meters,
    days,
    cores: availableParallelism(),
  };
  process.stdout.write(`${JSON.stringify({ ...load, ...report })}\n`);
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

async function intake(peer: Peer): Promise<number> {
  const fleet = new Fleet({ meters, startMs, withOrigin: false });
  const commits: number[] = [];
  let rows = 0;
  let madeCpuMs = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const endProgress = startProgress(values.peer, "readings", () => rows);
  for (let hour = 0; hour < days * 24; hour += 1) {
    const making = process.cpuUsage();
    const batches = [...fleet.hour(hour, batchRows)];
    madeCpuMs += cpuMs(making);
    for (const batch of batches) {
      const start = performance.now();
      await peer.append(batch);
      commits.push(performance.now() - start);
      rows += batch.count;
    }
    if (hour % 24 === 23) await peer.closeDay();
  }
  const busyMs = performance.now() - began - madeCpuMs;
  endProgress();
  say({
    figure: "intake",
    readings: rows,
    readingsPerSecond: Math.round(rows / (busyMs / 1_000)),
    cpuMicrosecondsPerReading: round(((cpuMs(cpu) - madeCpuMs) * 1_000) / rows, 3),
    commitMs: quantilesMs(commits),
    residentMb: Math.round(process.memoryUsage.rss() / 1e6),
  });
  return rows;
}

/** Says on the error output what takes its time on a full load. */
function note(what: string): void {
  process.stderr.write(`${values.peer}: ${what}\n`);
}

async function timed(figure: string, times: number, ask: (turn: number) => Promise<unknown>) {
  note(figure);
  const samples: number[] = [];
  const cpu = process.cpuUsage();
  for (let turn = 0; turn < times; turn += 1) {
    const start = performance.now();
    await ask(turn);
    samples.push(performance.now() - start);
  }
  say({ figure, ...quantilesMs(samples), cpuMsMean: round(cpuMs(cpu) / times, 3) });
}

async function questions(peer: Peer): Promise<void> {
  const random = randomOf(7);
  const meter = (): number => 1 + Math.floor(random() * meters);
  const all: Span = { fromSeconds: startMs / 1_000, toSeconds: endSeconds };
  const before = (seconds: number, back: number): Span => ({
    fromSeconds: endSeconds - back - seconds,
    toSeconds: endSeconds - back,
  });
  await timed("last-ms", 200, () => peer.last(meter()));
  await timed("meter-all-days-ms", 200, () => peer.range(meter(), all));
  // Meters that were silent for two days are not found, which the reading store's answer has.
  await timed("registers-at-gas-day-ms", 20, () => peer.registers(before(2 * daySeconds, 0)));
  await timed("registers-at-any-instant-ms", 10, (turn) =>
    peer.registers(before(2 * daySeconds, daySeconds / 2 + turn)),
  );
  await timed("district-daily-use-ms", 50, () => {
    const first = 1 + Math.floor(random() * Math.max(1, meters - 1_000));
    return peer.district(first, first + 999, all);
  });
  await timed("top-20-peak-flow-ms", 20, () => peer.topFlow(before(daySeconds, 0), 20));
}

const folder = mkdtempSync(join(tmpdir(), "mercaptan-peers-"));
try {
  const open = values.peer === "clickhouse" ? openClickHouse : openDuckDb;
  const peer = await open(folder);
  const appended = await intake(peer);
  await questions(peer);
  note("settling");
  const settling = performance.now();
  await peer.settle();
  const settleMs = round(performance.now() - settling);
  const rows = await peer.rows();
  const bytesPerReading = round((await peer.bytes()) / rows, 3);
  say({ figure: "bytes", appended, rows, bytesPerReading, settleMs, versions: peer.versions });
  await peer.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

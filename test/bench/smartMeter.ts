/**
 * Durable, decoded, ruled and queryable uplinks a second, generator on the same machine; beside them a few
 * meters leak and recover, and a live client measures when their alarms arrive.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { cpuBetween, memoryMb, threadCpu } from "./processStats.ts";
import { quantilesMs, round } from "./quantiles.ts";
import { RawMeter, type LoadCounts } from "./rawMeter.ts";
import { registerMeters, startService, type Service } from "./service.ts";
import { LeakProbe } from "./leakProbe.ts";

export interface SmartMeterOptions {
  readonly connections: number;
  readonly inFlight: number;
  readonly seconds: number;
  /** Uplinks a second for all; 0: as fast as they are acknowledged. */
  readonly rate: number;
}

export function emptyCounts(): LoadCounts {
  return { sent: 0, acknowledged: 0, failed: 0, latencyMs: [] };
}

export async function runSmartMeter(options: SmartMeterOptions): Promise<Record<string, unknown>> {
  const service = await startService();
  try {
    return await measure(service, options);
  } finally {
    service.remove();
  }
}

async function measure(
  service: Service,
  options: SmartMeterOptions,
): Promise<Record<string, unknown>> {
  const ids = Array.from({ length: options.connections }, (_, no) => `B${no}`);
  const probeIds = Array.from({ length: 20 }, (_, no) => `P${no}`);
  const credentials = await registerMeters(service, [...ids, ...probeIds]);
  const counts = emptyCounts();
  const isProbe = (id: string) => id.startsWith("P");
  const meters = credentials
    .filter(({ id }) => !isProbe(id))
    .map((one) => new RawMeter(one, counts));
  for (const meter of meters) await meter.open(service.mqttPort);
  const probe = new LeakProbe(
    service,
    credentials.filter(({ id }) => isProbe(id)),
  );
  await probe.open();

  const run = startLoad(meters, options);
  await warmUp(counts);
  const cpuBefore = threadCpu(service.pid);
  const generatorBefore = process.cpuUsage();
  const before = { acknowledged: counts.acknowledged, latencies: counts.latencyMs.length };
  const startedMs = performance.now();
  probe.start();
  await new Promise((resolve) => setTimeout(resolve, options.seconds * 1_000));
  const seconds = (performance.now() - startedMs) / 1_000;
  const acknowledged = counts.acknowledged - before.acknowledged;
  const cpu = cpuBetween(service.pid, cpuBefore, threadCpu(service.pid));
  const generator = process.cpuUsage(generatorBefore);
  const memory = memoryMb(service.pid);
  const leaks = await probe.stop();
  run.stop();
  await settled(counts);
  for (const meter of meters) meter.close();
  probe.close();
  const exitCode = await service.stop();
  const stored = storedCounts(service.dataDir);
  const micros = (value: number) => round((value * 1e6) / acknowledged);
  return {
    scenario: "smart-meter",
    ...options,
    uplinksPerSecond: Math.round(acknowledged / seconds),
    acknowledged: counts.acknowledged + probe.counts.acknowledged,
    sent: counts.sent + probe.counts.sent,
    storedUplinks: stored.uplinks,
    storedReadings: stored.readings,
    lost: Math.max(0, counts.acknowledged + probe.counts.acknowledged - stored.uplinks),
    pubackMs: quantilesMs(counts.latencyMs.slice(before.latencies)),
    leakToLiveMs: leaks,
    cpuMicrosPerUplink: {
      main: micros(cpu.main),
      engine: micros(cpu.engine),
      others: micros(cpu.others),
      generator: round((generator.user + generator.system) / acknowledged),
    },
    memoryMb: memory,
    exitCode,
  };
}

/** Each connection keeps its messages in flight; with a rate, all together keep to it. */
export function startLoad(
  meters: readonly RawMeter[],
  options: Pick<SmartMeterOptions, "inFlight" | "rate">,
): { stop(): void } {
  let isRunning = true;
  if (options.rate > 0) return startPaced(meters, options.rate);
  for (const meter of meters) {
    let owed = 0;
    let isScheduled = false;
    const sendOwed = (): void => {
      isScheduled = false;
      if (!isRunning) return;
      meter.cork(() => {
        for (; owed > 0; owed -= 1) meter.send();
      });
    };
    meter.onAck = () => {
      if (!isRunning) return;
      if (options.inFlight === 1) {
        meter.send();
        return;
      }
      owed += 1;
      if (isScheduled) return;
      isScheduled = true;
      queueMicrotask(sendOwed);
    };
    meter.cork(() => {
      for (let no = 0; no < options.inFlight; no += 1) meter.send();
    });
  }
  return {
    stop() {
      isRunning = false;
    },
  };
}

function startPaced(meters: readonly RawMeter[], rate: number): { stop(): void } {
  const startedMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) * rate) / 1_000);
    for (; sent < due; sent += 1) meters[sent % meters.length]?.send();
  }, 2);
  return { stop: () => clearInterval(timer) };
}

async function warmUp(counts: LoadCounts): Promise<void> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < 3_000 || counts.acknowledged === 0) await pause(50);
}

/** Everything in flight has been answered. */
async function settled(counts: LoadCounts): Promise<void> {
  const untilMs = performance.now() + 10_000;
  while (counts.acknowledged < counts.sent && performance.now() < untilMs) await pause(20);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function storedCounts(dataDir: string): { readonly uplinks: number; readonly readings: number } {
  const ledger = new DatabaseSync(join(dataDir, "ledger.sqlite"), { readOnly: true });
  const count = (table: string) =>
    Number((ledger.prepare(`select count(*) as n from ${table}`).get() as { n: number }).n);
  const result = { uplinks: count("uplink"), readings: count("reading") };
  ledger.close();
  return result;
}

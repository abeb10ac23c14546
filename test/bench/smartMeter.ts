/**
 * Durable, decoded, ruled and queryable uplinks a second, generator on the same machine; beside them a few
 * meters leak and recover, and a live client measures when their alarms arrive.
 */
import { requireTool } from "../support/tool.ts";
import { LeakProbe, probeIds } from "./leakProbe.ts";
import { measureLoad, settled, startLoad, warmUp, type LoadOptions } from "./load.ts";
import { startMosquitto } from "./mosquitto.ts";
import { round } from "./quantiles.ts";
import { emptyCounts, RawMeter } from "./rawMeter.ts";
import type { Report } from "./report.ts";
import { registerMeters, withService, type Service } from "./service.ts";
import { storedRows } from "./storedRows.ts";

export interface SmartMeterOptions extends LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** `mosquitto`, or nobody. */
  readonly vs: string;
}

/** Our line; with a yardstick its line after it, and the ratio of the two. */
export async function runSmartMeter(options: SmartMeterOptions): Promise<readonly Report[]> {
  const ours = await withService((service) => measureOurs(service, options));
  if (options.vs === "") return [ours];
  const program = requireTool("mosquitto", "mosquitto");
  if (program === null) {
    process.stderr.write("mosquitto is missing (Debian package mosquitto): no comparison\n");
    return [ours];
  }
  const theirs = await measureTheirs(program, options);
  return [ours, theirs, ratioOf(ours, theirs)];
}

function meterIds({ connections }: SmartMeterOptions): readonly string[] {
  return Array.from({ length: connections }, (_, no) => `B${no}`);
}

async function measureOurs(service: Service, options: SmartMeterOptions) {
  const credentials = await registerMeters(service, meterIds(options));
  const counts = emptyCounts();
  const meters = credentials.map((one) => new RawMeter(one, counts));
  for (const meter of meters) await meter.open(service.mqttPort);
  const probe = new LeakProbe(service, await registerMeters(service, probeIds));
  await probe.open();
  const stopLoad = startLoad(meters, options);
  await warmUp(options.seconds, () => counts.acknowledged > 0);
  probe.start();
  const target = { name: "smart-meter", pid: service.pid };
  const figures = await measureLoad(target, counts, options.seconds);
  const leakToLiveMs = await probe.stop();
  stopLoad();
  await settled(counts);
  for (const meter of meters) meter.close();
  probe.close();
  const exitCode = await service.stop();
  const stored = storedRows(service.dataDir);
  const acknowledged = counts.acknowledged + probe.counts.acknowledged;
  return {
    scenario: "smart-meter",
    ...options,
    ...figures,
    leakToLiveMs,
    acknowledged,
    storedUplinks: stored.uplinks,
    storedReadings: stored.readings,
    lost: Math.max(0, acknowledged - stored.uplinks),
    failed: counts.failed,
    exitCode,
  };
}

async function measureTheirs(program: string, options: SmartMeterOptions) {
  const broker = await startMosquitto(program);
  try {
    const counts = emptyCounts();
    const meters = meterIds(options).map((id) => new RawMeter({ id, secret: "" }, counts));
    for (const meter of meters) await meter.open(broker.port, true);
    const stopLoad = startLoad(meters, options);
    await warmUp(options.seconds, () => counts.acknowledged > 0);
    const target = { name: "mosquitto", pid: broker.pid };
    const figures = await measureLoad(target, counts, options.seconds);
    stopLoad();
    await settled(counts);
    for (const meter of meters) meter.close();
    return { scenario: "smart-meter", of: "mosquitto", ...figures, failed: counts.failed };
  } finally {
    await broker.stop();
  }
}

type Figures = Awaited<ReturnType<typeof measureLoad>>;

function ratioOf(ours: Figures, theirs: Figures): Report {
  const serverMicros = ({ cpuMicrosPerUplink: { main, engine, others } }: Figures): number =>
    main + engine + others;
  return {
    scenario: "smart-meter",
    of: "ours / mosquitto",
    uplinksPerSecond: round(ours.uplinksPerSecond / theirs.uplinksPerSecond),
    pubackP50: round(ours.pubackMs.p50 / theirs.pubackMs.p50),
    pubackP99: round(ours.pubackMs.p99 / theirs.pubackMs.p99),
    serverCpuPerUplink: round(serverMicros(ours) / serverMicros(theirs)),
  };
}

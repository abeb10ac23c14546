/**
 * From the start of the program to the first uplink that is durable, over a fleet that has lived: after a stop, and
 * after a kill. The clause on the host's start (5.1.2) asks for two minutes.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { openLedger } from "#ledger/openLedger.ts";
import { fillLived } from "./livedLedger.ts";
import { settled } from "./load.ts";
import { memoryMb } from "./processStats.ts";
import { round } from "./quantiles.ts";
import { emptyCounts, RawMeter } from "./rawMeter.ts";
import type { Report } from "./report.ts";
import { adminKey, registerMeters, withService, type Service } from "./service.ts";

export interface StartOptions {
  readonly meters: number;
}

export async function runStart({ meters }: StartOptions): Promise<readonly Report[]> {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-start-"));
  const dataDir = join(folder, "data");
  // Both starts are of one ledger, and so of one administrator.
  const { key, keyFile } = adminKey(folder);
  try {
    process.stderr.write(`start: ${meters} meters are written\n`);
    const ledger = openLedger(dataDir);
    fillLived(ledger, meters, Date.now());
    ledger.close();
    const reports: Report[] = [];
    for (const after of ["stop", "kill"] as const) {
      process.stderr.write(`start: after a ${after}\n`);
      const began = performance.now();
      const figures = await withService((service) => measure({ ...service, key }, began, after), {
        MERCAPTAN_DATA_DIR: dataDir,
        MERCAPTAN_ADMIN_KEY_FILE: keyFile,
      });
      reports.push({ scenario: "start", meters, after, ...figures });
    }
    return reports;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first start ends with a kill, so that the next one is after it. */
async function measure(
  service: Pick<Service, "api" | "key" | "mqttPort" | "pid">,
  began: number,
  after: "stop" | "kill",
) {
  const readyMs = performance.now() - began;
  const counts = emptyCounts();
  const [credential] = await registerMeters(service, [`P${after}`]);
  if (credential === undefined) throw new TypeError("no credential was given");
  const registeredMs = performance.now() - began;
  const meter = new RawMeter(credential, counts);
  await meter.open(service.mqttPort);
  meter.send();
  await settled(counts);
  const durableMs = performance.now() - began;
  meter.close();
  const memory = memoryMb(service.pid);
  if (after === "stop") process.kill(service.pid, "SIGKILL");
  return {
    readyMs: round(readyMs),
    registeredMs: round(registeredMs),
    firstUplinkDurableMs: round(durableMs),
    acknowledged: counts.acknowledged,
    memoryMb: memory,
  };
}

/** Meters that reported in the past and never again: of closed days, and of months that retention may let go. */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { dayMs } from "#domain/units.ts";
import type { KeeperMeter } from "./keeperMeter.ts";
import { Load, registerKeepers } from "./keepers.ts";
import type { Victim } from "./victim.ts";

const metersADay = 20;
const reportingMs = 6_000;
const deliverWithinMs = 20_000;

/** So many days ago, by the clock of the settings, on the same data directory. */
export async function livePast(
  victim: Victim,
  days: number,
  rate: number,
): Promise<readonly KeeperMeter[]> {
  // A clock of twice the pace that is to meet the real one so far ahead stands as far back now.
  const meetMs = Date.now() + days * dayMs;
  const settings = { MERCAPTAN_CLOCK_FACTOR: "2", MERCAPTAN_CLOCK_BASE_MS: String(meetMs) };
  await victim.start(settings);
  const events = { ordered: () => undefined, acknowledged: () => undefined };
  const clock = { nowMs: () => 2 * Date.now() - meetMs };
  const named = { prefix: `P${days}-`, area: "past", clock };
  const meters = await registerKeepers(victim, metersADay, events, named);
  for (const meter of meters) meter.rise(victim.mqttPort);
  const load = new Load(meters, rate);
  await delay(reportingMs);
  load.stop();
  const untilMs = performance.now() + deliverWithinMs;
  while (meters.some(({ waiting }) => waiting > 0) && performance.now() < untilMs) await delay(20);
  await victim.stop();
  for (const meter of meters) meter.rest();
  return meters;
}

/** A district with incidents against the whole program; afterwards its own record and the engine's must agree. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { simulatedProtocols, type SimulatedProtocol } from "#simulators/codec.ts";
import { minuteMs } from "#domain/units.ts";
import { protocolByName } from "#protocols/registry.ts";
import { callApi } from "#simulators/api.ts";
import { registerDistrict, runDistrict } from "#simulators/district.ts";
import { startEngine, type RunningEngine } from "#simulators/engineProcess.ts";
import type { Fleet } from "#simulators/fleet.ts";
import { planDistrict } from "#simulators/plan.ts";
import { memoryTruth } from "#simulators/truth.ts";

const lapse = { baseMs: Date.now(), factor: 120 };
const truth = memoryTruth();
const plans = planDistrict({ meters: 60, seed: 11, reportEveryMs: 10 * minuteMs });
const households = plans.filter(({ siteClass }) => siteClass === "household");
const leaking = simulatedProtocols.flatMap(
  (protocol) => households.find((plan) => plan.protocol === protocol)?.id ?? [],
);
const others = households.map(({ id }) => id).filter((id) => !leaking.includes(id));
const [repeating = "", disordered = "", silent = ""] = others;

let engine: RunningEngine;
let fleet: Fleet;

beforeAll(async () => {
  engine = await startEngine(lapse);
  const registrations = await registerDistrict(engine.api, plans);
  fleet = runDistrict(plans, registrations, { broker: engine.broker, lapse, truth });
  const atMs = fleet.clock.nowMs();
  for (const meterId of leaking) {
    fleet.stage({ kind: "leak", meterId, atMs: atMs + 5 * minuteMs, mlPerHour: 600_000 });
  }
  fleet.stage({ kind: "duplicates", meterId: repeating, atMs, copies: 2 });
  fleet.stage({ kind: "disorder", meterId: disordered, atMs, group: 3 });
  fleet.stage({ kind: "silence", meterId: silent, atMs });
  await until(async () => (await commandStates()).filter((s) => s === "verified").length === 3);
  // Every meter has reported at least twice by then.
  await fleet.clock.sleepUntil(atMs + 25 * minuteMs);
  await fleet.settle();
  fleet.stop();
}, 60_000);

afterAll(async () => {
  fleet.stop();
  const hasStopped = await engine.stop();
  await rm(engine.dataDir, { recursive: true, force: true });
  expect(hasStopped).toBe(true);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(100);
}

async function items<Item>(path: string): Promise<readonly Item[]> {
  const answer = (await callApi(engine.api, "GET", path)) as { items: readonly Item[] };
  return answer.items;
}

async function commandStates(): Promise<readonly string[]> {
  const commands = await items<{ state: string }>("/v1/commands?limit=100");
  return commands.map(({ state }) => state);
}

test("each leak has one alarm, one command, and moved its valve once", async () => {
  const alarms = await items<{ rule: string; meterId: string }>("/v1/alarms?limit=100");
  const leaks = alarms.filter(({ rule }) => rule === "R1").map(({ meterId }) => meterId);
  expect(leaks.toSorted()).toEqual(leaking.toSorted());
  expect(await commandStates()).toEqual(["verified", "verified", "verified"]);
  const moved = truth.records.flatMap((r) => (r.kind === "movement" ? [r.meterId] : []));
  expect(moved.toSorted()).toEqual(leaking.toSorted());
});

interface Acknowledged {
  readonly meterId: string;
  readonly protocol: SimulatedProtocol;
  readonly hex: string;
}

function acknowledged(): readonly Acknowledged[] {
  return truth.records.flatMap((record) => (record.kind === "acknowledged" ? [record] : []));
}

test("every acknowledged register value can be read back, exactly and once", async () => {
  const sent = new Map<string, Map<number, number>>();
  for (const { meterId, protocol, hex } of acknowledged()) {
    const telegram = protocolByName[protocol].decode(Buffer.from(hex, "hex"));
    if (!telegram.ok) expect.unreachable(`${meterId} sent what cannot be decoded`);
    const values = sent.get(meterId) ?? new Map<number, number>();
    sent.set(meterId, values);
    for (const { measuredAtMs, volume } of telegram.value.readings) {
      if (measuredAtMs !== null && volume !== null) values.set(measuredAtMs, volume.ml);
    }
  }
  expect(sent.size).toBeGreaterThan(50);
  for (const [meterId, values] of sent) {
    const kept = await items<{ measuredAt: string; volumeM3: string }>(
      `/v1/meters/${meterId}/readings?limit=1000`,
    );
    const read = kept.map(({ measuredAt, volumeM3 }): [number, number] => [
      Date.parse(measuredAt),
      Math.round(Number(volumeM3) * 1e6),
    ]);
    expect(read.toSorted(byTime), meterId).toEqual([...values].toSorted(byTime));
  }
});

function byTime(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0];
}

test("nothing is unaccounted for: what was received is what was acknowledged", async () => {
  const response = await fetch(`${engine.api.baseUrl}/metrics`);
  const lines = (await response.text()).split("\n");
  let received = 0;
  for (const line of lines) {
    if (line.startsWith("mercaptan_uplinks_total{")) received += Number(line.split(" ").at(-1));
  }
  expect(received).toBe(acknowledged().length);
});

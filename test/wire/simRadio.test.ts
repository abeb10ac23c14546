/** A simulated meter against the real listener, with commits and orders in the test's hands. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { statusBits } from "#domain/status.ts";
import type { Telegram } from "#domain/telegram.ts";
import { hourMs, timestampMs } from "#domain/units.ts";
import { encodeJsonCommand } from "#protocols/json/command.ts";
import { jsonProtocol } from "#protocols/json/protocol.ts";
import { runDistrict } from "#simulators/district.ts";
import type { Fleet } from "#simulators/fleet.ts";
import { planDistrict } from "#simulators/plan.ts";
import { memoryTruth } from "#simulators/truth.ts";
import type { MemoryTruth } from "#simulators/truth.ts";
import type { ValveKind } from "#simulators/valve.ts";
import { secretOf, startRig, until, type Rig } from "../support/mqttRig.ts";

const meterId = "M0001";
const motorMs = 1_000;
let rig: Rig;
let fleet: Fleet | null = null;
let truth: MemoryTruth;

beforeEach(async () => {
  rig = await startRig();
  truth = memoryTruth();
});
afterEach(async () => {
  fleet?.stop();
  fleet = null;
  await rig.stop();
});

/** One meter, which reports only when something happens. */
function runMeter(kind: ValveKind = "obeys", factor = 60): Fleet {
  const [plan] = planDistrict({ meters: 1, seed: 1, reportEveryMs: 10_000 * hourMs });
  if (plan === undefined) expect.unreachable("one meter was planned");
  const one = { ...plan, id: meterId, valve: { ...plan.valve, kind, motorMs } };
  fleet = runDistrict(
    [one],
    new Map([[meterId, { secret: secretOf(meterId), knownIndexMl: null }]]),
    {
      broker: { host: "127.0.0.1", port: rig.intake.port },
      lapse: { baseMs: Date.now(), factor },
      truth,
      radio: { listenRealMs: 200, followUpEveryMs: 30_000, followUps: 3 },
    },
  );
  return fleet;
}

function telegrams(): readonly Telegram[] {
  return rig.queue.offered.map(({ bytes }) => {
    const decoded = jsonProtocol.decode(bytes);
    if (!decoded.ok) expect.unreachable("a simulated meter sends what can be decoded");
    return decoded.value;
  });
}

function orderClose(id: string, expiresInMs = hourMs): void {
  const nowMs = fleet?.clock.nowMs() ?? 0;
  const issuedAtMs = timestampMs(nowMs);
  const expiresAtMs = timestampMs(nowMs + expiresInMs);
  const order = { commandId: commandId(id), action: "close", issuedAtMs, expiresAtMs } as const;
  rig.carrier.send({
    commandId: order.commandId,
    meterNo: 1,
    protocol: "json",
    bytes: encodeJsonCommand(order),
    // The order's own time is the district's; the carrier's is the rig's.
    expiresAtMs: Date.now() + hourMs,
  });
}

const movements = () => truth.records.filter(({ kind }) => kind === "movement").length;
const replies = () => telegrams().flatMap((telegram) => telegram.replies);
const valves = () => telegrams().flatMap(({ readings }) => readings.map(({ valve }) => valve));

test("a leak wakes the meter at once; after its listening window it sleeps again", async () => {
  const running = runMeter();
  running.stage({ kind: "leak", meterId, atMs: running.clock.nowMs(), mlPerHour: 600_000 });
  await until(() => rig.queue.offered.length === 1, "the leak was reported");
  expect(telegrams()[0]?.readings[0]?.status).toBe(statusBits.leak);
  expect(rig.queue.contacts).toEqual([1]);
  await until(() => running.acknowledged === 1, "it was acknowledged");
  expect(truth.records.map(({ kind }) => kind)).toEqual(["incident", "acknowledged"]);
});

test("an ordinary report ends with sleep", async () => {
  const running = runMeter();
  running.stage({ kind: "batteryFade", meterId, atMs: 0, mvPerHour: 1 });
  running.reportNow(meterId);
  await until(() => running.acknowledged === 1, "the report was acknowledged");
  expect(running.sessions).toBe(1);
});

test("an order to close: answered, moved once, reported closed, followed by quiet reports", async () => {
  const running = runMeter();
  running.stage({ kind: "leak", meterId, atMs: running.clock.nowMs(), mlPerHour: 600_000 });
  await until(() => running.acknowledged === 1, "the leak was reported");
  orderClose("c1");
  await until(() => valves().filter((valve) => valve === "closed").length === 4, "all follow-ups");
  expect(replies()).toMatchObject([{ commandId: "c1", result: "accepted" }]);
  expect(rig.queue.outcomes).toEqual([{ commandId: "c1", outcome: "delivered" }]);
  expect(movements()).toBe(1);
  const shown = telegrams().flatMap(({ readings }) =>
    readings.flatMap(({ valve, volume }) => (valve === "closed" ? [volume?.ml] : [])),
  );
  expect(new Set(shown).size).toBe(1);
});

test("the same order again is answered again and moves nothing", async () => {
  const running = runMeter();
  running.reportNow(meterId);
  await until(() => running.acknowledged === 1, "the meter listens");
  orderClose("c1");
  await until(() => replies().length === 1, "the first answer");
  orderClose("c1");
  await until(() => replies().length === 2, "the second answer");
  expect(movements()).toBe(1);
});

test("an order that is over is refused", async () => {
  const running = runMeter();
  running.reportNow(meterId);
  await until(() => running.acknowledged === 1, "the meter listens");
  orderClose("c1", -1);
  await until(() => replies().length === 1, "the answer");
  expect(replies()).toMatchObject([{ result: "refused", reason: "expired" }]);
  expect(movements()).toBe(0);
});

test("a valve that never answers takes the order and says nothing", async () => {
  const running = runMeter("silent");
  running.reportNow(meterId);
  await until(() => running.acknowledged === 1, "the meter listens");
  orderClose("c1");
  await until(() => truth.records.some(({ kind }) => kind === "order"), "the order arrived");
  expect(truth.records.at(-1)).toMatchObject({ kind: "order", result: null });
  expect(replies()).toEqual([]);
});

test("what is not acknowledged is kept and sent again, byte for byte", async () => {
  rig.queue.isAutomatic = false;
  const running = runMeter();
  running.reportNow(meterId);
  await until(() => rig.queue.offered.length === 1, "the first sending");
  rig.queue.settle("store-failed");
  await until(() => rig.queue.offered.length === 2, "the second sending");
  expect(running.acknowledged).toBe(0);
  expect(running.pending).toBe(1);
  rig.queue.settle();
  await until(() => running.acknowledged === 1, "the acknowledgement");
  expect(rig.queue.offered[1]?.bytes).toEqual(rig.queue.offered[0]?.bytes);
  expect(running.pending).toBe(0);
});

test("duplicates are the same bytes; disorder is newest first", async () => {
  const running = runMeter("obeys", 3_600);
  running.stage({ kind: "duplicates", meterId, atMs: 0, copies: 1 });
  running.stage({ kind: "disorder", meterId, atMs: 0, group: 2 });
  await until(() => truth.records.length === 2, "both have begun");
  for (let turn = 1; turn <= 2; turn += 1) {
    running.reportNow(meterId);
    const nextMs = running.clock.nowMs() + 60_000;
    await running.clock.sleepUntil(nextMs);
  }
  await until(() => running.acknowledged === 4, "all were sent");
  const ids = telegrams().map(({ frameId }) => frameId);
  expect(ids).toEqual([2, 2, 1, 1]);
});

test("the memory keeps the newest and owns up to what it forgot", async () => {
  rig.queue.isAutomatic = false;
  const running = runMeter();
  for (let report = 0; report < 70; report += 1) running.reportNow(meterId);
  expect(running.pending).toBe(64);
  expect(truth.records.filter(({ kind }) => kind === "forgotten")).toHaveLength(6);
});

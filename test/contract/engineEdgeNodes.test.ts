/** Conversations with edge nodes in the engine: order, gaps, births, restarts, failed commits, and what rings. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { minuteMs, secondMs } from "#domain/units.ts";
import { EdgeNode, uplinkBytes, type EdgeMessage } from "#simulators/edgeNode.ts";
import { splitTopic } from "#protocols/sparkplug/uplink.ts";
import { decodePayload } from "#protocols/sparkplug/payload.ts";
import { EngineUnderTest } from "../support/engine.ts";
import { checkLedger, sizesOf } from "../support/ledgerInvariants.ts";

let engine: EngineUnderTest;
let node: EdgeNode;

beforeEach(() => {
  engine = new EngineUnderTest();
  node = new EdgeNode("city", "N1", ["M0001", "imei-2"]);
  const profile = "simulated-sparkplug";
  engine.register("M0001", { protocol: "sparkplug", profile });
  engine.register("M0002", { protocol: "sparkplug", profile, carrierAddress: "imei-2" });
  engine.register("M0003", { protocol: "sparkplug", profile });
  engine.ask({ kind: "gateway.put", gateway: { id: "N1", meterIds: ["M0001", "M0002"] } });
  engine.ask({ kind: "gateway.put", gateway: { id: "N2", meterIds: ["M0003"] } });
});
afterEach(() => {
  checkLedger(engine);
  engine.close();
});

/** Messages as one batch. */
function hear(messages: readonly EdgeMessage[], gateway = "N1", reachable = false) {
  const uplinks = messages.map((message) => ({
    meterNo: -1,
    bytes: uplinkBytes(message),
    protocol: "sparkplug" as const,
    gateway,
    reachable,
  }));
  const report = engine.uplinks(uplinks);
  if (report.kind !== "committed") expect.unreachable("not committed");
  return report;
}

function later(ms: number) {
  engine.nowMs += ms;
  return engine.nowMs;
}

const outcomes = () =>
  engine.rows("SELECT outcome FROM uplink ORDER BY seq").map((r) => r["outcome"]);
const reasons = () => engine.rows("SELECT reason, detail FROM quarantine ORDER BY id");
const readings = (meterNo: number) =>
  engine.ledger.readingsAfter(meterNo, 0).map(({ indexMl }) => indexMl);
const rings = () => engine.alarms("R1").filter(({ historical }) => !historical).length;

test("births and data by alias become readings of the meters that are named", () => {
  hear(node.births(later(minuteMs)));
  node.meter("imei-2").litres += 5;
  hear([node.data("imei-2", { metrics: ["Volume"], atMs: later(minuteMs) })]);
  expect(readings(1)).toEqual([1_000_000_000]);
  expect(readings(2)).toEqual([1_001_000_000, 1_001_005_000]);
  expect(outcomes()).toEqual(["accepted", "accepted", "accepted", "accepted"]);
  expect(engine.rows("SELECT meter_no AS no, route, protocol FROM uplink WHERE seq = 3")).toEqual([
    { no: 2, route: "gateway:N1", protocol: "sparkplug" },
  ]);
});

test("a message that is ahead waits for the one before it, and both are taken in their order", () => {
  hear(node.births(later(minuteMs)));
  node.meter("M0001").litres += 1;
  const first = node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) });
  node.meter("M0001").litres += 1;
  const second = node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) });
  const { linkNotes } = hear([second]);
  expect(linkNotes).toEqual([]);
  expect(readings(1)).toHaveLength(1);
  hear([first]);
  expect(readings(1)).toEqual([1_000_000_000, 1_000_001_000, 1_000_002_000]);
  expect(outcomes().slice(3)).toEqual(["accepted", "accepted"]);
});

test("what is missing for too long is given up: a rebirth is asked for, and nothing is lost", () => {
  hear(node.births(later(minuteMs)));
  node.loseOne();
  const leak = node.data("M0001", { metrics: ["Volume"], atMs: later(minuteMs) });
  hear([leak]);
  later(3 * secondMs);
  const report = hear([]);
  expect(report.linkNotes).toMatchObject([{ kind: "ask", gateway: "N1" }]);
  const [note] = report.linkNotes;
  if (note?.kind !== "ask") expect.unreachable("no question");
  const asked = splitTopic(note.bytes);
  expect(asked?.topic).toEqual({ type: "NCMD", group: "city", edge: "N1", device: null });
  const payload = decodePayload(asked?.payload ?? new Uint8Array());
  expect(payload).toMatchObject({ ok: true, value: { seq: null } });
  // The alias may have been given anew in what was lost, so it is not guessed at.
  expect(reasons()).toMatchObject([{ reason: "BIRTH" }]);
  expect(outcomes().at(-1)).toBe("quarantined");
  hear(node.births(later(secondMs)));
  const redecoded = engine.ask({ kind: "quarantine.redecode", quarantineId: 1 });
  expect(redecoded).toMatchObject({ ok: true, answer: { kind: "uplink", seq: 4 } });
  expect(readings(1)).toHaveLength(3);
});

test("data before any birth are kept with a reason, and the node is asked once in a while", () => {
  const first = hear([node.data("M0001", { atMs: later(minuteMs) })]);
  expect(first.linkNotes).toHaveLength(1);
  const second = hear([node.data("M0001", { atMs: later(secondMs) })]);
  expect(second.linkNotes).toEqual([]);
  expect(reasons()).toMatchObject([{ reason: "BIRTH" }, { reason: "BIRTH" }]);
  const third = hear([node.data("M0001", { atMs: later(minuteMs) })]);
  expect(third.linkNotes).toHaveLength(1);
});

test("names are heard without a birth, a leak first of all", () => {
  node.meter("M0001").hasLeak = true;
  hear([node.data("M0001", { atMs: later(minuteMs), byAlias: false })]);
  expect(rings()).toBe(1);
  expect(outcomes()).toEqual(["accepted"]);
});

test("a repeated message is a duplicate, and an old will kills nobody", () => {
  const will = node.newSession();
  hear(node.births(later(minuteMs)));
  const data = node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) });
  hear([data]);
  hear([data]);
  node.newSession();
  hear(node.births(later(minuteMs)));
  hear([will]);
  const { linkNotes } = hear([node.data("M0001", { metrics: ["Volume"], atMs: later(minuteMs) })]);
  expect(linkNotes).toEqual([]);
  expect(reasons()).toEqual([]);
});

test("a death makes the node's aliases worthless, and raises no alarm", () => {
  node.newSession();
  hear(node.births(later(minuteMs)));
  hear([node.death()]);
  expect(engine.rows("SELECT id FROM alarm")).toEqual([]);
  hear([node.data("M0001", { metrics: ["Volume"], atMs: later(minuteMs) })]);
  expect(reasons()).toMatchObject([{ reason: "BIRTH" }]);
});

test("a leak holds while other metrics speak, and is over when it says so itself", () => {
  hear(node.births(later(minuteMs)));
  node.meter("M0001").hasLeak = true;
  hear([node.data("M0001", { metrics: ["Leak"], atMs: later(minuteMs) })]);
  hear([node.data("M0001", { metrics: ["Battery/Low"], atMs: later(minuteMs) })]);
  hear([node.data("M0001", { metrics: ["Volume"], atMs: later(minuteMs) })]);
  expect(engine.alarms("R1")).toMatchObject([{ returnedAtMs: null }]);
  node.meter("M0001").hasLeak = false;
  hear([node.data("M0001", { metrics: ["Leak"], atMs: later(minuteMs) })]);
  expect(engine.alarms("R1")[0]?.returnedAtMs).not.toBeNull();
  expect(rings()).toBe(1);
});

test("a leak that began hours before a birth rings now, and moves no valve by itself", () => {
  node.meter("M0001").hasLeak = true;
  const beganMs = engine.nowMs;
  later(180 * minuteMs);
  const [birth, first] = node.births(beganMs);
  hear([birth, first].filter((one) => one !== undefined));
  expect(rings()).toBe(1);
  expect(engine.rows("SELECT state FROM command")).toEqual([{ state: "refused" }]);
  // The register keeps the time at which it was read.
  const registers = engine.readings().filter(({ indexMl }) => indexMl !== null);
  expect(registers.map(({ measuredAtMs }) => measuredAtMs)).toEqual([beganMs]);
});

test("a node without a clock begins again with the same bytes, and is heard again", () => {
  const born = node.births(later(minuteMs));
  hear(born);
  hear([node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) })]);
  hear(born);
  const { linkNotes } = hear([node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) })]);
  expect(linkNotes).toEqual([]);
  expect(reasons()).toEqual([]);
});

test("what a node remembers is history: it makes readings, rings not, and moves no valve", () => {
  const thenMs = later(minuteMs);
  later(5 * minuteMs);
  hear(node.births(later(minuteMs)));
  node.meter("M0001").hasLeak = true;
  node.meter("M0001").litres -= 10;
  hear([node.data("M0001", { atMs: thenMs, isHistorical: true })]);
  expect(readings(1)).toEqual([999_990_000, 1_000_000_000]);
  expect(rings()).toBe(0);
  expect(engine.rows("SELECT id FROM command")).toEqual([]);
});

test("meters that the gateway does not have are kept with a reason, and the node works on", () => {
  const strange = new EdgeNode("city", "N1", ["M0001", "M0003", "M0099"]);
  hear(strange.births(later(minuteMs)));
  expect(reasons()).toEqual([
    { reason: "NOT_OWNER", detail: "name M0003" },
    { reason: "UNKNOWN_METER", detail: "name M0099" },
  ]);
  expect(readings(1)).toHaveLength(1);
  expect(readings(3)).toEqual([]);
  // A topic with another node in it never gets past the listener; should it do so, it is nobody's.
  hear([strange.nodeBirth(later(minuteMs))], "N2");
  expect(reasons().at(-1)).toMatchObject({ reason: "NOT_OWNER" });
});

test("a meter without a table is kept until its profile is there", () => {
  engine.register("M0004", { protocol: "sparkplug" });
  engine.ask({ kind: "gateway.put", gateway: { id: "N4", meterIds: ["M0004"] } });
  const other = new EdgeNode("city", "N4", ["M0004"]);
  hear(other.births(later(minuteMs)), "N4");
  expect(reasons()).toMatchObject([{ reason: "UNSUPPORTED" }]);
  const change = { profile: "simulated-sparkplug" };
  engine.ask({ kind: "meter.change", meterId: "M0004", ifVersion: null, change });
  expect(engine.ask({ kind: "quarantine.redecode", quarantineId: 1 })).toMatchObject({ ok: true });
  expect(readings(4)).toEqual([1_000_000_000]);
});

test("bytes that are no payload, and no topic, are kept with a reason", () => {
  hear(node.births(later(minuteMs)));
  const { topic } = node.data("M0001", { atMs: later(secondMs) });
  hear([{ topic, payload: Uint8Array.of(0x12, 0x05, 0x01) }]);
  hear([{ topic: "spBv1.0/city/DCMD/N1/M0001", payload: new Uint8Array() }]);
  expect(reasons().map(({ reason }) => reason)).toEqual(["SCHEMA", "NOT_OWNER"]);
});

test("two nodes do not hear of each other", () => {
  const other = new EdgeNode("city", "N2", ["M0003"]);
  hear(node.births(later(minuteMs)));
  hear(other.births(later(secondMs)), "N2");
  node.loseOne();
  hear([node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) })]);
  hear([other.data("M0003", { metrics: ["Volume"], atMs: engine.nowMs })], "N2");
  expect(readings(1)).toHaveLength(1);
  expect(readings(3)).toHaveLength(2);
});

test("a restart in the middle goes on where the ledger stands", () => {
  hear(node.births(later(minuteMs)));
  const missing = node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) });
  hear([node.data("imei-2", { metrics: ["Volume"], atMs: later(secondMs) })]);
  engine.restart();
  hear([missing]);
  expect(readings(1)).toHaveLength(2);
  expect(readings(2)).toHaveLength(2);
  expect(reasons()).toEqual([]);
  node.loseOne();
  hear([node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) })]);
  engine.restart();
  later(3 * secondMs);
  expect(hear([]).linkNotes).toMatchObject([{ kind: "ask", gateway: "N1" }]);
});

test("a commit that fails leaves the conversation as it was", () => {
  hear(node.births(later(minuteMs)));
  const state = () => engine.rows("SELECT * FROM edge_node");
  const before = state();
  const size = sizesOf(engine);
  const data = node.data("M0001", { metrics: ["Volume"], atMs: later(secondMs) });
  const uplink = {
    meterNo: -1,
    bytes: uplinkBytes(data),
    protocol: "sparkplug",
    gateway: "N1",
  } as const;
  for (const writes of [0, 1, 2, 5]) {
    engine.failAfter(writes);
    expect(engine.uplinks([uplink]).kind).toBe("notCommitted");
    expect(state()).toEqual(before);
    expect(sizesOf(engine)).toEqual(size);
  }
  engine.failAfter(null);
  hear([data]);
  expect(readings(1)).toHaveLength(2);
  expect(reasons()).toEqual([]);
});

test("a leak closes its valve by the profile's metric, and the flow proves it", () => {
  hear(node.births(later(minuteMs)));
  node.meter("M0001").hasLeak = true;
  const atMs = later(minuteMs);
  const { downlinks } = hear([node.data("M0001", { atMs })], "N1", true);
  expect(downlinks).toMatchObject([{ meterNo: 1, protocol: "sparkplug" }]);
  const order = splitTopic(downlinks[0]?.bytes ?? new Uint8Array());
  expect(order?.topic).toEqual({ type: "DCMD", group: "city", edge: "N1", device: "M0001" });
  const payload = order?.payload ?? new Uint8Array();
  const commandId = downlinks[0]?.commandId;
  if (commandId === undefined) expect.unreachable("no order");
  engine.notices({ kind: "downlink", commandId, outcome: "unconfirmed" });
  const stateOf = () => engine.ledger.command(commandId)?.state;
  expect(stateOf()).toBe("unknown");
  const topic = "spBv1.0/city/DCMD/N1/M0001";
  const answers = node.hear({ topic, payload }, later(5 * secondMs));
  hear(answers);
  expect(stateOf()).toBe("executed");
  for (let step = 0; step < 3; step += 1) {
    hear([node.data("M0001", { metrics: ["Volume"], atMs: later(minuteMs) })]);
  }
  expect(stateOf()).toBe("verified");
  expect(node.meter("M0001").movements).toBe(1);
});

test("groups of one gateway are bounded, and reaching the bound is told", () => {
  const groups = Array.from({ length: 9 }, (_, place) => new EdgeNode(`g${place}`, "N1", []));
  const atMs = later(minuteMs);
  const { linkNotes } = hear(groups.map((one) => one.nodeBirth(atMs)));
  expect(linkNotes).toEqual([{ kind: "limit", gateway: "N1", what: "groups", max: 8 }]);
  expect(reasons()).toMatchObject([{ reason: "UNSUPPORTED" }]);
});

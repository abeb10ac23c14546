/** Every act with who, role, reason, before and after, request and source; the engine's own acts too. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { hourMs, minuteMs } from "#domain/units.ts";
import type { Actor, Ask } from "#ports/requests.ts";
import { EngineUnderTest, envelopeOf, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;
const eve: Actor = { label: "eve", role: "engineer" };
const otto: Actor = { label: "otto", role: "operator" };

beforeEach(() => {
  engine = new EngineUnderTest();
  for (const { label, role } of [eve, otto]) {
    engine.ask({ kind: "apiKey.issue", apiKey: { id: label, keyHash: "0", role, label } });
  }
  meterNo = engine.register("M1", { address: "1 Secret Street" });
});
afterEach(() => engine.close());

function entries(act: string) {
  return engine
    .rows("SELECT actor, role, reason, subject, detail FROM audit WHERE act = ? ORDER BY seq", act)
    .map(({ detail, ...row }) => {
      return { ...row, ...(JSON.parse(String(detail)) as Readonly<Record<string, unknown>>) };
    });
}

function leak(reachable = false): void {
  engine.nowMs += minuteMs;
  const said = { measuredAt: engine.nowMs, volumeM3: "1.000", valve: "open", status: ["leak"] };
  engine.uplinks([{ meterNo, bytes: jsonBytes(said), reachable }]);
}

test.each<[Ask, Actor, object, object]>([
  [
    { kind: "valves.policy", secondPerson: "always", reason: "winter" },
    eve,
    { secondPerson: "never" },
    { secondPerson: "always" },
  ],
  [{ kind: "automation.stop", reason: "winter" }, otto, { stopped: false }, { stopped: true }],
  [
    { kind: "gateway.put", gateway: { id: "G1", meterIds: ["M1"] } },
    eve,
    { meters: [] },
    { meters: ["M1"] },
  ],
  [
    { kind: "meter.change", meterId: "M1", ifVersion: null, change: { critical: true } },
    eve,
    { critical: false, version: 1 },
    { critical: true, version: 2 },
  ],
  [
    { kind: "valve.close", meterId: "M1", reason: "winter", expiresInMs: hourMs },
    otto,
    { outstanding: null },
    { outstanding: { action: "close", state: "queued" }, state: "queued" },
  ],
  [
    { kind: "apiKey.revoke", id: "otto" },
    { label: "ada", role: "admin" },
    { label: "otto", role: "operator" },
    {},
  ],
])("%o: how it was and how it is", (ask, actor, before, after) => {
  const envelope = { ...envelopeOf(ask, actor), requestId: "r-1" };
  engine.process({ asks: [{ askNo: 1, envelope }] });
  const who = { actor: actor.label, role: actor.role, requestId: "r-1", source: "test" };
  const reason = "reason" in ask ? ask.reason : null;
  expect(entries(ask.kind).at(-1)).toMatchObject({ ...who, reason, result: "done", before, after });
});

test("what was refused has changed nothing, and says how it stood", () => {
  engine.ask({ kind: "valve.close", meterId: "M1", reason: "smell", expiresInMs: hourMs }, otto);
  const commandId = engine.ledger.openCommands()[0]?.id ?? "";
  engine.ask({ kind: "command.approve", commandId, reason: "seen" }, otto);
  const [entry] = entries("command.approve");
  expect(entry).toMatchObject({ result: "not-allowed-in-state", before: { state: "queued" } });
  expect(entry).not.toHaveProperty("after");
});

test("an alarm before and after a person's act", () => {
  leak();
  const [alarm] = engine.alarms("R1");
  const acknowledge = { kind: "alarm.acknowledge", occurrence: 1, comment: null } as const;
  engine.ask({ ...acknowledge, alarmId: alarm?.id ?? "" }, otto);
  expect(entries("alarm.acknowledge")).toMatchObject([
    { before: { state: "unacknowledged" }, after: { state: "acknowledged" } },
  ]);
});

test("what the engine orders, refuses and sends by itself is in the chain as well", () => {
  leak();
  leak(true);
  const by = { actor: "engine", role: "engine", subject: "M1", reason: "R1" };
  const [alarm] = engine.alarms("R1");
  const source = `alarm ${alarm?.id}`;
  expect(entries("command.authorised")).toMatchObject([
    { ...by, source, after: { action: "close" } },
  ]);
  expect(entries("command.sent")).toMatchObject([{ ...by, source, after: { attempts: 1 } }]);
  engine.ask({ kind: "automation.stop", reason: "drill" }, otto);
  meterNo = engine.register("M2");
  leak();
  expect(entries("command.refused")).toMatchObject([
    { subject: "M2", after: { state: "refused", detail: "automation-stopped" } },
  ]);
});

test("a postal address is in no entry", () => {
  const change = { address: "2 Secret Street" };
  engine.ask({ kind: "meter.change", meterId: "M1", ifVersion: null, change }, eve);
  expect(entries("meter.change")).toMatchObject([{ after: { address: true } }]);
  const all = engine.rows("SELECT group_concat(detail) AS text FROM audit");
  expect(String(all[0]?.["text"])).not.toContain("Secret");
});

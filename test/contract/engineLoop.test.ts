/** The closed loop inside the engine, on a real ledger: leak, alarm, close, proof by flow, and what must not happen. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { minuteMs, dayMs, hourMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { Alarm } from "#domain/alarm.ts";
import { jsonProtocol } from "#protocols/json/protocol.ts";
import { protocolByName } from "#protocols/registry.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

interface PublicEvent {
  readonly seq: number;
  readonly kind: string;
  readonly meterId: string | null;
  readonly alarm?: { readonly id: string; readonly rule: string; readonly state: string };
  readonly command?: {
    readonly id: string;
    readonly state: string;
    readonly detail: string | null;
  };
}

let engine: EngineUnderTest;
let meterNo: number;
let index = 100_000;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001");
  index = 100_000;
  report({ consumed: 0 });
});
afterEach(() => engine.close());

function committed(result: BatchReport) {
  if (result.kind !== "committed") throw new TypeError(`${result.code} ${result.message}`);
  return result;
}

/** Nobody ever answers here, and that is told in another test. */
function eventsOf(result: BatchReport): readonly PublicEvent[] {
  const events = committed(result).events.map(({ json }) => JSON.parse(json) as PublicEvent);
  return events.filter(({ kind }) => kind !== "alarm.unanswered");
}

const kindsOf = (result: BatchReport) => eventsOf(result).map(({ kind }) => kind);

interface Said {
  readonly consumed?: number;
  readonly status?: readonly string[];
  readonly valve?: string;
  readonly ageMs?: number;
  readonly reachable?: boolean;
  readonly reply?: object;
  readonly meterNo?: number;
}

/** One uplink five minutes later, by default measured as it is sent. */
function report(said: Said): BatchReport {
  engine.nowMs += 5 * minuteMs;
  index += said.consumed ?? 0;
  const bytes = jsonBytes({
    measuredAt: engine.nowMs - (said.ageMs ?? 0),
    volumeM3: (index / 1_000).toFixed(3),
    status: said.status ?? [],
    valve: said.valve ?? "open",
    ...(said.reply === undefined ? {} : { reply: said.reply }),
  });
  return engine.uplinks([
    { meterNo: said.meterNo ?? meterNo, bytes, reachable: said.reachable ?? false },
  ]);
}

function commandIdOf(result: BatchReport): string {
  const id = eventsOf(result).find(({ command }) => command !== undefined)?.command?.id;
  if (id === undefined) throw new TypeError("no command");
  return id;
}

function liveAlarm(rule: string): Alarm | undefined {
  const events = engine.ledger.occurrencesAfter(meterNo, 0).filter((one) => one.rule === rule);
  const id = events.at(-1)?.alarmId;
  return id === undefined ? undefined : engine.ledger.alarm(id);
}

describe("a leak on a listening meter", () => {
  test("is raised, closed, executed and verified by flow, each step once", () => {
    const raised = report({ status: ["leak"], reachable: true });
    expect(kindsOf(raised)).toEqual([
      "alarm.raised",
      "command.requested",
      "command.authorised",
      "command.queued",
      "command.sent",
    ]);
    const [downlink] = committed(raised).downlinks;
    expect(JSON.parse(new TextDecoder().decode(downlink?.bytes))).toMatchObject({
      v: 1,
      commandId: commandIdOf(raised),
      action: "close",
    });
    const id = commandIdOf(raised);
    const delivered = engine.notices({
      kind: "downlink",
      commandId: downlink?.commandId as never,
      outcome: "delivered",
    });
    expect(kindsOf(delivered)).toEqual(["command.delivered"]);
    const executed = report({
      status: ["leak"],
      valve: "closed",
      reply: { commandId: id, result: "executed" },
    });
    expect(kindsOf(executed)).toContain("command.executed");
    report({ status: ["leak"], valve: "closed" });
    report({ status: ["leak"], valve: "closed" });
    const verified = report({ status: ["leak"], valve: "closed" });
    const all = [...kindsOf(verified)];
    expect(engine.ledger.command(downlink?.commandId as never)?.state).toBe("verified");
    expect(all.filter((kind) => kind === "alarm.raised")).toEqual([]);
    expect(engine.ledger.openCommands()).toEqual([]);
  });

  test("rings once however often the bit is repeated, and stays latched when it goes", () => {
    expect(kindsOf(report({ status: ["leak"] }))).toContain("alarm.raised");
    expect(kindsOf(report({ status: ["leak"] }))).toEqual([]);
    expect(kindsOf(report({ status: [] }))).toEqual(["alarm.returned"]);
    expect(liveAlarm("R1")?.state).toBe("latched-unacknowledged");
  });

  test("an acknowledgement is bound to the occurrence", () => {
    report({ status: ["leak"] });
    const alarm = liveAlarm("R1");
    report({ status: [] });
    report({ status: ["leak"] });
    const alarmId = alarm?.id ?? "";
    const late = engine.ask({ kind: "alarm.acknowledge", alarmId, occurrence: 1, comment: null });
    expect(late).toMatchObject({ ok: false, refusal: { kind: "occurrence-changed" } });
    const right = engine.ask({
      kind: "alarm.acknowledge",
      alarmId,
      occurrence: 2,
      comment: "on it",
    });
    expect(right).toMatchObject({ ok: true, answer: { alarm: { state: "acknowledged" } } });
  });
});

describe("a valve is not closed automatically", () => {
  test("for a sleeping meter before it listens; then it is, once", () => {
    expect(committed(report({ status: ["leak"] })).downlinks).toEqual([]);
    const woke = engine.notices({ kind: "contact", meterNo });
    expect(committed(woke).downlinks).toHaveLength(1);
    expect(committed(engine.notices({ kind: "contact", meterNo })).downlinks).toEqual([]);
  });

  test("on old data, which makes history and never rings", () => {
    engine.nowMs += 6 * hourMs;
    const old = report({ status: ["leak"], ageMs: 3 * hourMs, reachable: true });
    expect(kindsOf(old)).toEqual(["alarm.historical"]);
    expect(liveAlarm("R1")).toMatchObject({ historical: true, state: "normal" });
    const fresh = report({ status: ["leak"], reachable: true });
    expect(kindsOf(fresh)).toContain("alarm.raised");
    expect(liveAlarm("R1")).toMatchObject({ historical: false, state: "unacknowledged" });
  });

  test("when data and receipt lie more than ten minutes apart: alarm yes, valve no", () => {
    const stale = report({ status: ["leak"], ageMs: 4 * minuteMs, reachable: true });
    expect(kindsOf(stale)).toContain("command.sent");
    const other = engine.register("M0002");
    engine.nowMs += hourMs;
    const older = report({
      status: ["leak"],
      ageMs: 20 * minuteMs,
      reachable: true,
      meterNo: other,
    });
    expect(kindsOf(older).slice(0, 3)).toEqual([
      "alarm.raised",
      "command.requested",
      "command.refused",
    ]);
    expect(kindsOf(report({ status: ["leak"], ageMs: 20 * minuteMs, meterNo: other }))).toEqual([]);
    const fresh = report({ status: ["leak"], reachable: true, meterNo: other });
    expect(kindsOf(fresh)).toEqual([
      "command.requested",
      "command.authorised",
      "command.queued",
      "command.sent",
    ]);
  });

  test("for a critical customer, nor with the stop switch on", () => {
    const critical = engine.register("M0003", { critical: true });
    const refused = report({ status: ["leak"], reachable: true, meterNo: critical });
    expect(eventsOf(refused).at(-1)?.command).toMatchObject({ detail: "critical-customer" });
    engine.ask({ kind: "automation.stop", reason: "drill" });
    engine.restart();
    const stopped = report({ status: ["leak"], reachable: true });
    expect(eventsOf(stopped).at(-1)?.command).toMatchObject({ detail: "automation-stopped" });
    engine.ask({ kind: "automation.resume", reason: "drill over" });
  });

  test("beyond the breaker, over restarts; what it holds is one alarm of the highest priority", () => {
    const meters = [4, 5, 6, 7, 8].map((no) => engine.register(`M000${no}`));
    const states = meters.map((no) => {
      const result = report({ status: ["leak"], reachable: true, meterNo: no });
      engine.restart();
      return kindsOf(result).findLast((kind) => kind.startsWith("command."));
    });
    expect(states).toEqual([
      "command.sent",
      "command.sent",
      "command.sent",
      "command.held",
      "command.held",
    ]);
    const alarms = engine.ledger.setting("alarms.system") ?? "";
    const ids = engine.rows("SELECT id FROM command WHERE state = 'held' ORDER BY requested_at");
    const commands = ids.map(({ id }) => String(id)).join(" ");
    const proof = { held: 2, area: "binhai-3", rule: "R1", protocol: "json", size: "G4", commands };
    expect(JSON.parse(alarms)).toMatchObject({ BREAKER: { priority: 1, proof } });
  });

  test("once the switch is stopped, not even what is waiting; and a person's close leaves all the same", () => {
    report({ status: ["leak"] });
    const byHand = engine.register("M0002");
    const reason = "smell";
    engine.ask({ kind: "valve.close", meterId: "M0002", reason, expiresInMs: hourMs });
    const stopped = engine.ask({ kind: "automation.stop", reason: "drill" });
    expect(stopped).toMatchObject({ ok: true });
    const [withdrawn] = engine.rows(
      "SELECT state, detail FROM command WHERE meter_no = ?",
      meterNo,
    );
    expect(withdrawn).toEqual({ state: "cancelled", detail: "automation-stopped" });
    engine.restart();
    expect(committed(engine.notices({ kind: "contact", meterNo })).downlinks).toEqual([]);
    const left = engine.notices({ kind: "contact", meterNo: byHand });
    expect(committed(left).downlinks).toHaveLength(1);
  });

  test("a second time, when the switch was stopped after the first attempt", () => {
    report({ status: ["leak"], reachable: true });
    engine.restart();
    engine.ask({ kind: "automation.stop", reason: "drill" });
    engine.nowMs += minuteMs;
    report({ status: ["leak"], valve: "open", reachable: true });
    expect(engine.ledger.openCommands()).toMatchObject([{ state: "queued", attempts: 1 }]);
    expect(committed(engine.notices({ kind: "contact", meterNo })).downlinks).toEqual([]);
  });
});

test("after a restart a command that was being sent is unknown, and is not sent again blindly", () => {
  report({ status: ["leak"], reachable: true });
  engine.restart();
  const [open] = engine.ledger.openCommands();
  expect(open?.state).toBe("unknown");
  expect(committed(engine.notices({ kind: "contact", meterNo })).downlinks).toEqual([]);
  const closed = report({ status: ["leak"], valve: "closed", reachable: true });
  expect(kindsOf(closed)).toContain("command.executed");
  expect(committed(closed).downlinks).toEqual([]);
});

test("a close that nobody carries out becomes an alarm of its own", () => {
  report({ status: ["leak"] });
  engine.nowMs += dayMs + hourMs;
  const expired = eventsOf(engine.process({}));
  expect(expired.map(({ kind }) => kind)).toContain("command.expired");
  expect(expired.map(({ alarm }) => alarm?.rule)).toContain("R15");
});

test("a meter that falls silent is noticed by our clock, and heard again", () => {
  engine.nowMs += 3 * hourMs;
  // Two reports missed: for the work list.
  const missed = eventsOf(engine.process({}));
  expect(missed.map(({ kind, alarm }) => [kind, alarm?.rule])).toEqual([["alarm.listed", "R12"]]);
  engine.nowMs += 3 * dayMs;
  const silent = eventsOf(engine.process({}));
  expect(silent.map(({ kind, alarm }) => [kind, alarm?.rule])).toEqual([["alarm.raised", "R12"]]);
  expect(kindsOf(report({}))).toContain("alarm.returned");
});

test("our own mistake in one meter's evaluation parks that uplink and spares the rest", () => {
  engine.close();
  const failing = { ...jsonProtocol, decode: faulty };
  engine = new EngineUnderTest({ ...protocolByName, json: failing });
  const bad = engine.register("BAD");
  const good = engine.register("GOOD");
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000" });
  const result = committed(
    engine.uplinks([
      { meterNo: bad, bytes: jsonBytes({ measuredAt: engine.nowMs, volumeM3: "6.660" }) },
      { meterNo: good, bytes },
    ]),
  );
  expect(result.counts.quarantined).toMatchObject([{ reason: "INTERNAL", count: 1 }]);
  expect(eventsOf(result).map(({ alarm }) => alarm?.rule)).toEqual(["PARKED"]);
  expect(engine.ledger.readingsAfter(good, 0)).toHaveLength(1);
  expect(engine.ledger.readingsAfter(bad, 0)).toHaveLength(0);

  function faulty(given: Uint8Array): ReturnType<typeof jsonProtocol.decode> {
    const decoded = jsonProtocol.decode(given);
    if (!decoded.ok || decoded.value.readings[0]?.volume?.ml !== 6_660_000) return decoded;
    const readings = [null] as unknown as typeof decoded.value.readings;
    return { ok: true, value: { ...decoded.value, readings } };
  }
});

test("conservation: every received uplink has exactly one outcome", () => {
  const uplinks = [
    jsonBytes({ measuredAt: engine.nowMs, volumeM3: "101.000" }),
    jsonBytes({ measuredAt: engine.nowMs, volumeM3: "101.000" }),
    jsonBytes({ measuredAt: engine.nowMs + minuteMs, volumeM3: "999999.000" }),
    new TextEncoder().encode("{"),
  ].map((bytes) => ({ meterNo, bytes }));
  const { counts } = committed(engine.uplinks(uplinks));
  const total = counts.outcomes.reduce((sum, { count }) => sum + count, 0);
  expect(total).toBe(uplinks.length);
  expect(counts.outcomes.map(({ outcome }) => outcome).sort()).toEqual([
    "accepted",
    "duplicate",
    "quarantined",
    "suspect",
  ]);
});

test("an uplink with an old and a new part is stored once, whatever is sent again", () => {
  const withHistory = jsonBytes({
    measuredAt: engine.nowMs,
    volumeM3: "100.300",
    history: [
      { measuredAt: engine.nowMs - 2 * hourMs, volumeM3: "99.900" },
      { measuredAt: engine.nowMs - hourMs, volumeM3: "99.950" },
    ],
  });
  engine.uplinks([{ meterNo, bytes: withHistory }]);
  const once = engine.ledger.readingsAfter(meterNo, 0).length;
  const again = committed(engine.uplinks([{ meterNo, bytes: withHistory }]));
  expect(again.counts.outcomes).toMatchObject([{ outcome: "duplicate", count: 1 }]);
  expect(engine.ledger.readingsAfter(meterNo, 0)).toHaveLength(once);
});

test("a leak reported in the same second as the report before it rings, and closes", () => {
  const atMs = engine.nowMs;
  const bytes = jsonBytes({ measuredAt: atMs, volumeM3: "100.000", status: ["leak"] });
  const result = engine.uplinks([{ meterNo, bytes, reachable: true }]);
  expect(kindsOf(result)).toContain("alarm.raised");
  expect(kindsOf(result)).toContain("command.sent");
});

test("a short leak whose report was overtaken on its way still waits for a person", () => {
  const leakAtMs = engine.nowMs + 10_000;
  report({ status: [] });
  const bytes = jsonBytes({ measuredAt: leakAtMs, volumeM3: "100.000", status: ["leak"] });
  expect(kindsOf(engine.uplinks([{ meterNo, bytes }]))).toEqual(["alarm.raised", "alarm.returned"]);
  expect(liveAlarm("R1")?.state).toBe("latched-unacknowledged");
});

test("a bad clock: the receipt time stands in, and a repetition is known by its bytes", () => {
  const bytes = jsonBytes({
    measuredAt: Date.UTC(2099, 0, 1),
    volumeM3: "100.100",
    status: ["leak"],
  });
  const first = engine.uplinks([{ meterNo, bytes, reachable: true }]);
  expect(kindsOf(first)).toEqual(["alarm.raised", "command.requested", "command.refused"]);
  engine.nowMs += minuteMs;
  const again = committed(engine.uplinks([{ meterNo, bytes }]));
  expect(again.counts.outcomes).toMatchObject([{ outcome: "duplicate", count: 1 }]);
});

test("a leak that chatters orders once; its later occurrences are counted on the same alarm", () => {
  report({ status: ["leak"] });
  for (let turn = 0; turn < 5; turn += 1) {
    expect(kindsOf(report({ status: [] }))).toEqual(["alarm.returned"]);
    expect(kindsOf(report({ status: ["leak"] }))).toEqual(["alarm.reraised"]);
  }
  expect(engine.ledger.openCommands()).toHaveLength(1);
});

test("a leak in a frame with a weak checksum and a wild register rings, and moves no valve", () => {
  engine.close();
  const weak = { ...jsonProtocol, hasWeakChecksum: true };
  engine = new EngineUnderTest({ ...protocolByName, json: weak });
  meterNo = engine.register("NOISE");
  report({});
  const wild = report({ consumed: 90_000_000, status: ["leak"], reachable: true });
  expect(kindsOf(wild)).toContain("alarm.raised");
  expect(eventsOf(wild).at(-1)?.command).toMatchObject({ detail: "doubted-data" });
  report({ consumed: -90_000_000 });
  expect(kindsOf(report({ status: ["leak"], reachable: true }))).toContain("command.sent");
});

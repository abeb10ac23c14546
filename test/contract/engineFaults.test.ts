/** What could silence a leak, lose a reading or let one meter harm the others: each found once, and held here. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { alarmMessage } from "#alarms/messages.ts";
import type { Alarm } from "#domain/alarm.ts";
import { readingFlags } from "#domain/reading.ts";
import { ok } from "#domain/result.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import { jsonProtocol } from "#protocols/json/protocol.ts";
import { protocolByName } from "#protocols/registry.ts";
import { EngineUnderTest, envelopeOf, jsonBytes } from "../support/engine.ts";
import { loadCard } from "../unit/protocols/cards.ts";

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001");
});
afterEach(() => engine.close());

function say(members: object, reachable = false): BatchReport {
  return engine.uplinks([{ meterNo, bytes: jsonBytes({ ...members }), reachable }]);
}

function committed(result: BatchReport) {
  if (result.kind !== "committed") throw new TypeError(`${result.code} ${result.message}`);
  return result;
}

function kindsOf(result: BatchReport): readonly string[] {
  return committed(result).events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
}

function outcomesOf(result: BatchReport): readonly string[] {
  return committed(result).counts.outcomes.map(({ outcome }) => outcome);
}

function leakAlarm(): Alarm | undefined {
  const row = engine.ledger.occurrencesAfter(meterNo, 0).findLast(({ rule }) => rule === "R1");
  return row && engine.ledger.alarm(row.alarmId);
}

describe("a leak is not missed", () => {
  test("when a report without a status overtook it by a second", () => {
    const atMs = engine.nowMs;
    say({ measuredAt: atMs - hourMs, volumeM3: "1.000", status: [] });
    say({ measuredAt: atMs, volumeM3: "1.000" });
    const leak = say({ measuredAt: atMs - secondMs, volumeM3: "1.000", status: ["leak"] }, true);
    expect(kindsOf(leak)).toEqual([
      "alarm.raised",
      "command.requested",
      "command.authorised",
      "command.queued",
      "command.sent",
    ]);
  });

  test("when the meter's clock was minutes fast before it was set right", () => {
    say({ measuredAt: engine.nowMs + 9 * minuteMs, volumeM3: "1.000" });
    engine.nowMs += minuteMs;
    expect(kindsOf(say({ measuredAt: engine.nowMs, status: ["leak"] }))).toContain("alarm.raised");
  });

  test("when its uplink carries a value from beyond the window along", () => {
    for (let day = 40; day > 0; day -= 1) {
      say({ measuredAt: engine.nowMs - day * dayMs, volumeM3: `${100 - day}.000` });
    }
    say({ measuredAt: engine.nowMs, volumeM3: "100.000" });
    const leak = say({
      measuredAt: engine.nowMs,
      volumeM3: "100.000",
      status: ["leak"],
      history: [
        { measuredAt: engine.nowMs - 300 * dayMs, volumeM3: "1.000" },
        { measuredAt: engine.nowMs - 3 * hourMs, volumeM3: "99.900" },
      ],
    });
    expect(kindsOf(leak)).toContain("alarm.raised");
    const [first, ...others] = engine.ledger.readingsAfter(meterNo, 0);
    expect((first?.flags ?? 0) & readingFlags.BEYOND_WINDOW).not.toBe(0);
    expect(others.every(({ quality }) => quality === "validated")).toBe(true);
  });

  test("when it comes back within minutes on a meter without a clock", () => {
    const on = { volumeM3: "1.000", status: ["leak"] };
    expect(kindsOf(say(on))).toContain("alarm.raised");
    engine.nowMs += minuteMs;
    expect(outcomesOf(say(on))).toEqual(["duplicate"]);
    expect(kindsOf(say({ volumeM3: "1.000", status: [] }))).toEqual(["alarm.returned"]);
    engine.nowMs += minuteMs;
    expect(kindsOf(say(on))).toContain("alarm.reraised");
    expect(leakAlarm()?.state).toBe("unacknowledged");
  });
});

describe("a leak in a frame that cannot be used", () => {
  // The card gasLeak with digits of the register that are none, its checksum made right again.
  const frame = Uint8Array.from(loadCard("cjt188/gasLeak").bytes);
  frame[14] = 0xfa;
  frame[frame.length - 2] = frame.subarray(0, -2).reduce((sum, byte) => (sum + byte) & 0xff, 0);
  const hears = (no: number) =>
    engine.uplinks([{ meterNo: no, protocol: "cjt188", bytes: frame, reachable: true }]);

  test("is quarantined, rings, and does not move the valve; once, however often it is sent", () => {
    const result = hears(meterNo);
    expect(committed(result).counts.quarantined).toMatchObject([{ reason: "BCD", count: 1 }]);
    expect(outcomesOf(result)).toEqual(["quarantined"]);
    // The battery of that meter is low too.
    const both = ["alarm.raised", "alarm.listed"];
    expect(kindsOf(result)).toEqual([...both, "command.requested", "command.refused"]);
    engine.nowMs += secondMs;
    expect(kindsOf(hears(meterNo))).toEqual([]);
    expect(engine.ledger.readingsAfter(meterNo, 0)).toMatchObject([{ indexMl: null }]);
  });

  test("is followed by a close as soon as a whole frame says the same", () => {
    hears(meterNo);
    engine.nowMs += minuteMs;
    const whole = say({ measuredAt: engine.nowMs, volumeM3: "1.000", status: ["leak"] }, true);
    expect(kindsOf(whole)).toContain("command.sent");
  });

  test("is not this meter's leak when the frame names another one", () => {
    const other = engine.register("M0002", { protocol: "cjt188", frameAddress: "1".repeat(14) });
    expect(kindsOf(hears(other))).toEqual([]);
  });
});

describe("a batch that could not be stored leaves no trace", () => {
  const leak = () => ({ measuredAt: engine.nowMs, volumeM3: "1.000", status: ["leak"] });

  /** The commit fails so often, and then it does not. */
  function failing(times: number, run: () => BatchReport): BatchReport {
    engine.failAfter(1_000);
    for (let n = 0; n < times; n += 1) expect(run().kind).toBe("notCommitted");
    engine.failAfter(null);
    return run();
  }

  test("on the breaker: four closes that never were do not spend it", () => {
    expect(kindsOf(failing(4, () => say(leak(), true)))).toContain("command.sent");
  });

  test("on the stop switch", () => {
    engine.failAfter(1_000);
    const ask = { kind: "automation.stop", reason: "drill" } as const;
    engine.process({ asks: [{ askNo: 1, envelope: envelopeOf(ask) }] });
    engine.failAfter(null);
    expect(kindsOf(say(leak(), true))).toContain("command.sent");
  });

  test("on the registry: the change of a meter that never was", () => {
    const frameAddress = "51510000000042";
    const change = { kind: "meter.change", meterId: "M0001", ifVersion: 1 } as const;
    const envelope = envelopeOf({ ...change, change: { lifecycle: "closed", frameAddress } });
    failing(1, () => engine.process({}));
    engine.failAfter(1_000);
    engine.process({ asks: [{ askNo: 1, envelope }] });
    engine.failAfter(null);
    expect(kindsOf(say(leak(), true))).toContain("command.sent");
    engine.register("M0002", { frameAddress });
    expect(engine.ask({ ...change, change: {} })).toMatchObject({ ok: true });
  });

  test("on the system's own alarms: what the breaker holds is told when it can be", () => {
    const meters = [1, 2, 3, 4].map((no) => engine.register(`N${no}`));
    const bytes = jsonBytes(leak());
    const all = meters.map((no) => ({ meterNo: no, bytes, reachable: true }));
    engine.nowMs += minuteMs;
    const kinds = kindsOf(failing(1, () => engine.uplinks(all)));
    expect(kinds.filter((kind) => kind === "command.held")).toHaveLength(1);
    engine.nowMs += secondMs;
    engine.process({});
    expect(engine.alarms("BREAKER")).toMatchObject([
      { state: "unacknowledged", proof: { held: 1 } },
    ]);
  });
});

describe("nothing that was acknowledged is lost", () => {
  test("two registers for an instant whose register was missing are both kept", () => {
    const atMs = engine.nowMs;
    say({ measuredAt: atMs - minuteMs, batteryMv: 3_600 });
    say({ measuredAt: atMs, volumeM3: "5.000" });
    say({
      measuredAt: atMs + secondMs,
      volumeM3: "5.000",
      history: [
        { measuredAt: atMs - minuteMs, volumeM3: "4.000" },
        { measuredAt: atMs - minuteMs, volumeM3: "4.100" },
      ],
    });
    const rows = engine.ledger.readingsAt(meterNo, atMs - minuteMs);
    expect(rows.map(({ indexMl }) => indexMl)).toEqual([4_000_000, 4_100_000]);
  });

  test("a frame that says nothing but its address is accepted, not a duplicate", () => {
    const bare = { address: null, frameId: null, readings: [], replies: [] };
    restartWith({ ...jsonProtocol, decode: () => ok(bare) });
    expect(outcomesOf(say({}))).toEqual(["accepted"]);
  });
});

function restartWith(json: typeof jsonProtocol): void {
  engine.close();
  engine = new EngineUnderTest({ ...protocolByName, json });
  meterNo = engine.register("M0001");
}

describe("one meter does not harm the others", () => {
  test("by a frame that makes its decoder throw", () => {
    const decode: typeof jsonProtocol.decode = (bytes) => {
      if (bytes.length === 1) throw new RangeError("a mistake of ours");
      return jsonProtocol.decode(bytes);
    };
    restartWith({ ...jsonProtocol, decode });
    const good = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000" });
    const both = [Uint8Array.of(1), good].map((bytes) => ({ meterNo, bytes }));
    const result = committed(engine.uplinks(both));
    expect(result.counts.quarantined).toMatchObject([{ reason: "INTERNAL", count: 1 }]);
    expect(outcomesOf(result)).toEqual(["quarantined", "accepted"]);
  });

  test("by a number that the ledger would refuse, again and again", () => {
    const decode: typeof jsonProtocol.decode = (bytes) => {
      const read = jsonProtocol.decode(bytes);
      if (!read.ok) return read;
      const readings = read.value.readings.map((one) => ({ ...one, batteryMv: 3_600.5 }));
      return ok({ ...read.value, readings });
    };
    restartWith({ ...jsonProtocol, decode });
    const result = committed(say({ measuredAt: engine.nowMs, volumeM3: "1.000" }));
    expect(result.counts.quarantined).toMatchObject([{ reason: "INTERNAL" }]);
  });

  test("by ever more registers for one instant: the conflict is kept, its status is heard", () => {
    const atMs = engine.nowMs;
    say({ measuredAt: atMs, volumeM3: "9.000" });
    const history = Array.from({ length: 100 }, (_, n) => {
      return { measuredAt: atMs - minuteMs, volumeM3: `${n}.000` };
    });
    say({ measuredAt: atMs + 1, volumeM3: "9.000", history });
    expect(engine.ledger.readingsAt(meterNo, atMs - minuteMs)).toHaveLength(16);
    const leak = { measuredAt: atMs - minuteMs, volumeM3: "777.000", status: ["leak"] };
    expect(kindsOf(say(leak))).toContain("alarm.raised");
    expect(engine.ledger.readingsAt(meterNo, atMs - minuteMs)).toHaveLength(16);
  });

  test("by falling silent together: a look takes some hundred, and the next one goes on", () => {
    const meters = Array.from({ length: 1_201 }, (_, no) => engine.register(`N${no}`));
    const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000" });
    engine.uplinks(meters.map((no) => ({ meterNo: no, bytes })));
    engine.nowMs += 3 * hourMs;
    const looks = [1, 2, 3].map(() => {
      engine.nowMs += secondMs;
      return kindsOf(engine.process({})).length;
    });
    // With the first of them comes the one alarm that people hear: the outage.
    expect(looks).toEqual([501, 500, 201]);
  });

  test("by late readings without end: the way to the newest kept fold stays short", () => {
    for (let day = 12; day >= 0; day -= 1) {
      say({ measuredAt: engine.nowMs - day * dayMs, volumeM3: "1.000" });
    }
    for (let turn = 0; turn < 12; turn += 1) {
      const history = Array.from({ length: 1_000 }, (_, n) => ({
        measuredAt: engine.nowMs - 4 * dayMs + (turn * 1_000 + n) * secondMs,
        volumeM3: "1.000",
      }));
      say({ measuredAt: engine.nowMs + turn, volumeM3: "1.000", history });
    }
    const rows = engine.ledger.readingsAfter(meterNo, 0);
    const newest = engine.ledger.checkpointBefore(meterNo, Number.MAX_SAFE_INTEGER);
    const older = engine.ledger.checkpointBefore(meterNo, newest?.atMs ?? 0);
    const between = rows.filter(({ measuredAtMs }) => measuredAtMs > (older?.atMs ?? 0));
    expect(between.length).toBeLessThan(7_000);
    expect(rows.length).toBeGreaterThan(12_000);
  });
});

test("a leak bit that chatters closes its own valve twice a day, and then leaves it to people", () => {
  const words = Array.from({ length: 4 }, () => {
    engine.nowMs += minuteMs;
    const at = { measuredAt: engine.nowMs, volumeM3: "1.000" };
    const on = kindsOf(say({ ...at, status: ["leak"] }, true));
    engine.nowMs += minuteMs;
    const [open] = engine.ledger.openCommands();
    const reply = open === undefined ? {} : { reply: { commandId: open.id, result: "failed" } };
    say({ ...at, measuredAt: engine.nowMs, status: [], ...reply });
    return on.filter((kind) => kind.startsWith("command.")).at(-1);
  });
  expect(words).toEqual(["command.sent", "command.sent", "command.refused", "command.refused"]);
  const [refused] = engine.rows("SELECT detail FROM command WHERE state = 'refused'");
  expect(refused).toEqual({ detail: "meter-limit" });
  const other = engine.register("M0002");
  const bytes = jsonBytes({ measuredAt: engine.nowMs, status: ["leak"] });
  const elsewhere = engine.uplinks([{ meterNo: other, bytes, reachable: true }]);
  expect(kindsOf(elsewhere)).toContain("command.sent");
});

test("an uplink with an older value that has no place in time is found again", () => {
  const history = [{ measuredAt: engine.nowMs - 500 * dayMs, volumeM3: "0.500" }];
  const uplink = { measuredAt: engine.nowMs, volumeM3: "1.000", history };
  expect(outcomesOf(say(uplink))).toEqual(["suspect"]);
  expect(outcomesOf(say(uplink))).toEqual(["duplicate"]);
});

describe("an alarm says what is", () => {
  test("what later readings showed never to have been is withdrawn, and not listed as it was", () => {
    const at = (hours: number) => engine.nowMs - hours * hourMs;
    say({ measuredAt: at(9), volumeM3: "1.000", status: [] });
    say({ measuredAt: at(3), volumeM3: "19.000" });
    expect(kindsOf(say({ measuredAt: at(2), volumeM3: "25.900" }))).toContain("alarm.historical");
    // Another register for the hour before: neither is trusted, and the mean over the rest is an ordinary one.
    say({ measuredAt: at(3), volumeM3: "18.000" });
    const past = engine.alarms("R2").map((alarm) => alarmMessage(alarm, "M0001").en);
    expect(past).toEqual([
      expect.stringMatching(/^Past, withdrawn after later readings: Meter M0001/),
    ]);
  });

  test("a meter that is silent again rings again, although nobody had seen the first time", () => {
    say({ measuredAt: engine.nowMs, volumeM3: "1.000" });
    engine.nowMs += 4 * dayMs;
    expect(kindsOf(engine.process({}))).toEqual(["alarm.raised"]);
    expect(kindsOf(say({ measuredAt: engine.nowMs, volumeM3: "1.000" }))).toEqual([
      "alarm.returned",
    ]);
    engine.nowMs += 4 * dayMs;
    expect(kindsOf(engine.process({}))).toEqual(["alarm.reraised"]);
  });

  test("the silence of a meter that left service is nobody's alarm", () => {
    say({ measuredAt: engine.nowMs, volumeM3: "1.000" });
    engine.nowMs += 4 * dayMs;
    engine.process({});
    const before = engine.nowMs;
    const change = { lifecycle: "maintenance" } as const;
    const result = engine.ask({ kind: "meter.change", meterId: "M0001", ifVersion: null, change });
    expect(result.ok).toBe(true);
    engine.nowMs = before + dayMs;
    expect(kindsOf(engine.process({}))).toEqual([]);
    expect(engine.alarms("R12")).toMatchObject([{ state: "returned-unacknowledged" }]);
  });

  test("a record of old data ends where the alarm of fresh data takes over", () => {
    say({ measuredAt: engine.nowMs, status: ["leak"] });
    engine.nowMs += minuteMs;
    say({ measuredAt: engine.nowMs, status: [] });
    engine.nowMs += 3 * hourMs;
    say({ measuredAt: engine.nowMs - 2 * hourMs, status: ["leak"] });
    const fresh = say({ measuredAt: engine.nowMs, status: ["leak"] });
    expect(kindsOf(fresh)).toContain("alarm.reraised");
    const past = engine.alarms("R1").filter(({ historical }) => historical);
    expect(past.map(({ returnedAtMs }) => returnedAtMs)).not.toContain(null);
    expect(past).toHaveLength(1);
  });
});

test("a shut valve is proved by a register that fell back by its own rounding", () => {
  const now = () => ({ measuredAt: (engine.nowMs += 5 * minuteMs) });
  say({ ...now(), volumeM3: "1.002", valve: "open", status: [] });
  const sent = say({ ...now(), volumeM3: "1.002", valve: "open", status: ["leak"] }, true);
  const commandId = committed(sent).downlinks[0]?.commandId;
  const shut = { valve: "closed", volumeM3: "1.001", status: ["leak"] };
  say({ ...now(), ...shut, reply: { commandId, result: "executed" } });
  say({ ...now(), ...shut });
  say({ ...now(), ...shut });
  expect(kindsOf(say({ ...now(), ...shut }))).not.toContain("command.failed");
  expect(commandId && engine.ledger.command(commandId)?.state).toBe("verified");
});

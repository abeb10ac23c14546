/** Permissions, clocks and histories through the whole engine: what leaves, what is refused, what is watched. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Command } from "#domain/command.ts";
import { hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { Actor, Ask, AskResult } from "#ports/requests.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { decodeProtobufCommand } from "#protocols/protobuf/command.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;
let volumeMl: number;
const anna: Actor = { label: "anna", role: "dispatcher" };
const ben: Actor = { label: "ben", role: "dispatcher" };

beforeEach(() => {
  engine = new EngineUnderTest();
  volumeMl = 100_000_000;
  for (const { label, role } of [anna, ben, { label: "otto", role: "operator" } as const]) {
    engine.ask({ kind: "apiKey.issue", apiKey: { id: label, keyHash: "0", role, label } });
  }
  meterNo = engine.register("M1");
});
afterEach(() => engine.close());

function report(members: Readonly<Record<string, unknown>> = {}, consumedMl = 0): BatchReport {
  engine.nowMs += minuteMs;
  volumeMl += consumedMl;
  const volumeM3 = (volumeMl / 1_000_000).toFixed(3);
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3, ...members });
  return engine.uplinks([{ meterNo, bytes, reachable: true }]);
}

function permitAsk(): Extract<Ask, { kind: "valve.permit" }> {
  const leakCheckAtMs = timestampMs(engine.nowMs);
  const permit = { workOrder: "W-17", leakCheck: "L-4", leakCheckAtMs };
  return { kind: "valve.permit", meterId: "M1", reason: "repaired", expiresInMs: hourMs, permit };
}

function commandOf(result: AskResult): Command {
  if (!result.ok || result.answer.kind !== "command") throw new TypeError("no command");
  return result.answer.command;
}

function approve(id: string, by: Actor): AskResult {
  return engine.ask({ kind: "command.approve", commandId: id, reason: "leak check seen" }, by);
}

function downlinksOf(report: BatchReport) {
  if (report.kind !== "committed") throw new TypeError("not committed");
  return report.downlinks;
}

function stateOf(id: string): string {
  const { state, detail } = engine.ledger.command(id as never) ?? {};
  return `${state ?? "none"} ${detail ?? ""}`.trim();
}

describe("a close that waits", () => {
  const close = {
    kind: "valve.close",
    meterId: "M1",
    reason: "smell",
    expiresInMs: hourMs,
  } as const;

  test("is void when its meter goes into maintenance, and nothing leaves when it wakes", () => {
    const { id } = commandOf(engine.ask(close, anna));
    const change = { lifecycle: "maintenance" } as const;
    engine.ask({ kind: "meter.change", meterId: "M1", ifVersion: null, change });
    expect(stateOf(id)).toBe("cancelled left-service");
    expect(downlinksOf(report({ status: ["leak"] }))).toEqual([]);
    const refused = engine.rows("SELECT state, detail FROM command WHERE cause_kind = 'alarm'");
    for (const row of refused) expect(row).toEqual({ state: "refused", detail: "not-active" });
  });

  test("the same request once more is the same command, and moves nothing twice", () => {
    const idempotency = { key: "k1", requestHash: "h1" };
    const envelope = { actor: anna, ask: close, idempotency, source: "test" } as const;
    const asked = () => engine.process({ asks: [{ askNo: 1, envelope }] });
    const ids = [asked(), asked()].map((done) =>
      done.kind === "committed" && done.answers[0] !== undefined
        ? commandOf(done.answers[0].result).id
        : null,
    );
    expect(new Set(ids).size).toBe(1);
    expect(downlinksOf(report({ valve: "open" }))).toHaveLength(1);
  });
});

describe("a permission to open", () => {
  test("leaves with work order, leak check and a second dispatcher, and moves nothing", () => {
    report({ valve: "closed" });
    const { id } = commandOf(engine.ask(permitAsk(), anna));
    expect(downlinksOf(report({ valve: "closed" }))).toEqual([]);
    expect(approve(id, { label: "otto", role: "operator" })).toMatchObject({
      refusal: { kind: "forbidden" },
    });
    expect(approve(id, anna)).toMatchObject({ refusal: { kind: "same-person" } });
    expect(approve(id, ben)).toMatchObject({ ok: true });
    const [downlink] = downlinksOf(report({ valve: "closed" }));
    expect(decodeJsonCommand(downlink?.bytes ?? new Uint8Array())).toMatchObject({
      value: { commandId: id, action: "permit_opening" },
    });
    report({ valve: "closed", reply: { commandId: id, result: "executed" } });
    engine.restart();
    report({ valve: "open" });
    expect(stateOf(id)).toBe("verified opened-locally");
    const [row] = engine.rows("SELECT work_order, leak_check FROM command WHERE id = ?", id);
    expect(row).toEqual({ work_order: "W-17", leak_check: "L-4" });
  });

  test("is void as soon as gas escapes, wherever it is, and the close takes its place", () => {
    report({ valve: "closed" });
    const { id } = commandOf(engine.ask(permitAsk(), anna));
    approve(id, ben);
    expect(downlinksOf(report({ valve: "closed" }))).toHaveLength(1);
    engine.ask({ kind: "automation.stop", reason: "drill" }, anna);
    report({ status: ["leak"], valve: "closed" });
    expect(stateOf(id)).toBe("cancelled leak-active");
    const refused = commandOf(engine.ask(permitAsk(), anna));
    expect(refused).toMatchObject({ state: "refused", detail: "leak-active" });
  });

  test("is void when its meter leaves service", () => {
    report({ valve: "closed" });
    const { id } = commandOf(engine.ask(permitAsk(), anna));
    approve(id, ben);
    report({ valve: "closed" });
    const change = { lifecycle: "maintenance" } as const;
    engine.ask({ kind: "meter.change", meterId: "M1", ifVersion: null, change });
    expect(stateOf(id)).toBe("cancelled left-service");
    expect(downlinksOf(report({ valve: "closed" }))).toEqual([]);
  });

  test("is watched: an open pipe rings, and a close is proposed that two persons let go", () => {
    report({ valve: "closed" });
    const { id } = commandOf(engine.ask(permitAsk(), anna));
    approve(id, ben);
    report({ valve: "closed" });
    report({ valve: "open" });
    expect(engine.alarms("R19")).toEqual([]);
    engine.nowMs += 9 * minuteMs;
    const rang = report({ valve: "open" }, 600_000);
    expect(downlinksOf(rang)).toEqual([]);
    const [alarm] = engine.alarms("R19");
    expect(alarm).toMatchObject({ state: "unacknowledged", priority: 1 });
    const [proposed] = engine.ledger.openCommands();
    expect(proposed).toMatchObject({
      state: "held",
      detail: "proposed",
      cause: { ref: alarm?.id },
    });
    engine.process({});
    expect(engine.alarms("BREAKER")).toEqual([]);
    const closing = proposed?.id ?? "";
    approve(closing, anna);
    approve(closing, ben);
    expect(downlinksOf(report({ valve: "open" }))).toHaveLength(1);
    report({ valve: "closed" });
    expect(engine.alarms("R19")).toMatchObject([{ state: "returned-unacknowledged" }]);
  });

  test("somebody who is there may decide that it is right: the alarm returns", () => {
    report({ valve: "closed" });
    approve(commandOf(engine.ask(permitAsk(), anna)).id, ben);
    report({ valve: "closed" });
    report({ valve: "open" });
    report({ valve: "open", flowM3h: "5.000" });
    const [proposed] = engine.ledger.openCommands();
    const commandId = proposed?.id ?? "";
    engine.ask({ kind: "command.cancel", commandId, reason: "boiler" }, anna);
    expect(engine.alarms("R19")).toMatchObject([{ state: "returned-unacknowledged" }]);
  });
});

describe("the flow after an opening", () => {
  function openPipe(members: Readonly<Record<string, unknown>> = {}): void {
    report({ valve: "closed" });
    approve(commandOf(engine.ask(permitAsk(), anna)).id, ben);
    report({ valve: "closed" });
    report({ valve: "open", ...members });
    report({ valve: "open", flowM3h: "5.000", ...members });
  }

  test("is proposed to persons at a critical customer too, and whatever the stop switch says", () => {
    engine.ask({ kind: "automation.stop", reason: "drill" });
    const change = { critical: true };
    engine.ask({ kind: "meter.change", meterId: "M1", ifVersion: null, change });
    openPipe();
    const [proposed] = engine.ledger.openCommands();
    expect(proposed).toMatchObject({ state: "held", detail: "proposed" });
    approve(proposed?.id ?? "", anna);
    approve(proposed?.id ?? "", ben);
    expect(downlinksOf(report({ valve: "open", flowM3h: "5.000" }))).toHaveLength(1);
  });

  test("rings on where nothing can be proposed, until the valve is shut", () => {
    openPipe({ batteryPct: 3 });
    const refused = engine.rows("SELECT state, detail FROM command WHERE action = 'close'");
    expect(refused).toEqual([{ state: "refused", detail: "battery-weak" }]);
    engine.restart();
    report({ valve: "open" });
    expect(engine.alarms("R19")).toMatchObject([{ state: "unacknowledged", returnedAtMs: null }]);
    report({ valve: "closed" });
    expect(engine.alarms("R19")).toMatchObject([{ state: "returned-unacknowledged" }]);
  });
});

describe("what a protocol cannot carry", () => {
  test("is refused at once, and says so", () => {
    engine.register("C1", { protocol: "cjt188", frameAddress: "51510000000041" });
    const order = {
      kind: "meter.order",
      meterId: "C1",
      reason: "drift",
      expiresInMs: hourMs,
    } as const;
    const history = commandOf(engine.ask({ ...order, action: "read_history" }, anna));
    expect(history).toMatchObject({ state: "refused", detail: "unsupported" });
    expect(commandOf(engine.ask({ ...order, action: "set_clock" }, anna)).state).toBe("queued");
  });

  test("parameters: refused where the model or the protocol has none, verified by the reports elsewhere", () => {
    engine.register("C1", { protocol: "cjt188", frameAddress: "51510000000041" });
    const common = { kind: "meter.parameters", reason: "winter", expiresInMs: hourMs } as const;
    const parameters = { reportEverySeconds: 600 };
    const ask = (meterId: string, wanted: object = parameters) =>
      commandOf(engine.ask({ ...common, meterId, parameters: wanted as never }, anna));
    expect(ask("C1")).toMatchObject({ state: "refused", detail: "unsupported" });
    expect(ask("C1", { reportHours: [3] })).toMatchObject({ detail: "unsupported" });
    expect(ask("M1", { reportHours: [3] })).toMatchObject({ detail: "unsupported" });
    const { id } = ask("M1");
    expect(engine.ledger.command(id)).toMatchObject({ parameters, state: "queued" });
    report({ valve: "open" });
    engine.restart();
    report({ valve: "open", reply: { commandId: id, result: "executed" } });
    expect(stateOf(id)).toBe("executed");
    report({ valve: "open" });
    engine.nowMs += 9 * minuteMs;
    engine.restart();
    report({ valve: "open" });
    expect(stateOf(id)).toBe("verified reports-as-ordered");
  });

  test("JSON and protobuf carry all of it", () => {
    const protobufNo = engine.register("P1", { protocol: "protobuf" });
    const order = { kind: "meter.order", reason: "drift", expiresInMs: hourMs } as const;
    for (const action of ["set_clock", "read_history"] as const) {
      engine.ask({ ...order, meterId: "M1", action }, anna);
      engine.ask({ ...order, meterId: "P1", action }, anna);
      const sent = [meterNo, protobufNo].flatMap((no) =>
        downlinksOf(engine.notices({ kind: "contact", meterNo: no })),
      );
      const actions = sent.map(({ protocol, bytes }) => {
        const read = protocol === "json" ? decodeJsonCommand(bytes) : decodeProtobufCommand(bytes);
        return read.ok ? read.value.action : "damaged";
      });
      expect(actions).toEqual([action, action]);
      for (const no of [meterNo, protobufNo]) {
        engine.notices({ kind: "contact", meterNo: no });
      }
      for (const { id } of engine.ledger.openCommands()) {
        const outcome = "delivered" as const;
        engine.notices({ kind: "downlink", commandId: id, outcome });
      }
      engine.nowMs += 40 * hourMs;
      engine.process({});
    }
  });

  test("a clock is set when the meter's next report shows it", () => {
    const order = {
      kind: "meter.order",
      meterId: "M1",
      reason: "drift",
      expiresInMs: hourMs,
    } as const;
    const { id } = commandOf(engine.ask({ ...order, action: "set_clock" }, anna));
    report({ measuredAt: engine.nowMs - 10 * minuteMs });
    report({
      measuredAt: engine.nowMs - 10 * minuteMs,
      reply: { commandId: id, result: "executed" },
    });
    expect(stateOf(id)).toBe("executed");
    report();
    expect(stateOf(id)).toBe("verified");
  });

  test("history is there when older values came", () => {
    const order = {
      kind: "meter.order",
      meterId: "M1",
      reason: "gap",
      expiresInMs: hourMs,
    } as const;
    report();
    const { id } = commandOf(engine.ask({ ...order, action: "read_history" }, anna));
    report();
    const history = [{ measuredAt: engine.nowMs - 5 * hourMs, volumeM3: "99.000" }];
    report({ history });
    expect(stateOf(id)).toBe("verified");
  });
});

test("a battery that may stop the valve half-way: not by itself, and by a person once", () => {
  report({ valve: "open" });
  for (let turn = 0; turn < 2; turn += 1) report({ valve: "open", status: ["battery_critical"] });
  report({ valve: "open", status: ["battery_critical", "leak"] });
  const close = {
    kind: "valve.close",
    meterId: "M1",
    reason: "smell",
    expiresInMs: hourMs,
  } as const;
  const details = engine.rows("SELECT detail FROM command").map(({ detail }) => detail);
  expect(details).toEqual(["battery-weak"]);
  expect(commandOf(engine.ask(close, anna))).toMatchObject({ detail: "battery-weak" });
  expect(commandOf(engine.ask({ ...close, lastAttempt: true }, anna)).state).toBe("queued");
});

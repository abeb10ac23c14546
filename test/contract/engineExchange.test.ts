/** A metering point whose meter is exchanged, through the whole engine: verdicts, commands, refusals, order. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hourMs, minuteMs } from "#domain/units.ts";
import { reviveContext } from "#engine/context.ts";
import type { Actor, Ask, AskResult } from "#ports/requests.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;
const wang: Actor = { label: "wang", role: "engineer" };

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M1", { quantumMl: 1_000 });
});
afterEach(() => engine.close());

/** A reading of this hour, arriving now. */
function read(hour: number, litres: number, valve = "open"): void {
  const measuredAt = startMs + hour * hourMs;
  engine.nowMs = Math.max(engine.nowMs, measuredAt);
  const volumeM3 = (litres / 1_000).toFixed(3);
  const bytes = jsonBytes({ measuredAt, volumeM3, valve });
  engine.uplinks([{ meterNo, bytes, reachable: true }]);
}

const startMs = Date.UTC(2026, 10, 22);

function exchange(hour: number, closingLitres: number, more: Partial<ExchangeAsk> = {}): AskResult {
  const atMs = startMs + hour * hourMs;
  engine.nowMs = Math.max(engine.nowMs, atMs);
  return engine.ask(
    {
      kind: "meter.exchange",
      meterId: "M1",
      atMs,
      closingMl: closingLitres * 1_000,
      openingMl: 0,
      formerSerial: "A",
      serial: "B",
      change: {},
      reason: "age",
      ...more,
    },
    wang,
  );
}
type ExchangeAsk = Extract<Ask, { kind: "meter.exchange" }>;

function qualities() {
  return engine
    .readings()
    .toSorted((one, other) => one.measuredAtMs - other.measuredAtMs || one.seq - other.seq)
    .map(({ indexMl, quality }) => [Number(indexMl) / 1_000, quality]);
}

function stateOfR8(): unknown {
  return engine.rows("SELECT state FROM alarm WHERE rule = 'R8'")[0]?.["state"];
}

describe("an exchange", () => {
  test("before the new meter reports: its first register is sound", () => {
    read(0, 500_000);
    expect(exchange(1, 500_300)).toMatchObject({ ok: true });
    read(2, 400);
    expect(qualities()).toEqual([
      [500_000, "validated"],
      [400, "validated"],
    ]);
  });

  test("entered when the new meter has long reported: its registers become sound, the alarm ends", () => {
    const hours = [2, 3, 4, 5, 6];
    const after = (quality: string) => hours.map((hour) => [10_000 + hour * 100, quality]);
    read(0, 500_000);
    for (const hour of hours) read(hour, 10_000 + hour * 100);
    expect(qualities().slice(1)).toEqual(after("suspect"));
    expect(stateOfR8()).toBe("unacknowledged");
    exchange(1, 500_300, { openingMl: 10_000_000 });
    expect(qualities().slice(1)).toEqual(after("validated"));
    expect(stateOfR8()).toBe("returned-unacknowledged");
    const readings = engine.ledger.readings.range(meterNo, startMs - 1, Infinity).readings;
    const former = readings.flatMap(({ others }) => others);
    expect(former).toHaveLength(hours.length);
  });

  test("gives the same ledger whether it is entered before or after the readings", () => {
    const twin = engine.twin();
    read(0, 500_000);
    exchange(1, 500_300);
    for (const hour of [2, 3, 4]) read(hour, hour * 100);
    const before = qualities();
    engine.close();
    engine = twin;
    read(0, 500_000);
    for (const hour of [2, 3, 4]) read(hour, hour * 100);
    exchange(1, 500_300);
    expect(qualities()).toEqual(before);
  });

  test("voids what was ordered of the former meter, and forgets its valve", () => {
    read(0, 500_000, "open");
    const close = {
      kind: "valve.close",
      meterId: "M1",
      reason: "debt",
      expiresInMs: hourMs,
    } as const;
    engine.ask(close, { label: "otto", role: "operator" });
    engine.nowMs += minuteMs;
    exchange(0.01, 500_000);
    const [command] = engine.rows("SELECT state, detail FROM command");
    expect(command).toEqual({ state: "cancelled", detail: "meter-exchanged" });
    const [context] = engine.rows("SELECT json FROM context");
    expect(reviveContext(String(context?.["json"])).valve.position).toBeNull();
  });

  test("of another size is judged by that size from then on", () => {
    read(0, 500_000);
    exchange(1, 500_000, { change: { size: "G25" } });
    read(2, 40_000);
    expect(qualities().at(-1)).toEqual([40_000, "validated"]);
    // The former meter's own late word is judged by what it was: 40 m³ in half an hour no G4 passes.
    read(0.5, 540_000);
    expect(qualities()[1]).toEqual([540_000, "suspect"]);
  });

  test("that cannot be is refused in words that say what to look at", () => {
    read(0, 500_000);
    read(1, 500_100);
    const refusals = [
      [exchange(2, 400_000), "the meter reported 500.100 at 2026-11-22T01:00:00.000Z"],
      [exchange(2, 500_200, { openingMl: 100_000_000_000 }), "openingM3 does not fit"],
      [exchange(2, 500_200, { atMs: startMs + 90 * hourMs }), "at lies ahead"],
      [exchange(2, 500_200, { meterId: "M9" }), "no meter M9"],
    ] as const;
    for (const [result, words] of refusals) {
      expect(result.ok ? "" : result.refusal.detail).toContain(words);
    }
    exchange(2, 500_200);
    expect(exchange(1.5, 500_150)).toMatchObject({
      refusal: { detail: expect.stringContaining("in their order") },
    });
    expect(engine.rows("SELECT at FROM meter_exchange")).toHaveLength(1);
  });

  test("survives a restart", () => {
    read(0, 500_000);
    exchange(1, 500_300);
    engine.restart();
    read(2, 400);
    expect(qualities().at(-1)).toEqual([400, "validated"]);
  });
});

describe("a person's word on a register", () => {
  const at1 = startMs + hourMs;

  function decide(litres: number, decision: "validated" | "edited"): AskResult {
    const instant = { measuredAtMs: at1, indexMl: litres * 1_000 };
    const ask = { kind: "register.decide", meterId: "M1", ...instant, decision } as const;
    return engine.ask({ ...ask, reason: "seen at the meter" }, { label: "li", role: "billing" });
  }

  function conflicts(): readonly unknown[] {
    return engine.rows("SELECT measured_at FROM register_conflict WHERE settled_at IS NULL");
  }

  beforeEach(() => {
    read(0, 100);
    read(1, 200);
    read(2, 400);
    read(1, 300);
  });

  test("a conflict is on the list until it is settled, and again when another value comes", () => {
    expect(conflicts()).toEqual([{ measured_at: at1 }]);
    expect(decide(300, "validated")).toMatchObject({ ok: true });
    expect(conflicts()).toEqual([]);
    read(1, 300);
    expect(conflicts()).toEqual([]);
    read(1, 350);
    expect(conflicts()).toEqual([{ measured_at: at1 }]);
  });

  test("an exchange follows the corrected register, not the false one that was believed", () => {
    read(3, 5_400);
    read(4, 450);
    expect(exchange(5, 500)).toMatchObject({
      refusal: { detail: expect.stringContaining("or edit that register first") },
    });
    const instant = { measuredAtMs: startMs + 3 * hourMs, indexMl: 420_000 };
    const ask = { kind: "register.decide", meterId: "M1", ...instant, decision: "edited" } as const;
    engine.ask({ ...ask, reason: "seen at the meter" }, { label: "li", role: "billing" });
    expect(exchange(5, 410)).toMatchObject({ ok: false });
    expect(exchange(5, 500)).toMatchObject({ ok: true });
  });

  test("what nobody read can only be edited; both that were read stay", () => {
    expect(decide(250, "validated")).toMatchObject({
      refusal: { kind: "invalid", detail: expect.stringContaining("0.200 and 0.300") },
    });
    expect(decide(250, "edited")).toMatchObject({ ok: true });
    const [row] = engine.rows("SELECT index_ml, kind, reason, by FROM register_decision");
    expect(row).toEqual({
      index_ml: 250_000,
      kind: "edited",
      reason: "seen at the meter",
      by: "li",
    });
    expect(qualities().filter(([, quality]) => quality === "suspect")).toHaveLength(2);
  });

  test("is in the audit, with its reason", () => {
    decide(250, "edited");
    const [row] = engine.rows(
      "SELECT actor, role, act, subject, reason FROM audit WHERE act = 'register.decide'",
    );
    expect(row).toMatchObject({
      actor: "li",
      role: "billing",
      subject: "M1",
      reason: "seen at the meter",
    });
  });
});

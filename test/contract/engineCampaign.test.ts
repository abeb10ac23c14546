/** Closing many valves by hand through the engine: two persons, stages, and a stop that holds over restarts. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Campaign } from "#domain/campaign.ts";
import { hourMs, minuteMs } from "#domain/units.ts";
import type { Actor, Ask, AskResult } from "#ports/requests.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
const anna: Actor = { label: "anna", role: "dispatcher" };
const ben: Actor = { label: "ben", role: "operator" };
const meters = Array.from({ length: 70 }, (_, n) => `M${n + 1}`);

beforeEach(() => {
  engine = new EngineUnderTest();
  for (const { label, role } of [anna, ben]) {
    engine.ask({ kind: "apiKey.issue", apiKey: { id: label, keyHash: "0", role, label } });
  }
  for (const id of meters) engine.register(id);
});
afterEach(() => engine.close());

function campaignOf(result: AskResult): Campaign {
  if (!result.ok || result.answer.kind !== "campaign") throw new TypeError("no campaign");
  return result.answer.campaign;
}

function request(meterIds: readonly string[] = meters): string {
  const ask = { kind: "campaign.request", meterIds, reason: "flood", expiresInMs: hourMs } as const;
  return campaignOf(engine.ask(ask, anna)).id;
}

function act(kind: "campaign.approve" | "campaign.stop", campaignId: string, by: Actor): string {
  const ask: Ask = { kind, campaignId, reason: "agreed" };
  const result = engine.ask(ask, by);
  return result.ok ? campaignOf(result).state : result.refusal.kind;
}

function tick(): void {
  engine.nowMs += 1_000;
  engine.process({});
}

function ordered(): number {
  return Number(engine.rows("SELECT count(*) AS count FROM command")[0]?.["count"]);
}

function stateOf(id: string): string {
  return String(engine.rows("SELECT state FROM campaign WHERE id = ?", id)[0]?.["state"]);
}

/** Every waiting meter wakes, closes, and proves it. */
function closeAll(except: readonly number[] = []): void {
  const waiting = engine.ledger.openCommands();
  for (const { meterNo } of waiting) {
    if (except.includes(meterNo)) continue;
    engine.notices({ kind: "contact", meterNo });
  }
  for (let turn = 0; turn < 4; turn += 1) {
    engine.nowMs += minuteMs;
    // The next stage may have been ordered by now: it is not this one's.
    const uplinks = waiting.map(({ meterNo, id }) => {
      const isBad = except.includes(meterNo);
      const reply = isBad ? { reply: { commandId: id, result: "failed" } } : {};
      const valve = isBad ? "open" : "closed";
      const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000", valve, ...reply });
      return { meterNo, bytes, reachable: isBad };
    });
    engine.uplinks(uplinks);
  }
}

test("nothing is ordered before a second person agrees, and never for one person alone", () => {
  const id = request();
  tick();
  expect(ordered()).toBe(0);
  expect(act("campaign.approve", id, anna)).toBe("same-person");
  expect(act("campaign.approve", id, { label: "eva", role: "engineer" })).toBe("forbidden");
  engine.nowMs += 10 * minuteMs;
  expect(act("campaign.approve", id, ben)).toBe("approval-expired");
  tick();
  expect(stateOf(id)).toBe("expired");
  expect(ordered()).toBe(0);
});

test("stages of 10 and 50 and the rest, over restarts, to the end", () => {
  const id = request();
  expect(act("campaign.approve", id, ben)).toBe("running");
  expect(act("campaign.approve", id, ben)).toBe("not-allowed-in-state");
  const seen: number[] = [];
  for (let stage = 0; stage < 3; stage += 1) {
    tick();
    engine.restart();
    tick();
    seen.push(ordered());
    closeAll();
  }
  tick();
  expect(seen).toEqual([10, 60, 70]);
  expect(stateOf(id)).toBe("done");
  const [states] = engine.rows("SELECT count(*) AS count FROM command WHERE state = 'verified'");
  expect(states).toEqual({ count: 70 });
});

test("one valve in ten that does not close ends it, and the rest is never ordered", () => {
  const id = request();
  act("campaign.approve", id, ben);
  tick();
  closeAll([3]);
  tick();
  expect(stateOf(id)).toBe("halted");
  for (let turn = 0; turn < 5; turn += 1) tick();
  expect(ordered()).toBe(10);
});

test("stopped by a person: what has not left is withdrawn", () => {
  const id = request();
  act("campaign.approve", id, ben);
  tick();
  engine.notices({ kind: "contact", meterNo: 1 });
  expect(act("campaign.stop", id, ben)).toBe("stopped");
  const rows = engine.rows(
    "SELECT state, count(*) AS count FROM command GROUP BY state ORDER BY 1",
  );
  expect(rows).toEqual([
    { state: "cancelled", count: 9 },
    { state: "sent", count: 1 },
  ]);
  tick();
  expect(ordered()).toBe(10);
});

test("a meter that does not exist, and more than there may be", () => {
  const ask = { kind: "campaign.request", reason: "flood", expiresInMs: hourMs } as const;
  expect(engine.ask({ ...ask, meterIds: ["none"] }, anna)).toMatchObject({
    refusal: { kind: "not-found" },
  });
  expect(engine.ask({ ...ask, meterIds: [] }, anna)).toMatchObject({
    refusal: { kind: "invalid" },
  });
});

/** What the breaker holds: told with the first one, where and what it has in common, and let go by two persons only. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MeterDraft } from "#domain/meter.ts";
import type { Role } from "#domain/role.ts";
import { hourMs, minuteMs, secondMs, timestampMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { AskResult, CommandOutcome } from "#ports/requests.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;

beforeEach(() => {
  engine = new EngineUnderTest();
  for (const [label, role] of [
    ["anna", "operator"],
    ["ben", "dispatcher"],
    ["eve", "engineer"],
  ] as const) {
    key(label, role);
  }
});
afterEach(() => engine.close());

function key(label: string, role: Role): void {
  engine.ask({ kind: "apiKey.issue", apiKey: { id: label, keyHash: "0", role, label } });
}

function meters(count: number, change: (place: number) => Partial<MeterDraft>): readonly number[] {
  return Array.from({ length: count }, (_, place) => engine.register(`M${place}`, change(place)));
}

/** All of them leak in one batch. */
function leak(all: readonly number[], reachable = false): BatchReport {
  engine.nowMs += minuteMs;
  const said = { measuredAt: engine.nowMs, volumeM3: "1.000", valve: "open", status: ["leak"] };
  return engine.uplinks(all.map((meterNo) => ({ meterNo, bytes: jsonBytes(said), reachable })));
}

function held(): readonly string[] {
  return engine
    .rows("SELECT id FROM command WHERE state = 'held' ORDER BY requested_at, id")
    .map(({ id }) => String(id));
}

function outcomes(result: AskResult): readonly CommandOutcome[] {
  if (!result.ok || result.answer.kind !== "commands") throw new TypeError("no outcomes");
  return result.answer.commands;
}

function all(act: "approve" | "cancel", commandIds: readonly string[], label: string, role: Role) {
  const kind = `commands.${act}` as const;
  const told = outcomes(engine.ask({ kind, commandIds, reason: "seen" }, { label, role }));
  return told.map(({ state, refusal }) => `${state} ${refusal}`);
}

test("the alarm is in the transaction of the first close that is held", () => {
  const result = leak(meters(5, () => ({})));
  if (result.kind !== "committed") throw new TypeError(result.message);
  const kinds = result.events.map(({ json }) => JSON.parse(json) as Record<string, never>);
  const raised = kinds.filter(
    ({ kind, alarm }) => kind === "alarm.raised" && alarm?.["rule"] === "BREAKER",
  );
  expect(raised).toHaveLength(1);
  expect(held()).toHaveLength(2);
  expect(engine.twin().alarms("BREAKER")).toMatchObject([
    { state: "unacknowledged", priority: 1, proof: { held: 2, commands: held().join(" ") } },
  ]);
});

test("says where they are and what most of them share, and keeps up with the list", () => {
  const place = (east: number) => ({
    longitude: 120 + east / 100,
    latitude: 30 - east / 1_000,
    crs: "WGS84" as const,
  });
  leak(
    meters(13, (no) => ({
      area: no < 11 ? "old-town" : "harbour",
      position: no === 5 ? null : place(no),
      siteClass: no % 2 === 0 ? "household" : "commercial",
    })),
  );
  engine.nowMs += secondMs;
  engine.process({});
  // Two closed in the old town and the last one of the fleet in the harbour; the rest is held.
  const [alarm] = engine.alarms("BREAKER");
  expect(alarm?.proof).toMatchObject({
    held: 10,
    areas: "old-town: 9, harbour: 1",
    area: "old-town (9 of 10)",
    protocol: "json",
    rule: "R1",
    crs: "WGS84",
    placed: 9,
    west: 120.02,
    east: 120.12,
    south: 29.988,
    north: 29.998,
  });
  expect(alarm?.proof).not.toHaveProperty("siteClass");
  all("cancel", held().slice(0, 4), "anna", "operator");
  engine.nowMs += secondMs;
  engine.process({});
  expect(engine.alarms("BREAKER")[0]?.proof).toMatchObject({ held: 6 });
});

test("the whole list is let go by two persons, one request each", () => {
  const numbers = meters(6, () => ({}));
  leak(numbers);
  const list = held();
  expect(all("approve", list, "anna", "operator")).toEqual(Array(3).fill("held null"));
  expect(all("approve", list, "anna", "operator")).toEqual(Array(3).fill("held same-person"));
  expect(all("approve", list, "eve", "engineer")).toEqual(Array(3).fill("held forbidden"));
  const report = leak(numbers, true);
  expect(report).toMatchObject({ downlinks: { length: 3 } });
  expect(all("approve", [...list, "no-such"], "ben", "dispatcher")).toEqual([
    ...Array(3).fill("queued null"),
    "null not-found",
  ]);
  engine.nowMs += secondMs;
  engine.process({});
  expect(engine.alarms("BREAKER")).toMatchObject([{ state: "returned-unacknowledged" }]);
  expect(leak(numbers, true)).toMatchObject({ downlinks: { length: 3 } });
});

test("a yes that has lapsed, or whose key is gone, lets nothing go", () => {
  leak(meters(5, () => ({})));
  const list = held();
  all("approve", list, "anna", "operator");
  engine.nowMs += 10 * minuteMs;
  expect(all("approve", list, "ben", "dispatcher")).toEqual(Array(2).fill("held null"));
  engine.ask({ kind: "apiKey.revoke", id: "ben" });
  key("ben2", "dispatcher");
  expect(all("approve", list, "anna", "operator")).toEqual(Array(2).fill("held null"));
  expect(all("approve", list, "ben2", "dispatcher")).toEqual(Array(2).fill("queued null"));
});

test("a permission to open is never among many", () => {
  const meterNo = engine.register("P1");
  engine.nowMs += minuteMs;
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000", valve: "closed" });
  engine.uplinks([{ meterNo, bytes }]);
  const leakCheckAtMs = timestampMs(engine.nowMs);
  const permit = { workOrder: "W-1", leakCheck: "L-1", leakCheckAtMs };
  const wanted = { meterId: "P1", reason: "repaired", expiresInMs: hourMs, permit };
  engine.ask({ kind: "valve.permit", ...wanted }, { label: "ben", role: "dispatcher" });
  key("dora", "dispatcher");
  const ids = engine.ledger.openCommands().map(({ id }) => id);
  expect(all("approve", ids, "dora", "dispatcher")).toEqual(["requested invalid"]);
  expect(all("cancel", ids, "dora", "dispatcher")).toEqual(["cancelled null"]);
});

test("many are taken back at once, and the audit names them", () => {
  leak(meters(5, () => ({})));
  const list = held();
  expect(all("cancel", [...list, ...list], "anna", "operator")).toEqual(
    Array(2).fill("cancelled null"),
  );
  expect(all("cancel", list, "anna", "operator")).toEqual(
    Array(2).fill("cancelled not-allowed-in-state"),
  );
  const rows = engine.rows("SELECT detail FROM audit WHERE act = 'commands.cancel' ORDER BY seq");
  expect(rows.map(({ detail }) => (JSON.parse(String(detail)) as { after: object }).after)).toEqual(
    [
      { done: list.join(" "), refused: "" },
      { done: "", refused: list.join(" ") },
    ],
  );
});

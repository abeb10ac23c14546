import { describe, expect, test } from "vitest";
import { Valve, valveKinds } from "#simulators/valve.ts";
import type { ValveKind } from "#simulators/valve.ts";

const orderedAtMs = 1_000_000;
const motorMs = 5_000;
const laterMs = orderedAtMs + motorMs;

function valve(kind: ValveKind): Valve {
  return new Valve({ kind, motorMs, passingMlPerHour: 300_000, delayMs: 60_000 });
}

describe("what becomes of an order to close", () => {
  // kind, answer, position after the motor, limit of the flow after it, movements
  const cases = [
    ["obeys", "accepted", "closed", 0, 1],
    ["liar", "accepted", "open", null, 0],
    ["passing", "accepted", "closed", 300_000, 1],
    ["silent", undefined, "open", null, 0],
    ["jams", "accepted", "fault", null, 1],
    ["late", "accepted", "open", null, 1],
    ["mute", undefined, "closed", 0, 1],
    ["neighbour", "executed", "open", null, 0],
    ["twice", "accepted", "closed", 0, 1],
    ["reopened", "accepted", "closed", 0, 1],
    ["flat", undefined, "moving", null, 1],
  ] as const;

  test("every kind is shown", () => {
    expect(cases.map(([kind]) => kind).toSorted()).toEqual([...valveKinds].toSorted());
  });

  test("a late one moves after its delay, a reopened one is open again after it", () => {
    const [late, reopened] = [valve("late"), valve("reopened")];
    late.close("c1", orderedAtMs);
    reopened.close("c1", orderedAtMs);
    const whenMs = [orderedAtMs + 60_000, laterMs + 60_000];
    expect(whenMs.map((atMs) => late.positionAt(atMs))).toEqual(["moving", "closed"]);
    expect(whenMs.map((atMs) => reopened.positionAt(atMs))).toEqual(["closed", "open"]);
    expect(reopened.limitMlPerHour(laterMs + 60_000)).toBeNull();
  });

  test("a neighbour's answer names no order of its own, a double one comes twice", () => {
    expect(valve("neighbour").close("c1", orderedAtMs)).toMatchObject({ isForeign: true });
    expect(valve("twice").close("c1", orderedAtMs)).toMatchObject({ copies: 2 });
    const flat = valve("flat");
    expect(flat.isDead).toBe(false);
    flat.close("c1", orderedAtMs);
    expect(flat.isDead).toBe(true);
  });

  test.each(cases)("%s", (kind, result, position, limit, movements) => {
    const tried = valve(kind);
    expect(tried.close("c1", orderedAtMs)?.result).toBe(result);
    expect(tried.limitMlPerHour(laterMs - 1)).toBeNull();
    expect(tried.positionAt(laterMs)).toBe(position);
    expect(tried.limitMlPerHour(laterMs)).toBe(limit);
    expect(tried.movements).toBe(movements);
  });

  test("the answer tells the position before the motor moved", () => {
    const tried = valve("obeys");
    expect(tried.close("c1", orderedAtMs)).toMatchObject({ position: "open", isNew: true });
    expect(tried.positionAt(orderedAtMs)).toBe("moving");
  });
});

describe("repeated orders", () => {
  test("the same order is answered again and moves nothing", () => {
    const tried = valve("obeys");
    tried.close("c1", orderedAtMs);
    const again = tried.close("c1", laterMs);
    expect(again).toMatchObject({ result: "accepted", position: "closed", isNew: false });
    expect(tried.movements).toBe(1);
  });

  test("a new order to a shut valve moves nothing and says so", () => {
    const tried = valve("obeys");
    tried.close("c1", orderedAtMs);
    const second = tried.close("c2", laterMs);
    expect(second).toMatchObject({ result: "executed", reason: "already-closed", isNew: true });
    expect(tried.movements).toBe(1);
  });

  test("a new order while the motor runs does not start it again", () => {
    const tried = valve("obeys");
    tried.close("c1", orderedAtMs);
    tried.close("c2", orderedAtMs + 1);
    expect(tried.motorEndsAtMs).toBe(laterMs);
    expect(tried.movements).toBe(1);
  });

  test("a jammed valve refuses to try again", () => {
    const tried = valve("jams");
    tried.close("c1", orderedAtMs);
    expect(tried.close("c2", laterMs)).toMatchObject({ result: "failed", reason: "valve-fault" });
    expect(tried.movements).toBe(1);
  });

  test("old orders are forgotten, so the memory stays small; even then a shut valve stays", () => {
    const tried = valve("obeys");
    for (let order = 0; order < 100; order += 1) tried.close(`c${order}`, laterMs + order * 10_000);
    expect(tried.close("c0", laterMs + 2_000_000)).toMatchObject({ isNew: true });
    expect(tried.movements).toBe(1);
  });
});

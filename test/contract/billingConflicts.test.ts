/** What billing is asked to settle: contradictions of the meter that hung there, not the memory of another one. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultGasDays, GasDays } from "#billing/gasDays.ts";
import { hourMs } from "#domain/units.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { billingAnswers } from "../../src/billingAnswers.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;
const startMs = Date.UTC(2026, 10, 22);

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M1", { quantumMl: 1_000 });
});
afterEach(() => engine.close());

/** A register of `hour` that arrives at `now`, both in hours. */
function tell(hour: number, litres: number, now = hour): void {
  engine.nowMs = Math.max(engine.nowMs, startMs + now * hourMs);
  const measuredAt = startMs + hour * hourMs;
  const volumeM3 = (litres / 1_000).toFixed(3);
  engine.uplinks([{ meterNo, bytes: jsonBytes({ measuredAt, volumeM3 }) }]);
}

function exchangeAt(hour: number, closing: number, opening: number): void {
  const atMs = startMs + hour * hourMs;
  engine.nowMs = Math.max(engine.nowMs, atMs);
  const [closingMl, openingMl] = [closing * 1_000, opening * 1_000];
  const serials = { formerSerial: "A", serial: "B" };
  const asked = { atMs, closingMl, openingMl, ...serials, change: {}, reason: "age" };
  const answer = engine.ask({ kind: "meter.exchange", meterId: "M1", ...asked });
  expect(answer).toMatchObject({ ok: true });
}

/** Hours and litres of what is listed, as billing's worker sees it. */
function listed(): readonly (readonly [number, readonly number[]])[] {
  const db = openForReading(engine.directory);
  const rows = billingRows(db);
  const billing = billingAnswers(answersFrom(db), rows, new GasDays(defaultGasDays));
  const { items } = billing.conflicts(null, null, 100);
  const found = items.map(({ measuredAtMs, versions }) => {
    const litres = versions.map(({ indexMl }) => (indexMl ?? NaN) / 1_000);
    return [(measuredAtMs - startMs) / hourMs, litres] as const;
  });
  // What is listed is what a bill counts.
  const period = [{ atMs: startMs }, { atMs: startMs + 6 * hourMs }] as const;
  const determinant = billing.meterConsumption("M1", ...period);
  expect(determinant?.openConflicts).toBe(found.length);
  db.close();
  return found;
}

test("a new meter's memory of the time before it contradicts nobody; two words of the former one do", () => {
  for (const hour of [0, 1, 2, 3]) tell(hour, 500_000 + hour * 100);
  // The former meter itself says two things of hour 2.
  tell(2, 500_205, 3.5);
  exchangeAt(4, 500_350, 10);
  tell(5, 110);
  for (const hour of [1, 2, 3]) tell(hour, 7, 6);
  tell(6, 210);
  expect(engine.rows("SELECT 1 FROM register_conflict")).toHaveLength(3);
  expect(listed()).toEqual([[2, [500_200, 500_205]]]);
});

test("an exchange that is entered late takes from the list what was the new meter's memory", () => {
  for (const hour of [0, 1, 2, 3]) tell(hour, 500_000 + hour * 100);
  tell(5, 110);
  for (const hour of [2, 3]) tell(hour, 7, 5.5);
  tell(6, 210);
  expect(listed()).toEqual([
    [2, [500_200, 7]],
    [3, [500_300, 7]],
  ]);
  exchangeAt(4, 500_350, 10);
  expect(listed()).toEqual([]);
});

test("what a person has decided opens again by its own meter alone", () => {
  for (const hour of [0, 1, 2, 3]) tell(hour, 500_000 + hour * 100);
  tell(2, 500_205, 3.2);
  const measuredAtMs = startMs + 2 * hourMs;
  const word = { meterId: "M1", measuredAtMs, indexMl: 500_200_000, reason: "photo" };
  engine.ask({ kind: "register.decide", decision: "validated", ...word });
  expect(listed()).toEqual([]);
  exchangeAt(4, 500_350, 10);
  tell(5, 110);
  tell(2, 7, 6);
  tell(6, 210);
  expect(listed()).toEqual([]);
  tell(2, 500_209, 6.5);
  expect(listed()).toEqual([[2, [500_200, 500_205, 500_209]]]);
});

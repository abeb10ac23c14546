/** Checks on use and gas days of areas, over the real ledger. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultGasDays, GasDays } from "#billing/gasDays.ts";
import { dayOfDate } from "#domain/gasDate.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { billingAnswers } from "../../src/billingAnswers.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let db: ReturnType<typeof openForReading>;
let meterNo: number;
/** 06:00 in Berlin; on the last Sunday of March a day there has 23 hours. */
const firstMs = Date.UTC(2026, 2, 1, 5);
const day = (date: string) => ({ day: dayOfDate(date) ?? NaN });

beforeEach(() => {
  engine = new EngineUnderTest();
  engine.nowMs = firstMs - hourMs;
  db = openForReading(engine.directory);
  meterNo = engine.register("M1", { area: "berlin" });
});
afterEach(() => {
  db.close();
  engine.close();
});

function reads() {
  const areas = { berlin: { zone: "Europe/Berlin", startMinute: 360 } };
  return billingAnswers(
    answersFrom(db),
    billingRows(db),
    new GasDays({ ...defaultGasDays, areas }),
  );
}

function report(atMs: number, litres: number, more: object = {}): void {
  engine.nowMs = atMs + 60_000;
  const volumeM3 = (litres / 1_000).toFixed(3);
  engine.uplinks([{ meterNo, bytes: jsonBytes({ measuredAt: atMs, volumeM3, ...more }) }]);
}

/** Hour by hour, an upload a day, from the first hour on. */
function reportDaysOfHours(days: number, litresAt: (hour: number) => number): void {
  const read = (hour: number) => ({
    measuredAt: firstMs + hour * hourMs,
    volumeM3: (litresAt(hour) / 1_000).toFixed(3),
  });
  report(firstMs, litresAt(0));
  for (let day = 1; day <= days; day += 1) {
    const history = Array.from({ length: 23 }, (_, back) => read(day * 24 - 1 - back));
    report(firstMs + day * dayMs, litresAt(day * 24), { history });
  }
}

function month(from: string, to: string) {
  const row = reads().meterConsumption("M1", day(from), day(to));
  return { volumeMl: row?.volumeMl, flags: row?.flags, standing: row?.standing };
}

test("the gas days of a month with a change of the clocks add up to the month", () => {
  reportDaysOfHours(31, (hour) => 1_000 + hour * 10);
  const dates = Array.from({ length: 32 }, (_, place) =>
    new Date(Date.UTC(2026, 2, 1 + place)).toISOString().slice(0, 10),
  );
  const days = dates
    .slice(1)
    .map((to, place) => reads().meterConsumption("M1", day(dates[place] ?? ""), day(to)));
  const hours = days.map((row) => ((row?.toMs ?? NaN) - (row?.fromMs ?? NaN)) / hourMs);
  expect(hours.filter((length) => length !== 24)).toEqual([23]);
  // Day by day what the hours say, and the short one less.
  expect(days.map((row) => row?.volumeMl)).toEqual(hours.map((length) => length * 10_000));
  expect(month("2026-03-01", "2026-04-01")).toEqual({
    volumeMl: (31 * 24 - 1) * 10_000,
    flags: [],
    standing: "ready",
  });
});

/** A register a day for some days, by what passes in one. */
function reportDays(from: number, to: number, litresAt: (day: number) => number, more = {}): void {
  for (let no = from; no <= to; no += 1) report(firstMs + no * dayMs, litresAt(no), more);
}

test("what is used is compared over an exchange", () => {
  reportDays(0, 20, (no) => 50_000 + no * 1_000);
  engine.nowMs = firstMs + 20 * dayMs + 2 * hourMs;
  const serials = { formerSerial: null, serial: null, change: {}, reason: "age" };
  const atMs = firstMs + 20 * dayMs + hourMs;
  const registers = { closingMl: 76_000_000, openingMl: 0 };
  const ask = { kind: "meter.exchange", meterId: "M1", atMs, ...registers, ...serials } as const;
  expect(engine.ask(ask).ok).toBe(true);
  reportDays(21, 24, (no) => (no - 20) * 1_000);
  reportDays(25, 32, () => 100_000);
  const at = (no: number) => ({ atMs: firstMs + no * dayMs });
  const week = (no: number) => reads().meterConsumption("M1", at(no), at(no + 7));
  expect(week(10)?.flags).toEqual([]);
  // Three cubic metres, six in the hour of the exchange, four behind it; then seven times as much.
  expect(week(17)?.volumeMl).toBe(13_000_000);
  expect(week(24)).toMatchObject({ volumeMl: 96_000_000, flags: ["high-use"] });
});

test("a register that stands still under an open valve is for a person, under a shut one it is not", () => {
  reportDays(0, 14, (no) => 50_000 + no * 1_000);
  reportDays(15, 28, () => 64_000, { valve: "closed" });
  const at = (no: number) => ({ atMs: firstMs + no * dayMs });
  const flags = (from: number, to: number) =>
    reads().meterConsumption("M1", at(from), at(to))?.flags;
  expect(flags(14, 28)).toEqual([]);
  // Shut again on the last day: on all others it was open.
  reportDays(29, 44, () => 64_000, { valve: "open" });
  reportDays(45, 45, () => 64_000, { valve: "closed" });
  expect(flags(28, 45)).toEqual(["zero-use"]);
});

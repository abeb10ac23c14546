/** A register that nobody read: asked of the meter's memory, and estimated only when that has failed. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultGasDays, GasDays } from "#billing/gasDays.ts";
import { dayMs, hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import type { BillingQueries } from "#ports/billingQueries.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { billingAnswers } from "../../src/billingAnswers.ts";
import { lookForGaps } from "../../src/gapWatch.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";

let engine: EngineUnderTest;
let db: ReturnType<typeof openForReading>;
let meterNo: number;
const noted: string[] = [];
/** Midnight in Shanghai. */
const boundaryMs = startMs + 16 * hourMs;

beforeEach(() => {
  engine = new EngineUnderTest();
  db = openForReading(engine.directory);
  meterNo = engine.register("M1");
  noted.length = 0;
});
afterEach(() => {
  db.close();
  engine.close();
});

/** Hours from the boundary, cubic metres; what it says arrives now. */
function report(hour: number, m3: number, history: readonly (readonly [number, number])[] = []) {
  const at = (hour: number) => boundaryMs + hour * hourMs;
  engine.nowMs = Math.max(engine.nowMs, at(hour) + minuteMs);
  const entry = ([hour, m3]: readonly [number, number]) => ({
    measuredAt: at(hour),
    volumeM3: m3.toFixed(3),
  });
  const bytes = jsonBytes({ ...entry([hour, m3]), history: history.map(entry) });
  return engine.uplinks([{ meterNo, bytes, reachable: true }]);
}

function reads() {
  return billingAnswers(answersFrom(db), billingRows(db), new GasDays(defaultGasDays));
}

async function look(): Promise<number> {
  const billing: Pick<BillingQueries, "missingRegisters"> = {
    missingRegisters: async (...args) => reads().missingRegisters(...args),
  };
  return lookForGaps({
    billing,
    desk: { ask: async ({ ask, actor }) => engine.ask(ask, actor) },
    clock: { nowMs: () => timestampMs(engine.nowMs), monotonicMs: () => engine.nowMs },
    observer: { note: (event) => noted.push(event) },
  });
}

function day() {
  const row = reads().meterConsumption("M1", { atMs: boundaryMs - dayMs }, { atMs: boundaryMs });
  return { volumeMl: row?.volumeMl, flags: row?.flags, standing: row?.standing };
}

function gap() {
  const [row] = reads().gaps("M1") ?? [];
  return row === undefined ? null : [row.state, row.attempts, row.detail];
}

test("the meter is asked, gives what it remembers, and nothing is estimated", async () => {
  report(-24, 100);
  report(-5, 110);
  report(4, 119);
  report(7, 120);
  expect(await look()).toBe(1);
  expect(gap()).toEqual(["requested", 1, null]);
  expect(day().flags).toEqual(["awaiting-meter", "closing-estimated"]);
  expect(day().standing).toBe("review");
  // While it waits it is not asked again.
  expect(await look()).toBe(0);
  const sent = report(8, 121);
  const [downlink] = sent.kind === "committed" ? sent.downlinks : [];
  expect(decodeJsonCommand(downlink?.bytes ?? new Uint8Array())).toMatchObject({
    value: { action: "read_history" },
  });
  report(9, 122, [
    [-1, 114.2],
    [0, 115.25],
    [1, 116],
  ]);
  expect(await look()).toBe(1);
  expect(gap()).toEqual(["filled", 1, null]);
  expect(day()).toEqual({ volumeMl: 15_250_000, flags: [], standing: "ready" });
  expect(await look()).toBe(0);
});

test("after two orders without an answer it is estimated, and the sum stays that of the registers", async () => {
  report(-24, 100);
  report(-5, 110);
  report(4, 119);
  report(7, 120);
  await look();
  for (const round of [1, 2]) {
    engine.nowMs += dayMs + 3 * hourMs;
    engine.notices({ kind: "contact", meterNo });
    engine.nowMs += minuteMs;
    report((engine.nowMs - boundaryMs) / hourMs, 120 + round);
    await look();
  }
  expect(gap()).toEqual(["unanswered", 2, "expired"]);
  expect(day()).toEqual({ volumeMl: 15_000_000, flags: ["closing-estimated"], standing: "ready" });
});

test("where nothing flowed nothing is asked; nor of a meter that has not come back", async () => {
  report(-24, 100);
  report(-5, 110);
  engine.nowMs = boundaryMs + 7 * hourMs;
  expect(await look()).toBe(0);
  report(8, 110);
  expect(await look()).toBe(0);
});

test("a meter whose protocol cannot be asked is estimated at once", async () => {
  const change = { protocol: "mbus" } as const;
  report(-24, 100);
  report(-5, 110);
  report(4, 119);
  report(7, 120);
  engine.ask({ kind: "meter.change", meterId: "M1", ifVersion: null, change });
  expect(await look()).toBe(1);
  expect(gap()?.slice(0, 2)).toEqual(["unanswered", 1]);
  expect(day().flags).toEqual(["closing-estimated"]);
});

test("who makes a bill before the first round waits for it; later there is nobody to wait for", async () => {
  report(-24, 100);
  report(-5, 110);
  report(4, 119);
  const waiting = { flags: ["awaiting-meter", "closing-estimated"], standing: "review" };
  expect(day()).toMatchObject(waiting);
  // Five days later the boundary is not asked for any more.
  report(5 * 24, 200);
  expect(day()).toMatchObject({ flags: ["closing-estimated"], standing: "ready" });
});

test("a meter is not asked for a day before it was put up", async () => {
  report(-24, 100);
  report(-5, 110);
  engine.nowMs = boundaryMs + 3 * hourMs;
  const serials = { formerSerial: null, serial: null, change: {}, reason: "age" };
  const registers = { atMs: boundaryMs + 2 * hourMs, closingMl: 115_000_000, openingMl: 250_000 };
  engine.ask({ kind: "meter.exchange", meterId: "M1", ...registers, ...serials });
  report(7, 1, [[-5, 0.25]]);
  expect(await look()).toBe(0);
  expect(day()).toMatchObject({ flags: ["closing-estimated", "other-meter"], standing: "ready" });
});

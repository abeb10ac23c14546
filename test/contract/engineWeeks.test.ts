/** Weeks of readings, past several kept folds: what comes days late gives what it had given in time. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { readingFlags } from "#domain/reading.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { windowLimits } from "#engine/window.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";
import { chanceOf, type Chance } from "../support/random.ts";

interface Report {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

const statuses = ["leak", "battery_low", "magnet", "over_flow", "micro_flow"] as const;

/** A household that cooks, a leak now and then, a spike, an exchange of the meter, a valve that is worked. */
function weeksOf(chance: Chance, count: number, everyMs: number, older: number): readonly Report[] {
  let litres = 900_000;
  let said: readonly string[] = [];
  let valve = "open";
  const history: object[] = [];
  return Array.from({ length: count }, (_, place) => {
    const atMs = startMs + (place + 1) * everyMs;
    const leaked = Math.floor(place / 80) % 2 === 1 ? Math.floor((everyMs / hourMs) * 90) : 0;
    litres +=
      leaked + (chance.once(3) ? 0 : chance.whole(0, Math.floor((everyMs / hourMs) * 2_000)));
    if (chance.once(count)) litres = 10;
    if (chance.once(10)) said = chance.once(2) ? [] : [chance.pick(statuses)];
    if (chance.once(40)) valve = chance.pick(["open", "closed"]);
    const shown = chance.once(30) ? chance.pick([0, litres * 2, litres - 5_000]) : litres;
    const value = { measuredAt: atMs, volumeM3: (Math.max(0, shown) / 1_000).toFixed(3) };
    const present = chance.once(4) ? value : { ...value, status: said, valve };
    const carried = older === 0 ? {} : { history: history.splice(0, older) };
    const bytes = jsonBytes({ ...present, ...carried });
    for (let part = 1; part <= older; part += 1) {
      const measuredAt = atMs + Math.floor((everyMs * part) / (older + 1));
      history.push({ measuredAt, volumeM3: (litres / 1_000).toFixed(3) });
    }
    return { atMs, bytes };
  });
}

/** What the books say when each report arrives so late; without what tells of its arrival. */
function books(reports: readonly Report[], delaysMs: readonly number[]) {
  const engine = new EngineUnderTest();
  try {
    const meterNo = engine.register("M0001");
    const arriving = reports
      .map((report, place) => ({ ...report, dueMs: report.atMs + (delaysMs[place] ?? 0) }))
      .sort((one, other) => one.dueMs - other.dueMs);
    for (const [place, { bytes, dueMs }] of arriving.entries()) {
      engine.nowMs = dueMs;
      expect(engine.uplinks([{ meterNo, bytes }]).kind).toBe("committed");
      if (place % 97 === 96) engine.restart();
    }
    const readings = engine.ledger.readingsAfter(meterNo, 0).map((reading) => {
      const { measuredAtMs, indexMl, status, valve, quality, flags } = reading;
      return { measuredAtMs, indexMl, status, valve, quality, flags: flags & ~readingFlags.LATE };
    });
    const occurrences = engine.ledger.occurrencesAfter(meterNo, 0).map((occurrence) => {
      const { id: _id, alarmId: _alarm, ...said } = occurrence;
      return said;
    });
    const order = (one: { rule: string; raisedAtMs: number }, other: typeof one) =>
      one.raisedAtMs - other.raisedAtMs || one.rule.localeCompare(other.rule);
    return {
      readings,
      occurrences: [...occurrences].sort(order),
      checkpoints: engine.rows("SELECT at FROM checkpoint").length,
    };
  } finally {
    engine.close();
  }
}

/** A third of the reports comes late. */
function delays(chance: Chance, count: number, daysMax: number): readonly number[] {
  return Array.from({ length: count }, () =>
    chance.once(3) ? chance.whole(0, daysMax * dayMs) : 0,
  );
}

/** Weeks take their time on a machine that does other things as well. */
const patienceMs = 120_000;

test.prop({ seed: fc.nat() }, { numRuns: 12 })(
  "four weeks, every two hours, up to four days late",
  ({ seed }) => {
    const chance = chanceOf(seed);
    const reports = weeksOf(chance, 28 * 12, 2 * hourMs, 0);
    const inTime = books(reports, []);
    expect(inTime.checkpoints).toBe(windowLimits.checkpointsMax);
    expect(books(reports, delays(chance, reports.length, 4))).toEqual(inTime);
  },
  patienceMs,
);

test.prop({ seed: fc.nat() }, { numRuns: 3 })(
  "every minute for five days, so that folds are kept by their number",
  ({ seed }) => {
    const chance = chanceOf(seed);
    const older = 59;
    const reports = weeksOf(chance, 5 * 24, hourMs, older);
    const inTime = books(reports, []);
    expect(inTime.readings.length).toBeGreaterThan(4 * windowLimits.checkpointEveryReadings);
    // Long enough that the limit is reached in every order of arrival: how many are kept must not tell the order.
    expect(inTime.checkpoints).toBe(windowLimits.checkpointsMax);
    const windowDays = (windowLimits.checkpointEveryReadings * minuteMs) / dayMs;
    expect(books(reports, delays(chance, reports.length, windowDays / 2))).toEqual(inTime);
  },
  patienceMs,
);

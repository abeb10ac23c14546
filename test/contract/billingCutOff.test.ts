/** The cut-off of a whole city says of each meter what is said of it alone. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultGasDays, GasDays } from "#billing/gasDays.ts";
import { hourMs } from "#domain/units.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { billingAnswers } from "../../src/billingAnswers.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";
import { chanceOf } from "../support/random.ts";

let engine: EngineUnderTest;
const meters = 420;
const boundaryMs = startMs + 16 * hourMs;

beforeEach(() => {
  engine = new EngineUnderTest();
});
afterEach(() => engine.close());

test("whatever was read at the boundary, beside it, twice, too late or by a person", () => {
  const chance = chanceOf(7);
  const days = new GasDays({
    ...defaultGasDays,
    areas: { west: { zone: "Asia/Shanghai", startMinute: 360 } },
  });
  const numbers = Array.from({ length: meters }, (_, place) => {
    const area = chance.once(3) ? "west" : "east";
    return engine.register(`M${String(place).padStart(4, "0")}`, { area });
  });
  for (let hour = -2; hour <= 9; hour += 1) {
    engine.nowMs = boundaryMs + hour * hourMs + 1_000;
    const uplinks = numbers.flatMap((meterNo) => {
      const volumeM3 = (500 + hour + chance.whole(0, 900) / 1_000).toFixed(3);
      const measuredAt = boundaryMs + hour * hourMs;
      const other = { measuredAt, volumeM3: (500.95 + hour).toFixed(3) };
      const all = chance.once(20) ? [{ measuredAt, volumeM3 }, other] : [{ measuredAt, volumeM3 }];
      return chance.once(8) ? [] : all.map((json) => ({ meterNo, bytes: jsonBytes(json) }));
    });
    engine.uplinks(uplinks);
  }
  const said = { kind: "register.decide", measuredAtMs: boundaryMs, indexMl: 500_123_000 } as const;
  for (const meterId of ["M0003", "M0100"]) {
    engine.ask({ ...said, meterId, decision: "edited", reason: "seen" });
  }
  const db = openForReading(engine.directory);
  const billing = billingAnswers(answersFrom(db), billingRows(db), days);
  for (const when of [
    { day: Math.round((boundaryMs + 8 * hourMs) / (24 * hourMs)) },
    { atMs: boundaryMs },
    // Between two uploads, before the first of them, and behind the last.
    { atMs: boundaryMs + hourMs / 2 },
    { atMs: boundaryMs - 2.5 * hourMs },
    { atMs: boundaryMs + 30 * hourMs },
  ]) {
    const found = [];
    let cursor: string | null = null;
    do {
      const page: ReturnType<typeof billing.billingRegisters> = billing.billingRegisters(
        when,
        null,
        cursor,
        200,
      );
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    const ids = new Set(found.map(({ meterId }) => meterId));
    const exact = found.filter(({ register }) => register.method === "exact");
    const isRead = "day" in when || when.atMs === boundaryMs;
    if (isRead) expect(ids.size).toBeGreaterThan(meters - 5);
    expect(exact.length > 300).toBe(isRead);
    for (const row of found) expect(row).toEqual(billing.billingRegister(row.meterId, when));
  }
  db.close();
});

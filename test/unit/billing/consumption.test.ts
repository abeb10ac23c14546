/** Registers at instants and volumes of periods: tables, and truths made by chance. */
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { consumptionOf } from "#billing/consumption.ts";
import { registerAt } from "#billing/instantRegister.ts";
import { registerChain, type ChainInput } from "#billing/registerChain.ts";
import type { MeterExchange, RegisterDecision, RegisterReading } from "#domain/billing.ts";
import { dayMs, hourMs, minuteMs, timestampMs, volumeMl } from "#domain/units.ts";

const kind = { size: "G4", quantumMl: 1_000, registerRangeMl: 10_000_000_000 } as const;

function reading(atMs: number, ml: number): RegisterReading {
  const quality = "validated";
  const receivedAtMs = timestampMs(atMs);
  return { measuredAtMs: receivedAtMs, receivedAtMs, indexMl: volumeMl(ml), quality, flags: 0 };
}

function chainOf(readings: readonly RegisterReading[], more: Partial<ChainInput> = {}) {
  const none = { sinceMs: 0, untilMs: Infinity, exchanges: [], decisions: [], billed: new Map() };
  return registerChain({ kind, readings, ...none, ...more });
}

const words = { formerSerial: null, serial: null, reason: "age", by: "Wang", enteredAtMs: 0 };

function exchangeAt(atMs: number, closingMl: number, openingMl: number): MeterExchange {
  return { atMs, closingMl, openingMl, former: kind, ...words };
}

function editedAt(measuredAtMs: number, indexMl: number): RegisterDecision {
  return { measuredAtMs, indexMl, kind: "edited", reason: "seen", by: "Li", enteredAtMs: 0 };
}

function consumed(chain: ReturnType<typeof chainOf>, fromMs: number, toMs: number) {
  const period = { fromMs, toMs };
  const rest = { past: () => chain, isAwaited: () => false, findings: [], conversions: [] };
  return consumptionOf({ meterId: "M1", area: "a", chain, period, ...rest });
}

describe("a register at an instant", () => {
  const chain = chainOf([reading(0, 1_000), reading(hourMs, 2_000), reading(5 * hourMs, 2_000)]);

  test.each([
    // minutes, millilitres, method, quality
    [0, 1_000, "exact", "validated"],
    [15, 1_250, "interpolated", "estimated"],
    [60, 2_000, "exact", "validated"],
    // Nothing flowed in the four hours, so there is nothing to estimate.
    [180, 2_000, "interpolated", "validated"],
    [600, 2_000, "last-before", "validated"],
  ])("%d min", (minutes, ml, method, quality) => {
    const placed = registerAt(chain, minutes * minuteMs, "opening", null);
    expect(placed?.register).toMatchObject({ indexMl: ml, method, quality });
  });

  test("before the first reading there is none", () => {
    expect(registerAt(chain, -1, "opening", null)).toBeNull();
  });

  test("a long gap has the shape of the same weekdays, and the sum of its registers", () => {
    const week = 7 * dayMs;
    // The week before: nothing until noon, then 100 l an hour.
    const hours = Array.from({ length: 25 }, (_, hour) =>
      reading(hour * hourMs, Math.max(0, hour - 12) * 100_000),
    );
    const gap = [reading(week, 1_200_000), reading(week + dayMs, 3_600_000)];
    const known = chainOf([...hours, ...gap]);
    const at = (hour: number) =>
      registerAt(known, week + hour * hourMs, "opening", () => known)?.register;
    expect(at(6)?.indexMl).toBe(1_200_000);
    expect(at(18)?.indexMl).toBe(1_200_000 + 1_200_000);
    expect(at(18)).toMatchObject({
      method: "estimated",
      quality: "estimated",
      inputs: { by: "same-weekday", weeks: 1, passedMl: 2_400_000 },
    });
  });
});

describe("a period", () => {
  test("of hourly registers is their difference", () => {
    const chain = chainOf([0, 1, 2, 3].map((hour) => reading(hour * hourMs, 7_000 * hour)));
    expect(consumed(chain, hourMs, 3 * hourMs)).toMatchObject({
      volumeMl: 14_000,
      quality: "validated",
      standing: "ready",
      estimatedMillionths: 0,
      flags: [],
      segments: [{ openingMl: 7_000, closingMl: 21_000, volumeMl: 14_000, rollovers: 0 }],
    });
  });

  test("whose end has not come in is for review, and ends with what is known", () => {
    const chain = chainOf([reading(0, 0), reading(hourMs, 5_000)]);
    expect(consumed(chain, 0, 2 * hourMs)).toMatchObject({
      volumeMl: 5_000,
      standing: "review",
      flags: ["closing-not-reached"],
    });
  });

  test("before which nothing is known has no volume", () => {
    const chain = chainOf([reading(hourMs, 5_000), reading(2 * hourMs, 6_000)]);
    const found = consumed(chain, 0, 2 * hourMs);
    expect(found).toMatchObject({ volumeMl: null, standing: "review", flags: ["no-opening"] });
  });

  test("half of which was estimated says so", () => {
    const chain = chainOf([reading(0, 0), reading(4 * hourMs, 8_000), reading(6 * hourMs, 9_000)]);
    const found = consumed(chain, 2 * hourMs, 6 * hourMs);
    expect(found).toMatchObject({ volumeMl: 5_000, quality: "estimated" });
    expect(found.estimatedMillionths).toBe(500_000);
    expect(found.flags).toEqual(["opening-estimated"]);
  });

  test("that ends while the register stands two quanta lower has the register before it", () => {
    // An empty house after the index has found its electronics again.
    const day = (no: number, ml: number) => reading(no * dayMs, ml);
    const days = [day(0, 9_000), day(1, 10_000), day(2, 8_000), day(30, 8_000), day(31, 11_000)];
    const chain = chainOf(days);
    // One alone may be a fault, with gas behind it.
    const once = consumed(chainOf(days.toSpliced(2, 1)), 0, 30 * dayMs);
    expect(once.flags).toContain("closing-estimated");
    expect(consumed(chain, 0, 30 * dayMs)).toMatchObject({
      volumeMl: 1_000,
      standing: "ready",
      quality: "validated",
      flags: ["resync"],
      closing: { indexMl: 10_000, method: "interpolated", inputs: { by: "held", passedMl: 0 } },
    });
    expect(consumed(chain, 30 * dayMs, 31 * dayMs)).toMatchObject({ volumeMl: 1_000, flags: [] });
    expect(consumed(chain, 20 * dayMs, 25 * dayMs)).toMatchObject({ volumeMl: 0, flags: [] });
  });

  test("whose hours do not add up to the freeze at its end is for review, and so is the next", () => {
    // The freeze of hour 24 is half a cubic metre too high; the hours behind it catch up with it at hour 30.
    const hours = Array.from({ length: 49 }, (_, hour) =>
      reading(hour * hourMs, hour * 100_000 + (hour === 24 ? 500_000 : 0)),
    );
    const chain = chainOf(hours);
    const rows = [
      consumed(chain, 0, 23 * hourMs),
      consumed(chain, 0, 24 * hourMs),
      consumed(chain, 12 * hourMs, 26 * hourMs),
      consumed(chain, 24 * hourMs, 48 * hourMs),
      consumed(chain, 30 * hourMs, 48 * hourMs),
    ];
    expect(rows.map(({ standing, flags }) => [standing, flags.includes("restarted")])).toEqual([
      ["ready", false],
      ["review", true],
      ["review", true],
      ["review", true],
      ["ready", false],
    ]);
    // What was not there when the first bill was made: then one value below is a fault of the transmission.
    const known = (count: number) => consumed(chainOf(hours.slice(0, count)), 0, 24 * hourMs);
    expect([known(25).standing, known(26).standing, known(27).standing]).toEqual([
      "ready",
      "ready",
      "review",
    ]);
  });

  test("whose last hour is too high is for review, whatever becomes of the hours behind it", () => {
    const high = [reading(0, 0), reading(23 * hourMs, 1_000), reading(24 * hourMs, 51_000)];
    const after = (...litres: readonly number[]) =>
      litres.map((ml, place) => reading((25 + place) * hourMs, ml));
    const behind = [
      // The lower ones are followed by one that fits neither them nor the high one.
      after(1_000, 1_000, 1_000, 0),
      // They catch up to where the high one would be held, and then pass it.
      after(1_000, 1_000, 49_000, 49_000, 60_000),
    ];
    const rows = behind.map((rest) => consumed(chainOf([...high, ...rest]), 0, 24 * hourMs));
    expect(rows.map(({ standing, flags }) => [standing, flags.includes("restarted")])).toEqual([
      ["review", true],
      ["review", true],
    ]);
  });

  test.each<readonly [string, readonly RegisterReading[], Partial<ChainInput>]>([
    // Somebody's meter 13 m³ ahead, believed only because time has passed.
    ["jump", [reading(0, 0), reading(hourMs, 13_000_000), reading(3 * hourMs, 13_100_000)], {}],
    [
      "rollover-unseen",
      [reading(0, 9_990_000_000), reading(hourMs, 9_990_000_000), reading(48 * hourMs, 20_000)],
      {},
    ],
    [
      "exchange-mismatch",
      [reading(0, 9_000), reading(hourMs, 9_500), reading(4 * hourMs, 700)],
      { exchanges: [exchangeAt(3 * hourMs, 2_000, 200)] },
    ],
    [
      "edited-below",
      [reading(0, 9_000), reading(hourMs, 9_500), reading(4 * hourMs, 9_600)],
      { decisions: [editedAt(3 * hourMs, 2_000)] },
    ],
  ])("that ends in a stretch of doubt is for review: %s", (flag, readings, more) => {
    const found = consumed(chainOf(readings, more), 0, 2 * hourMs);
    expect(found.flags).toContain(flag);
    expect(found.standing).toBe("review");
  });

  test("with an exchange has two segments with all four registers", () => {
    const serials = { formerSerial: "A", serial: "B" };
    const exchange = { ...exchangeAt(90 * minuteMs, 9_500, 200), ...serials };
    const readings = [reading(0, 8_000), reading(hourMs, 9_000), reading(2 * hourMs, 700)];
    const found = consumed(chainOf(readings, { exchanges: [exchange] }), 0, 2 * hourMs);
    expect(found).toMatchObject({ volumeMl: 2_000, standing: "ready", quality: "edited" });
    expect(found.segments).toMatchObject([
      { openingMl: 8_000, closingMl: 9_500, volumeMl: 1_500, serial: "A" },
      { openingMl: 200, closingMl: 700, volumeMl: 500, serial: "B" },
    ]);
  });
});

/** What a meter passed in each hour, where its register begins, and when it was exchanged. */
const truth = fc.record({
  hours: fc.array(fc.integer({ min: 0, max: 7_000 }), { minLength: 30, maxLength: 80 }),
  startMl: fc.integer({ min: 9_990_000, max: 9_999_999 }).map((litres) => litres * 1_000),
  exchangeAfter: fc.option(fc.integer({ min: 5, max: 25 })),
  lost: fc.array(fc.integer({ min: 1, max: 28 }), { maxLength: 12 }),
  from: fc.integer({ min: 0, max: 10 }),
  to: fc.integer({ min: 20, max: 29 }),
  seed: fc.integer(),
});

function told({
  hours,
  startMl,
  exchangeAfter,
  lost,
}: typeof truth extends fc.Arbitrary<infer T> ? T : never) {
  const readings: RegisterReading[] = [];
  const exchanges: MeterExchange[] = [];
  const passedLitres = [0];
  let register = startMl;
  for (const [hour, litres] of [0, ...hours].entries()) {
    register = (register + litres * 1_000) % kind.registerRangeMl;
    passedLitres.push((passedLitres.at(-1) ?? 0) + litres);
    if (hour === exchangeAfter) {
      exchanges.push(exchangeAt(hour * hourMs, register, 3_000));
      register = 3_000;
    }
    if (!lost.includes(hour)) readings.push(reading(hour * hourMs, register));
  }
  return { readings, exchanges, passedLitres: passedLitres.slice(1) };
}

describe("whatever happens to a meter", () => {
  test("the volume is the truth to the millilitre, or it is flagged as estimated", () => {
    fc.assert(
      fc.property(truth, (story) => {
        const { readings, exchanges, passedLitres } = told(story);
        const chain = chainOf(readings, { exchanges });
        const found = consumed(chain, story.from * hourMs, story.to * hourMs);
        const trueMl = ((passedLitres[story.to] ?? 0) - (passedLitres[story.from] ?? 0)) * 1_000;
        const isFlagged = found.flags.some((flag) => flag.endsWith("-estimated"));
        if (!isFlagged) expect(found.volumeMl).toBe(trueMl);
        const sum = found.segments.reduce((all, { volumeMl }) => all + volumeMl, 0);
        expect(sum).toBe(found.volumeMl);
      }),
    );
  });

  test("parts of a period add up to the whole, estimated or not", () => {
    fc.assert(
      fc.property(truth, fc.integer({ min: 10, max: 20 }), (story, middle) => {
        const { readings, exchanges } = told(story);
        const chain = chainOf(readings, { exchanges });
        const cut = middle * hourMs + 7 * minuteMs;
        const [first, second, whole] = [
          consumed(chain, story.from * hourMs, cut),
          consumed(chain, cut, story.to * hourMs),
          consumed(chain, story.from * hourMs, story.to * hourMs),
        ];
        expect((first.volumeMl ?? NaN) + (second.volumeMl ?? NaN)).toBe(whole.volumeMl);
      }),
    );
  });
});

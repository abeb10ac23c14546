/** A metering point's registers, a line a reading: hour, litres, quality. */
import { describe, expect, test } from "vitest";
import { registerChain, type ChainInput } from "#billing/registerChain.ts";
import type { MeterExchange, RegisterReading } from "#domain/billing.ts";
import { readingFlags, type Quality } from "#domain/reading.ts";
import { hourMs, timestampMs, volumeMl } from "#domain/units.ts";

const kind = { size: "G4", quantumMl: 10_000, registerRangeMl: 100_000_000_000 } as const;

type Line = readonly [number, number, Quality?];

function reading([hour, litres, quality = "raw"]: Line): RegisterReading {
  return {
    measuredAtMs: timestampMs(hour * hourMs),
    receivedAtMs: timestampMs(hour * hourMs),
    indexMl: volumeMl(litres * 1_000),
    quality,
    flags: 0,
  };
}

function chainOf(lines: readonly Line[], more: Partial<ChainInput> = {}) {
  const readings = lines.map(reading);
  const none = { sinceMs: 0, untilMs: Infinity, exchanges: [], decisions: [], billed: new Map() };
  return registerChain({ kind, readings, ...none, ...more });
}

function exchangeAt(hour: number, closing: number, opening: number): MeterExchange {
  const words = { formerSerial: "A", serial: "B", reason: "age", by: "Wang", enteredAtMs: 0 };
  const registers = { closingMl: closing * 1_000, openingMl: opening * 1_000 };
  return { atMs: hour * hourMs, ...registers, former: kind, ...words };
}

/** Hour, litres, litres passed. */
function seen(chain: ReturnType<typeof chainOf>) {
  return chain.points.map((point) => [
    point.atMs / hourMs,
    point.indexMl / 1_000,
    point.passedMl / 1_000,
  ]);
}

describe("what counts", () => {
  test("a register that counts on, and over the end of its range", () => {
    const chain = chainOf([
      [0, 99_999_000],
      [1, 99_999_900],
      [2, 150],
    ]);
    expect(seen(chain)).toEqual([
      [0, 99_999_000, 0],
      [1, 99_999_900, 900],
      [2, 150, 1_150],
    ]);
    expect(chain.findings).toEqual([{ flag: "rollover", atMs: 2 * hourMs }]);
  });

  test("a spike, a zero and a rounding are left out, and named", () => {
    const chain = chainOf([
      [0, 500_000],
      [1, 900_000],
      [2, 500_300],
      [3, 0],
      [4, 500_290],
      [5, 500_700],
    ]);
    expect(seen(chain).slice(-2)).toEqual([
      [2, 500_300, 300],
      [5, 500_700, 700],
    ]);
    expect(chain.findings.map(({ flag, atMs }) => [flag, atMs / hourMs])).toEqual([
      ["capacity", 1],
      ["register-zero", 3],
      ["resync", 4],
    ]);
  });

  test("ten litres less twice are no consumption: the register before is held", () => {
    const chain = chainOf([
      [0, 500_000],
      [1, 499_990],
      [2, 499_990],
      [3, 499_990],
      [4, 500_700],
    ]);
    expect(seen(chain)).toEqual([
      [0, 500_000, 0],
      [1, 500_000, 0],
      [2, 500_000, 0],
      [3, 500_000, 0],
      [4, 500_700, 700],
    ]);
  });

  test("after an unexplained decrease nothing counts until a person has looked", () => {
    const chain = chainOf([
      [0, 500_000],
      [1, 200_000],
      [2, 200_500],
      [3, 201_000],
      [4, 201_500],
    ]);
    expect(seen(chain)).toEqual([[0, 500_000, 0]]);
    expect(chain.findings.map(({ flag }) => flag).at(-1)).toBe("restarted");
    expect(new Set(chain.findings.map(({ flag }) => flag))).toEqual(
      new Set(["register-back", "restarted"]),
    );
  });

  test("nor when it has caught up with what was trusted, or time has made a jump possible", () => {
    const flagsOf = (lines: readonly Line[]) => chainOf(lines).findings.map(({ flag }) => flag);
    // Another meter at 32 instead of 40 m³; then another one 13 m³ ahead.
    expect(
      flagsOf([
        [0, 40_000],
        [1, 32_000],
        [2, 36_000],
        [3, 41_000],
      ]),
    ).toEqual(["register-back", "register-back", "restarted"]);
    expect(
      flagsOf([
        [0, 40_000],
        [1, 53_000],
        [2, 53_500],
      ]),
    ).toEqual(["capacity", "jump"]);
  });

  test("nor when a register that only a gap made possible comes again, with lower ones between", () => {
    const chain = chainOf([
      [0, 1_000],
      [100, 500_000],
      [101, 1_000],
      [102, 1_000],
      [103, 500_000],
    ]);
    expect(chain.findings.map(({ flag }) => flag)).toEqual([
      "register-back",
      "register-back",
      "restarted",
    ]);
  });

  test("after a time that is ours more may have passed than it seems: that is no jump", () => {
    const lines: readonly Line[] = [
      [0.5, 40_000],
      [1, 50_000],
      [2, 50_000],
    ];
    const readings = lines.map(reading);
    const ours = { ...reading([0.5, 40_000]), flags: readingFlags.TIME_INVALID };
    const flagsOf = (of: readonly RegisterReading[]) =>
      chainOf([], { readings: of }).findings.map(({ flag }) => flag);
    expect(flagsOf(readings)).toEqual(["capacity", "jump"]);
    expect(flagsOf([ours, ...readings.slice(1)])).toEqual(["capacity"]);
  });

  test("nor when it went round within a gap in which nobody saw it near its end", () => {
    const chain = chainOf([
      [0, 99_990_000],
      [48, 20_000],
    ]);
    expect(chain.findings.map(({ flag }) => flag)).toEqual(["rollover-unseen", "rollover"]);
  });

  test("an exchange explains it, whenever it is entered", () => {
    const chain = chainOf(
      [
        [0, 500_000],
        [1, 200, "suspect"],
        [2, 700, "suspect"],
      ],
      { exchanges: [exchangeAt(0.5, 500_100, 0)] },
    );
    expect(seen(chain)).toEqual([
      [0, 500_000, 0],
      [0.5, 500_100, 100],
      [0.5, 0, 100],
      [1, 200, 300],
      [2, 700, 800],
    ]);
    expect(chain.points.map(({ segment }) => segment)).toEqual([0, 0, 1, 1, 1]);
    expect(chain.findings).toEqual([{ flag: "exchange", atMs: 0.5 * hourMs }]);
  });

  test("two exchanges make three segments, and each closes what was before it", () => {
    const exchanges = [exchangeAt(0.5, 500_100, 0), exchangeAt(3.5, 900, 40_000)];
    const chain = chainOf(
      [
        [0, 500_000],
        [1, 200],
        [3, 800],
        [4, 40_050],
        // The second meter, told late by the gateway; and the first one on somebody's bench.
        [5, 1_000],
        [6, 500_100],
        [7, 40_300],
      ],
      { exchanges },
    );
    expect(seen(chain).at(-1)).toEqual([7, 40_300, 100 + 900 + 300]);
    expect(new Set(chain.points.map(({ segment }) => segment))).toEqual(new Set([0, 1, 2]));
    expect(chain.findings.map(({ flag, atMs }) => [flag, atMs / hourMs])).toEqual([
      ["exchange", 0.5],
      ["exchange", 3.5],
      ["register-back", 5],
      ["capacity", 6],
    ]);
  });

  test("what a new meter remembers of days before its exchange contradicts nobody", () => {
    const told = (hour: number, litres: number, receivedHour: number): RegisterReading => ({
      ...reading([hour, litres]),
      receivedAtMs: timestampMs(receivedHour * hourMs),
    });
    const readings = [told(0, 500_000, 0), told(24, 501_000, 24), told(24, 250, 80)];
    const at30 = { exchanges: [exchangeAt(30, 501_200, 250)] };
    const chain = chainOf([], { ...at30, readings });
    expect(seen(chain)[1]).toEqual([24, 501_000, 1_000]);
    expect(chain.openConflicts).toEqual([]);
    expect(chain.findings.map(({ flag }) => flag)).toEqual(["other-meter", "exchange"]);
    // Told before the exchange, or more than the new register ever showed: a conflict as any.
    for (const other of [told(24, 250, 29), told(24, 251, 80)]) {
      const open = chainOf([], { ...at30, readings: [...readings.slice(0, 2), other] });
      expect(open.openConflicts).toEqual([24 * hourMs]);
    }
  });

  test("a closing register below what was read is a mismatch", () => {
    const chain = chainOf([[0, 500_000]], { exchanges: [exchangeAt(1, 400_000, 0)] });
    expect(chain.findings.map(({ flag }) => flag)).toEqual(["exchange-mismatch", "exchange"]);
  });
});

describe("different registers at one instant", () => {
  const twice: readonly Line[] = [
    [0, 100, "validated"],
    [1, 200, "suspect"],
    [1, 300, "suspect"],
    [2, 400, "validated"],
  ];
  const at1 = hourMs;

  test("of two equals neither counts", () => {
    const chain = chainOf(twice);
    expect(seen(chain).map(([hour]) => hour)).toEqual([0, 2]);
    expect(chain.openConflicts).toEqual([at1]);
  });

  test("the higher rank counts, and the conflict stays open", () => {
    const chain = chainOf([
      [0, 100],
      [1, 200, "raw"],
      [1, 300, "estimated"],
    ]);
    expect(seen(chain)[1]).toEqual([1, 200, 100]);
    expect(chain.openConflicts).toEqual([at1]);
  });

  test("what the engine thought of them when they came is no rank", () => {
    const chain = chainOf([
      [0, 100],
      [1, 200, "validated"],
      [1, 300, "raw"],
      [2, 400],
    ]);
    expect(seen(chain).map(([hour]) => hour)).toEqual([0, 2]);
  });

  test("the one that was billed counts before what meters say, and the conflict stays open", () => {
    const chain = chainOf(twice, { billed: new Map([[at1, 300_000]]) });
    expect(seen(chain)[1]).toEqual([1, 300, 200]);
    expect(chain.openConflicts).toEqual([at1]);
  });

  test("a person's word settles it, the last one before all; what was said stays", () => {
    const said = { reason: "seen at the meter", by: "Li", measuredAtMs: at1 };
    const words = { ...said, enteredAtMs: at1 + 1 };
    const chain = chainOf(twice, {
      billed: new Map([[at1, 300_000]]),
      decisions: [
        { ...words, indexMl: 300_000, kind: "validated" },
        { ...words, indexMl: 250_000, kind: "edited" },
      ],
    });
    expect(seen(chain)[1]).toEqual([1, 250, 150]);
    expect(chain.openConflicts).toEqual([]);
  });

  test("what comes after that word and differs is in dispute again", () => {
    const words = { reason: "seen at the meter", by: "Li", enteredAtMs: at1 - 1 };
    const decision = { ...words, measuredAtMs: at1, indexMl: 300_000, kind: "validated" } as const;
    const chain = chainOf(twice, { decisions: [decision] });
    expect(seen(chain)[1]).toEqual([1, 300, 200]);
    expect(chain.openConflicts).toEqual([at1]);
  });
});

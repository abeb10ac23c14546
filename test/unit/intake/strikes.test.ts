import { expect, test } from "vitest";
import { StrikeBook } from "#intake/strikes.ts";
import { timestampMs } from "#domain/units.ts";

function book(keysMax = 10) {
  const time = { ms: 0 };
  const clock = { nowMs: () => timestampMs(time.ms), monotonicMs: () => time.ms };
  const limits = { strikesMax: 3, windowMs: 1_000, waitMs: 500, keysMax };
  return { time, strikes: new StrikeBook(limits, clock) };
}

test("the third strike within the window makes the key wait, and the wait ends", () => {
  const { time, strikes } = book();
  expect([strikes.strike("a"), strikes.strike("a")]).toEqual([false, false]);
  expect(strikes.isWaiting("a")).toBe(false);
  time.ms = 999;
  expect(strikes.strike("a")).toBe(true);
  expect(strikes.isWaiting("a")).toBe(true);
  expect(strikes.isWaiting("b")).toBe(false);
  time.ms = 1_499;
  expect(strikes.isWaiting("a")).toBe(false);
});

test("strikes outside the window do not add up", () => {
  const { time, strikes } = book();
  for (const ms of [0, 900, 1_800, 2_700]) {
    time.ms = ms;
    expect(strikes.strike("a")).toBe(false);
  }
});

test("a forgiven key starts again", () => {
  const { strikes } = book();
  strikes.strike("a");
  strikes.strike("a");
  strikes.forgive("a");
  expect(strikes.strike("a")).toBe(false);
});

test("a million different keys leave the newest ones only", () => {
  const { strikes } = book();
  for (let key = 0; key < 1_000_000; key++) strikes.strike(`${key}`);
  expect(strikes.size).toBe(10);
});

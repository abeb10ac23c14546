/** After "executed": what proves it, what contradicts it. */
import { describe, expect, test } from "vitest";
import { contact, expectLife, handed, reading, reply, shut, start } from "./kit.ts";
import type { Line } from "./kit.ts";

describe("a valve that lies", () => {
  test("executed by word, gas flows: passing, and nothing more is sent", () => {
    const { state } = expectLife(start, [
      ...handed,
      [1, reply("executed"), "executed"],
      [2, reading("closed", 1_000_000), "executed"],
      [32, reading("closed", 1_009_999), "executed"],
      [62, reading("closed", 1_020_000), "passing"],
      [63, contact, "passing"],
    ]);
    expect(state.trouble).toBe("passing");
  });

  test("executed by word, open by report", () => {
    expectLife(start, [
      ...handed,
      [1, reply("executed"), "executed"],
      [1, reading("open", 1_000_000, 0), "executed"],
      [30, reading("open"), "failed", { detail: "reported-open" }],
    ]);
  });

  test("between one and two quanta proves nothing either way", () => {
    expectLife(start, [
      ...shut,
      [10, reading("closed", 1_010_000), "executed"],
      [20, reading("closed", 1_019_999), "executed"],
      [30, reading("closed", 1_009_999), "executed"],
      [40, reading("closed", 1_009_999), "verified"],
    ]);
  });

  test("a register that went back proves nothing", () => {
    expectLife(start, [
      ...shut,
      [10, reading("closed", 0), "executed"],
      [20, reading("closed", 990_000), "executed"],
      [30, reading("closed", null), "executed"],
      [40, reading("moving"), "executed"],
    ]);
  });

  test("while it moves, nothing is proved", () => {
    expectLife(start, [
      ...handed,
      [1, reply("executed"), "executed"],
      [2, reading("moving"), "executed"],
      [3, reading("closed"), "executed"],
      [13, reading("moving"), "executed"],
      [23, reading("closed"), "executed"],
      [33, reading("closed"), "verified"],
    ]);
  });

  test("the same or an older instant does not count twice", () => {
    expectLife(start, [
      ...shut,
      [10, reading("closed"), "executed"],
      [11, reading("closed", 1_000_000, 10), "executed"],
      [12, reading(null, 1_000_000, 10), "executed"],
      [12, reading("open", 1_000_000, 10), "executed"],
      [13, reading("open", 1_000_000, 5), "executed"],
      [14, reading("closed"), "verified"],
    ]);
    expectLife(start, [
      ...handed,
      [1, reply("executed"), "executed"],
      [30, reading(null), "executed"],
      [31, reading(null, 1_000_000, 30), "executed"],
      [60, reading(null), "executed"],
      [61, reading(null, 1_000_000, 60), "executed"],
      [62, reading(null), "verified"],
    ]);
  });

  test("opened by hand at the meter before it was verified: a person must know, we do not close again", () => {
    const { state } = expectLife(start, [
      ...shut,
      [10, reading("open"), "failed", { detail: "reopened-locally" }],
      [11, contact, "failed"],
    ]);
    expect(state).toMatchObject({ trouble: "failed", position: "open" });
    const soon: Line = [1.1, reading("open"), "failed", { detail: "reopened-locally" }];
    expectLife(start, [...shut, soon]);
  });
});

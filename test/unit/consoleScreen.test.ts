import { expect, test } from "vitest";
import { screenLines, type Screen, type ShownCommand } from "../../src/consoleScreen.ts";

const nowMs = Date.parse("2026-11-28T02:00:00Z");
const order: ShownCommand = {
  meterId: "M7",
  area: "north",
  action: "close",
  state: "queued",
  detail: null,
  reason: "R1",
  requestedAt: "2026-11-27T19:40:00Z",
  expiresAt: "2026-11-28T19:40:00Z",
  takesEffect: null,
};
const quiet: Screen = { alarms: [], moreAlarms: false, commands: [], moreCommands: false };

function linesOf(screen: Partial<Screen>, language: "en" | "zh-CN" = "en"): readonly string[] {
  return screenLines({ ...quiet, ...screen }, { language, zone: "Asia/Shanghai", nowMs });
}

test.each([
  [
    "a sleeper",
    { earliestAt: "2026-11-27T19:41:00Z", latestAt: "2026-11-28T16:05:00Z" },
    "takes effect at the next wake: expected 03:41, latest 2026-11-29 00:05",
  ],
  [
    "a meter that is overdue",
    { earliestAt: "2026-11-27T19:41:00Z", latestAt: null },
    "takes effect when the meter is heard again, and nobody can say when",
  ],
  ["an order on its way", null, "on its way; the meter's answer or its readings come next"],
])("%s: when the order takes effect, by the clock of the place", (_, takesEffect, says) => {
  const lines = linesOf({ commands: [{ ...order, takesEffect }] });
  expect(lines.at(-2)).toBe("  03:40  M7 north  close  queued  (R1)");
  expect(lines.at(-1)).toBe(`      ${says}; expires 2026-11-29 03:40`);
});

test("an empty list says so, and a cut one too", () => {
  expect(linesOf({}).filter((line) => line === "  none")).toHaveLength(2);
  expect(linesOf({ moreAlarms: true }, "zh-CN")).toContain("  … 还有更多");
});

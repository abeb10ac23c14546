/** What an expression may say, what it may not, and that it never throws. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { invariant } from "#domain/invariant.ts";
import { compileExpression, expressionVariables } from "#rules/expression.ts";
import { g4, hours, litres, minutes, readingsOf, type Said } from "./story.ts";

/** Half past eleven in the evening of a Friday in China. */
const atMs = Date.parse("2026-11-27T23:30:00+08:00");

function judge(when: string, said: Said) {
  const [, reading] = readingsOf([
    [atMs - hours(1), { index: 0 }],
    [atMs, said],
  ]);
  const compiled = compileExpression(when);
  invariant(compiled.ok, compiled.ok ? "" : compiled.why);
  invariant(reading !== undefined, "two readings");
  return compiled.expression.judge(g4, reading);
}

test.each([
  ["flow_m3h > 1.5", { index: litres(1_600) }, true],
  ["flow_m3h > 1.5", { index: litres(1_400) }, false],
  ["flow_m3h * 2.0 > qmax_m3h && hour >= 23", { index: litres(3_100) }, true],
  ["hour == 23.5 && weekday == 5.0", {}, true],
  ["consumed_m3 == 0.25 && interval_minutes == 60.0", { index: litres(250) }, true],
  ["reported_flow_m3h < 0.4", { flow: litres(370) }, true],
  ["pressure_kpa < 1.2 || pressure_kpa > 3", { kpa: 1.1 }, true],
  ["battery_v < 3.4 || battery_percent < 10", { mv: 3_300, pct: 50 }, true],
  ['"magnet" in status && !("leak" in status)', { status: ["magnet"] }, true],
  ['valve == "closed" ? pressure_kpa > 1 : false', { valve: "closed", kpa: 2 }, true],
  ['site_class in ["household", "commercial"]', {}, true],
  // What the reading does not say is not judged: what was known stays known.
  ["flow_m3h > 1.5", {}, null],
  ["pressure_kpa < 1.2 && flow_m3h > 0.1", { index: litres(500) }, null],
] as const)("%s", (when, said, holds) => {
  expect(judge(when, said)).toEqual({ ok: true, holds });
});

test.each([
  ["flow_m3h >", /./],
  ["flow > 1.0", /Unknown variable/],
  ["flow_m3h * 2 > 1.0", /no such overload/],
  ["flow_m3h + 1.0", /true or false/],
  ["status.size() > 0", /calls nothing/],
  ["size(status) > 0", /./],
  ['"a".matches("(a+)+b")', /./],
  ["[1, 2].exists(x, x > 1)", /./],
  ["[1.0, 2.0][0] > flow_m3h", /calls nothing/],
  ["{'a': 1} == {'a': 1}", /./],
  ["constructor == valve", /Unknown variable/],
  ["__proto__ == valve", /./],
  [`${"flow_m3h > 1.0 && ".repeat(40)}true`, /longer than 500/],
  [`${"hour>1.0&&".repeat(45)}true`, /maxAstNodes/],
  [`${"!(".repeat(30)}true${")".repeat(30)}`, /maxDepth/],
  ["", /./],
])("is refused: %s", (when, why) => {
  const compiled = compileExpression(when);
  expect(compiled.ok ? "compiled" : compiled.why).toMatch(why);
});

test("a fault at one reading is a word, not a throw", () => {
  expect(judge("1 / 0 > 0", {})).toEqual({ ok: false, reason: "division_by_zero" });
  expect(judge("1 % 0 == 0", {})).toEqual({ ok: false, reason: "modulo_by_zero" });
});

const word = fc.oneof(
  fc.constantFrom(...expressionVariables, "1", "2.5", "true", "'open'", "[1.0]", "0"),
  fc.constantFrom("&&", "||", ">", "<=", "==", "+", "/", "%", "in", "?", ":", "(", ")", "!", "-"),
);

test.prop([fc.array(word, { maxLength: 25 }), fc.integer(), fc.boolean()], { numRuns: 500 })(
  "any words compile or are refused, and never throw",
  (words, index, isOpen) => {
    const compiled = compileExpression(words.join(" "));
    if (!compiled.ok) {
      expect(compiled.why).not.toBe("");
      return;
    }
    const [, reading] = readingsOf([
      [minutes(0), { index: 0 }],
      [minutes(60), { index, valve: isOpen ? "open" : "closed", status: ["leak"] }],
    ]);
    invariant(reading !== undefined, "two readings");
    expect(typeof compiled.expression.judge(g4, reading).ok).toBe("boolean");
  },
);

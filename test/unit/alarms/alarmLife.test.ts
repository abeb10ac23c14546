import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  alarmTransitions,
  newLife,
  stepAlarm,
  type AlarmInput,
  type AlarmLife,
} from "#alarms/alarmLife.ts";
import type { AlarmState, ConditionLevel } from "#domain/alarm.ts";

type Do = "activate" | "escalate" | "ease" | "return" | "acknowledge" | "reset";
type Row = readonly [from: AlarmState, what: Do, to: string, happened: string];

/** From, what happens, then the state (or the refusal) and the events; "+1" where a new occurrence begins. */
const common: readonly Row[] = [
  ["normal", "activate", "unacknowledged +1", "raised"],
  ["normal", "return", "not-allowed-in-state", ""],
  ["normal", "acknowledge", "normal", ""],
  ["normal", "reset", "not-allowed-in-state", ""],
  ["unacknowledged", "activate", "unacknowledged", ""],
  ["unacknowledged", "escalate", "unacknowledged +1", "escalated"],
  ["unacknowledged", "ease", "unacknowledged", ""],
  ["unacknowledged", "acknowledge", "acknowledged", "acknowledged"],
  ["unacknowledged", "reset", "not-allowed-in-state", ""],
  ["acknowledged", "activate", "acknowledged", ""],
  ["acknowledged", "escalate", "unacknowledged +1", "escalated"],
  ["acknowledged", "ease", "acknowledged", ""],
  ["acknowledged", "acknowledge", "acknowledged", ""],
  ["acknowledged", "reset", "not-allowed-in-state", ""],
  ["returned-unacknowledged", "activate", "unacknowledged +1", "reraised"],
  ["returned-unacknowledged", "return", "not-allowed-in-state", ""],
  ["returned-unacknowledged", "acknowledge", "normal", "acknowledged cleared"],
  ["returned-unacknowledged", "reset", "not-allowed-in-state", ""],
  ["latched-unacknowledged", "activate", "unacknowledged +1", "reraised"],
  ["latched-unacknowledged", "return", "not-allowed-in-state", ""],
  ["latched-unacknowledged", "acknowledge", "latched-acknowledged", "acknowledged"],
  ["latched-unacknowledged", "reset", "not-allowed-in-state", ""],
  ["latched-acknowledged", "activate", "unacknowledged +1", "reraised"],
  ["latched-acknowledged", "return", "not-allowed-in-state", ""],
  ["latched-acknowledged", "acknowledge", "latched-acknowledged", ""],
  ["latched-acknowledged", "reset", "normal", "reset cleared"],
];
const plain: readonly Row[] = [
  ["unacknowledged", "return", "returned-unacknowledged", "returned"],
  ["acknowledged", "return", "normal", "returned cleared"],
];
const latched: readonly Row[] = [
  ["unacknowledged", "return", "latched-unacknowledged", "returned"],
  ["acknowledged", "return", "latched-acknowledged", "returned"],
];

const inputs: Readonly<Record<Do, AlarmInput>> = {
  activate: { kind: "activate", level: 1 },
  escalate: { kind: "activate", level: 2 },
  ease: { kind: "activate", level: 1 },
  return: { kind: "return" },
  acknowledge: { kind: "acknowledge", occurrence: 3 },
  reset: { kind: "reset" },
};

function tell(latching: boolean, from: AlarmState, what: Do): readonly [string, string] {
  const level = what === "ease" ? 2 : 1;
  const step = stepAlarm(latching, { state: from, occurrence: 3, level }, inputs[what]);
  if (!step.ok) return [step.fault, ""];
  const { life, happened } = step.value;
  const names = happened.map((kind) => kind.replace("alarm.", "")).join(" ");
  return [life.occurrence === 4 ? `${life.state} +1` : life.state, names];
}

describe("every input in every state", () => {
  test.each([...common, ...plain])("%s, %s: %s, %s", (from, what, to, happened) => {
    expect(tell(false, from, what)).toEqual([to, happened]);
  });
  test.each([...common, ...latched])("latching: %s, %s: %s, %s", (from, what, to, happened) => {
    expect(tell(true, from, what)).toEqual([to, happened]);
  });

  test("no row of the table is missing here, none is there twice", () => {
    const told = new Set([...common, ...plain].map(([from, what]) => `${from} ${what}`));
    const rows = alarmTransitions.map(({ from, on }) => `${from} ${on}`);
    expect(new Set(rows).size).toBe(rows.length);
    expect(rows.filter((row) => !told.has(row))).toEqual([]);
  });
});

test("states of later work (shelved, suppressed, out of service) are refused, not guessed", () => {
  for (const state of ["shelved", "suppressed", "out-of-service"] as const) {
    for (const what of ["activate", "return", "acknowledge", "reset"] as const) {
      expect(tell(true, state, what)).toEqual(["not-allowed-in-state", ""]);
    }
  }
});

test("two consoles acknowledge at once: the second one is right, too, and nothing happens twice", () => {
  const life: AlarmLife = { state: "unacknowledged", occurrence: 1, level: 1 };
  const first = stepAlarm(true, life, { kind: "acknowledge", occurrence: 1 });
  if (!first.ok) throw new TypeError(first.fault);
  const second = stepAlarm(true, first.value.life, { kind: "acknowledge", occurrence: 1 });
  expect(second).toEqual({ ok: true, value: { life: first.value.life, happened: [] } });
});

test("an acknowledgement on the way cannot cover an occurrence that its sender has not seen", () => {
  const late = { kind: "acknowledge", occurrence: 1 } as const;
  const raised: AlarmLife = { state: "returned-unacknowledged", occurrence: 1, level: 1 };
  const again = stepAlarm(false, raised, { kind: "activate", level: 1 });
  if (!again.ok) throw new TypeError(again.fault);
  expect(stepAlarm(false, again.value.life, late)).toEqual({
    ok: false,
    fault: "occurrence-changed",
  });
  const escalated = stepAlarm(false, again.value.life, { kind: "activate", level: 2 });
  if (!escalated.ok) throw new TypeError(escalated.fault);
  expect(escalated.value.life).toEqual({ state: "unacknowledged", occurrence: 3, level: 2 });
});

test("what was never raised cannot be acknowledged", () => {
  expect(stepAlarm(true, newLife, { kind: "acknowledge", occurrence: 0 }).ok).toBe(false);
});

test("the level eases silently and stays when the alarm returns", () => {
  const life: AlarmLife = { state: "acknowledged", occurrence: 1, level: 2 };
  const eased = stepAlarm(false, life, { kind: "activate", level: 1 });
  expect(eased).toEqual({ ok: true, value: { life: { ...life, level: 1 }, happened: [] } });
  const returned = stepAlarm(false, life, { kind: "return" });
  expect(returned).toMatchObject({ ok: true, value: { life: { state: "normal", level: 2 } } });
});

const anyInput: fc.Arbitrary<AlarmInput> = fc.oneof(
  fc.record({
    kind: fc.constant("activate" as const),
    level: fc.constantFrom<ConditionLevel>(1, 2),
  }),
  fc.record({
    kind: fc.constant("acknowledge" as const),
    occurrence: fc.integer({ min: 0, max: 9 }),
  }),
  fc.constant<AlarmInput>({ kind: "return" }),
  fc.constant<AlarmInput>({ kind: "reset" }),
);

test("whatever comes: occurrences never go back, and nobody's leak ends without a person", () => {
  fc.assert(
    fc.property(fc.array(anyInput, { maxLength: 40 }), (inputs) => {
      let life = newLife;
      let hasBeenReset = true;
      for (const input of inputs) {
        const step = stepAlarm(true, life, input);
        if (!step.ok) continue;
        expect(step.value.life.occurrence).toBeGreaterThanOrEqual(life.occurrence);
        life = step.value.life;
        if (input.kind === "activate") hasBeenReset = false;
        if (input.kind === "reset") hasBeenReset = true;
        expect(life.state === "normal").toBe(hasBeenReset);
      }
    }),
  );
});

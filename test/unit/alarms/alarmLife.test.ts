import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  newLife,
  stepAlarm,
  transitionOf,
  type AlarmInput,
  type AlarmLife,
} from "#alarms/alarmLife.ts";
import { alarmTransitions, type AlarmTransition } from "#alarms/alarmTransitions.ts";
import type { AlarmState, ConditionLevel } from "#domain/alarm.ts";

type Do =
  | "activate"
  | "activateHidden"
  | "escalate"
  | "escalateHidden"
  | "continueHidden"
  | "ease"
  | "return"
  | "shelveOnce"
  | "acknowledge"
  | "reset"
  | "shelve"
  | "unshelve"
  | "suppress"
  | "release"
  | "remove"
  | "restore"
  | "reAlarm"
  | "noAnswer";
type Row = readonly [from: string, what: Do, to: string, happened: string];

/** In a hidden state nothing but this tells whether the condition holds. */
const stateOf: Readonly<Record<string, readonly [AlarmState, holds: boolean]>> = {
  normal: ["normal", false],
  unacknowledged: ["unacknowledged", true],
  acknowledged: ["acknowledged", true],
  returned: ["returned-unacknowledged", false],
  latched: ["latched-unacknowledged", false],
  "latched seen": ["latched-acknowledged", false],
  shelved: ["shelved", true],
  "shelved once": ["shelved", true],
  "shelved over": ["shelved", false],
  suppressed: ["suppressed", true],
  "suppressed over": ["suppressed", false],
  "out of service": ["out-of-service", true],
  "out of service over": ["out-of-service", false],
};
const stateNames = Object.keys(stateOf);

/** What begins under another alarm. */
const hiddenRows: Row[] = [];

/** What is told here for a plain alarm and a latching one alike; "+1": a new occurrence. All else is refused. */
const common: readonly Row[] = [
  ["normal", "activate", "unacknowledged +1", "raised"],
  ["normal", "escalate", "unacknowledged +1", "raised"],
  ["normal", "ease", "unacknowledged +1", "raised"],
  ["normal", "activateHidden", "suppressed +1", "suppressed"],
  ["normal", "escalateHidden", "suppressed +1", "suppressed"],
  ["normal", "continueHidden", "suppressed +1", "suppressed"],
  ["normal", "acknowledge", "normal", ""],

  ["unacknowledged", "activate", "unacknowledged", ""],
  ["unacknowledged", "escalate", "unacknowledged +1", "escalated"],
  ["unacknowledged", "ease", "unacknowledged", ""],
  ["unacknowledged", "acknowledge", "acknowledged", "acknowledged"],
  ["unacknowledged", "noAnswer", "unacknowledged", "unanswered"],

  ["acknowledged", "activate", "acknowledged", ""],
  ["acknowledged", "escalate", "unacknowledged +1", "escalated"],
  ["acknowledged", "ease", "acknowledged", ""],
  ["acknowledged", "acknowledge", "acknowledged", ""],
  ["acknowledged", "reAlarm", "unacknowledged +1", "reraised"],

  ["returned", "acknowledge", "normal", "acknowledged cleared"],
  ["latched", "acknowledge", "latched-acknowledged", "acknowledged"],
  ["latched", "noAnswer", "latched-unacknowledged", "unanswered"],
  ["latched seen", "acknowledge", "latched-acknowledged", ""],
  ["latched seen", "reset", "normal", "reset cleared"],

  ["shelved", "escalate", "unacknowledged +1", "escalated"],
  ["shelved once", "activate", "shelved", ""],
  ["shelved once", "ease", "shelved", ""],
  ["shelved once", "escalate", "unacknowledged +1", "escalated"],
  ["shelved once", "shelve", "shelved", "shelved"],
  ["shelved once", "shelveOnce", "shelved", "shelved"],
  ["shelved once", "unshelve", "unacknowledged +1", "unshelved reraised"],
  ["shelved once", "remove", "out-of-service", "removed"],
  ["shelved", "shelveOnce", "shelved", "shelved"],
  ["shelved", "shelve", "shelved", "shelved"],
  ["shelved", "unshelve", "unacknowledged +1", "unshelved reraised"],
  ["shelved over", "shelve", "shelved", "shelved"],
  ["suppressed", "escalate", "unacknowledged +1", "escalated"],
  ["suppressed", "escalateHidden", "suppressed +1", "escalated"],
  ["suppressed", "suppress", "suppressed", ""],
  ["suppressed", "release", "unacknowledged +1", "released reraised"],
  ["suppressed over", "suppress", "suppressed", ""],
  ["out of service", "escalate", "unacknowledged +1", "escalated"],
  ["out of service", "escalateHidden", "out-of-service +1", "escalated"],
  ["out of service", "remove", "out-of-service", ""],
  ["out of service", "restore", "unacknowledged +1", "restored reraised"],
  ["out of service over", "remove", "out-of-service", ""],

  ...["returned", "latched", "latched seen"].flatMap((from): readonly Row[] =>
    (["activate", "escalate", "ease"] as const).map((what) => {
      return [from, what, "unacknowledged +1", "reraised"];
    }),
  ),
  ["unacknowledged", "shelveOnce", "shelved", "shelved"],
  ["acknowledged", "shelveOnce", "shelved", "shelved"],
  ...["unacknowledged", "acknowledged", "returned", "latched", "latched seen"].flatMap(
    (from): readonly Row[] => [
      [from, "shelve", "shelved", "shelved"],
      [from, "suppress", "suppressed", "suppressed"],
      [from, "remove", "out-of-service", "removed"],
    ],
  ),
  ...["shelved", "suppressed"].flatMap((from): readonly Row[] => [
    [from, "remove", "out-of-service", "removed"],
    [`${from} over`, "remove", "out-of-service", "removed"],
  ]),
  ...["shelved", "suppressed", "out of service"].flatMap((from): readonly Row[] => {
    const [state] = stateOf[from] ?? ["normal"];
    return [
      [from, "activate", state, ""],
      [from, "ease", state, ""],
      [from, "return", state, "returned"],
      [`${from} over`, "activate", `${state} +1`, "reraised"],
      // What was hidden is not what comes back graver.
      [`${from} over`, "escalate", "unacknowledged +1", "escalated"],
      [`${from} over`, "ease", `${state} +1`, "reraised"],
    ];
  }),
];
for (const from of ["suppressed", "out of service"]) {
  const [state] = stateOf[from] ?? ["normal"];
  hiddenRows.push(
    [from, "activateHidden", state, ""],
    [from, "continueHidden", state, ""],
    [`${from} over`, "activateHidden", `${state} +1`, "reraised"],
    [`${from} over`, "continueHidden", `${state} +1`, "reraised"],
    [`${from} over`, "escalateHidden", `${state} +1`, "reraised"],
  );
}
const plain: readonly Row[] = [
  ["shelved once", "return", "normal", "returned unshelved cleared"],
  ["unacknowledged", "return", "returned-unacknowledged", "returned"],
  ["acknowledged", "return", "normal", "returned cleared"],
  ["shelved over", "unshelve", "normal", "unshelved cleared"],
  ["suppressed over", "release", "normal", "released cleared"],
  ["out of service over", "restore", "normal", "restored cleared"],
];
const latched: readonly Row[] = [
  ["shelved once", "return", "latched-unacknowledged", "returned unshelved"],
  ["unacknowledged", "return", "latched-unacknowledged", "returned"],
  ["acknowledged", "return", "latched-acknowledged", "returned"],
  ["shelved over", "unshelve", "latched-unacknowledged", "unshelved"],
  ["suppressed over", "release", "latched-unacknowledged", "released"],
  ["out of service over", "restore", "latched-unacknowledged", "restored"],
];

const inputs: Readonly<Record<Do, AlarmInput>> = {
  activate: { kind: "activate", level: 1 },
  activateHidden: { kind: "activateHidden", level: 1 },
  escalate: { kind: "activate", level: 2 },
  escalateHidden: { kind: "activateHidden", level: 2 },
  continueHidden: { kind: "activateHidden", level: 1 },
  ease: { kind: "activate", level: 1 },
  shelveOnce: { kind: "shelve", occurrence: 3, isOnce: true },
  return: { kind: "return" },
  acknowledge: { kind: "acknowledge", occurrence: 3 },
  reset: { kind: "reset" },
  shelve: { kind: "shelve", occurrence: 3 },
  unshelve: { kind: "unshelve" },
  suppress: { kind: "suppress" },
  release: { kind: "release" },
  remove: { kind: "remove" },
  restore: { kind: "restore" },
  reAlarm: { kind: "reAlarm" },
  noAnswer: { kind: "noAnswer" },
};

function lifeIn(from: string, what: Do): AlarmLife {
  const level = what === "ease" ? 2 : 1;
  const [state, holds] = stateOf[from] ?? ["normal", false];
  return { state, holds, occurrence: 3, level, ...(from === "shelved once" && { isOnce: true }) };
}

function tell(latching: boolean, from: string, what: Do): readonly [string, string] {
  const step = stepAlarm(latching, lifeIn(from, what), inputs[what]);
  if (!step.ok) return [step.fault, ""];
  const { life, happened } = step.value;
  const names = happened.map((kind) => kind.replace("alarm.", "")).join(" ");
  return [life.occurrence === 4 ? `${life.state} +1` : life.state, names];
}

describe("every input in every state", () => {
  test.each([
    { name: "plain", latching: false, rows: [...common, ...hiddenRows, ...plain] },
    { name: "latching", latching: true, rows: [...common, ...hiddenRows, ...latched] },
  ])("$name alarms do what is told here and refuse the rest", ({ latching, rows }) => {
    const told = new Map(
      rows.map(([from, what, to, happened]) => [`${from}, ${what}`, [to, happened]]),
    );
    expect(told.size).toBe(rows.length);
    const refused = ["not-allowed-in-state", ""];
    for (const from of stateNames) {
      for (const what of Object.keys(inputs) as Do[]) {
        const key = `${from}, ${what}`;
        expect([key, ...tell(latching, from, what)]).toEqual([key, ...(told.get(key) ?? refused)]);
      }
    }
  });

  test("every row of the table has been walked by the code, and none is there twice", () => {
    const rows = alarmTransitions.map(({ from, on }) => `${from} ${on}`);
    expect(new Set(rows).size).toBe(rows.length);
    const walked = new Set<AlarmTransition>();
    for (const latching of [false, true]) {
      for (const from of stateNames) {
        for (const what of Object.keys(inputs) as Do[]) {
          const row = transitionOf(lifeIn(from, what), inputs[what]);
          if (row === undefined) continue;
          expect(stepAlarm(latching, lifeIn(from, what), inputs[what]).ok).toBe(true);
          walked.add(row);
        }
      }
    }
    expect(alarmTransitions.filter((row) => !walked.has(row))).toEqual([]);
  });
});

test("a shelf is bound to the occurrence that was seen, where one is named", () => {
  const life: AlarmLife = { state: "unacknowledged", holds: true, occurrence: 2, level: 1 };
  expect(stepAlarm(false, life, { kind: "shelve", occurrence: 1 })).toEqual({
    ok: false,
    fault: "occurrence-changed",
  });
  expect(stepAlarm(false, life, { kind: "shelve", occurrence: null }).ok).toBe(true);
});

test("two consoles acknowledge at once: the second one is right, too, and nothing happens twice", () => {
  const life: AlarmLife = { state: "unacknowledged", holds: true, occurrence: 1, level: 1 };
  const first = stepAlarm(true, life, { kind: "acknowledge", occurrence: 1 });
  if (!first.ok) throw new TypeError(first.fault);
  const second = stepAlarm(true, first.value.life, { kind: "acknowledge", occurrence: 1 });
  expect(second).toEqual({ ok: true, value: { life: first.value.life, happened: [] } });
});

test("an acknowledgement on the way cannot cover an occurrence that its sender has not seen", () => {
  const late = { kind: "acknowledge", occurrence: 1 } as const;
  const raised: AlarmLife = {
    state: "returned-unacknowledged",
    holds: false,
    occurrence: 1,
    level: 1,
  };
  const again = stepAlarm(false, raised, { kind: "activate", level: 1 });
  if (!again.ok) throw new TypeError(again.fault);
  expect(stepAlarm(false, again.value.life, late)).toEqual({
    ok: false,
    fault: "occurrence-changed",
  });
  const escalated = stepAlarm(false, again.value.life, { kind: "activate", level: 2 });
  if (!escalated.ok) throw new TypeError(escalated.fault);
  expect(escalated.value.life).toEqual({
    state: "unacknowledged",
    holds: true,
    occurrence: 3,
    level: 2,
  });
});

test("what was never raised cannot be acknowledged", () => {
  expect(stepAlarm(true, newLife, { kind: "acknowledge", occurrence: 0 }).ok).toBe(false);
});

test("the level eases silently and stays when the alarm returns", () => {
  const life: AlarmLife = { state: "acknowledged", holds: true, occurrence: 1, level: 2 };
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
  fc.record({ kind: fc.constant("shelve" as const), occurrence: fc.constant(null) }),
  fc
    .constantFrom(
      ...(["unshelve", "suppress", "release", "remove", "restore", "reAlarm", "noAnswer"] as const),
    )
    .map((kind): AlarmInput => ({ kind })),
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

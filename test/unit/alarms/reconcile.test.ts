import fc from "fast-check";
import { expect, test } from "vitest";
import { reconcile } from "#alarms/reconcile.ts";
import type { MeterRuleId, Occurrence, StoredOccurrence } from "#domain/alarm.ts";
import { alarmId } from "#domain/ids.ts";
import { timestampMs } from "#domain/units.ts";

function occurrence(rule: MeterRuleId, from: number, until: number | null): Occurrence {
  return {
    rule,
    raisedAtMs: timestampMs(from),
    returnedAtMs: until === null ? null : timestampMs(until),
    level: 1,
    proof: {},
  };
}

const stored = (id: number, row: Occurrence): StoredOccurrence => ({
  ...row,
  id,
  alarmId: alarmId(`a${id}`),
});
const until = (end: number | null) => (end === null ? "" : end);
const span = (row: Occurrence) => `${row.rule} ${row.raisedAtMs}..${until(row.returnedAtMs)}`;

type Span = readonly [from: number, until: number | null];

/** Recorded and folded spans of one rule, then what is kept (number to span), added and retracted. */
test.each<[string, Span[], Span[], string[], string[], number[]]>([
  ["nothing new", [[0, 5]], [[0, 5]], ["1 R1 0..5"], [], []],
  ["the end became known", [[0, null]], [[0, 5]], ["1 R1 0..5"], [], []],
  ["it began earlier", [[3, null]], [[1, null]], ["1 R1 1.."], [], []],
  ["it never was", [[3, 5]], [], [], [], [1]],
  [
    "one that nobody knew",
    [[3, 5]],
    [
      [0, 1],
      [3, 5],
    ],
    ["1 R1 3..5"],
    ["R1 0..1"],
    [],
  ],
  [
    "an all-clear in the middle",
    [[0, 9]],
    [
      [0, 4],
      [6, 9],
    ],
    ["1 R1 0..4"],
    ["R1 6..9"],
    [],
  ],
  [
    "two grew together",
    [
      [0, 4],
      [6, 9],
    ],
    [[0, 9]],
    ["1 R1 0..9"],
    [],
    [2],
  ],
  [
    "the open one stays open",
    [[0, null]],
    [
      [0, 4],
      [6, null],
    ],
    ["1 R1 6.."],
    ["R1 0..4"],
    [],
  ],
  [
    "open wins over earlier",
    [
      [0, 4],
      [6, null],
    ],
    [[3, null]],
    ["2 R1 3.."],
    [],
    [1],
  ],
  ["touching is not sharing", [[0, 5]], [[5, 9]], [], ["R1 5..9"], [1]],
  ["the same beginning is enough", [[5, 5]], [[5, 9]], ["1 R1 5..9"], [], []],
])("%s", (_title, recorded, folded, kept, added, retracted) => {
  const { keep, add, retract } = reconcile(
    recorded.map(([from, end], at) => stored(at + 1, occurrence("R1", from, end))),
    folded.map(([from, end]) => occurrence("R1", from, end)),
  );
  expect(keep.map((each) => `${each.recorded.id} ${span(each.now)}`)).toEqual(kept);
  expect(add.map(span)).toEqual(added);
  expect(retract.map((each) => each.id)).toEqual(retracted);
});

test("one rule never takes over another rule's record", () => {
  const { keep, add, retract } = reconcile(
    [stored(1, occurrence("R1", 0, null))],
    [occurrence("R2", 0, null)],
  );
  expect([keep.length, add.length, retract.length]).toEqual([0, 1, 1]);
});

const anyOccurrence = fc
  .tuple(
    fc.constantFrom<MeterRuleId>("R1", "R2"),
    fc.integer({ min: 0, max: 20 }),
    fc.option(fc.integer({ min: 0, max: 10 })),
  )
  .map(([rule, from, length]) => occurrence(rule, from, length === null ? null : from + length));

function overlaps(a: Occurrence, b: Occurrence): boolean {
  if (a.raisedAtMs === b.raisedAtMs) return true;
  const holdsAt = (row: Occurrence, at: number) =>
    row.raisedAtMs <= at && at < (row.returnedAtMs ?? Infinity);
  return holdsAt(a, b.raisedAtMs) || holdsAt(b, a.raisedAtMs);
}

test("applied, the record equals the fold, each row is used once, and only overlaps are kept", () => {
  fc.assert(
    fc.property(fc.array(anyOccurrence), fc.array(anyOccurrence), (before, folded) => {
      const recorded = before.map((row, at) => stored(at + 1, row));
      const { keep, add, retract } = reconcile(recorded, folded);
      const after = [...keep.map((each) => each.now), ...add];
      expect(after.map(span).sort()).toEqual(folded.map(span).sort());
      const ids = [...keep.map((each) => each.recorded.id), ...retract.map((each) => each.id)];
      expect(ids.sort((a, b) => a - b)).toEqual(recorded.map((row) => row.id));
      for (const { recorded: row, now } of keep) {
        expect(row.rule).toBe(now.rule);
        expect(overlaps(row, now)).toBe(true);
      }
      for (const row of retract) expect(add.some((now) => isMatch(row, now))).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

/** A pair that could have been kept but was not would give one alarm two identities. */
function isMatch(row: Occurrence, now: Occurrence): boolean {
  const areEmpty = row.returnedAtMs === row.raisedAtMs || now.returnedAtMs === now.raisedAtMs;
  return row.rule === now.rule && !areEmpty && overlaps(row, now);
}

test("a second reconciliation finds nothing to do", () => {
  fc.assert(
    fc.property(fc.array(anyOccurrence), (folded) => {
      const distinct = folded.filter(
        (row, at) =>
          !folded.slice(0, at).some((other) => row.rule === other.rule && overlaps(row, other)),
      );
      const { keep, add, retract } = reconcile(
        distinct.map((row, at) => stored(at + 1, row)),
        distinct,
      );
      expect(keep.every((each) => span(each.recorded) === span(each.now))).toBe(true);
      expect([add.length, retract.length]).toEqual([0, 0]);
    }),
  );
});

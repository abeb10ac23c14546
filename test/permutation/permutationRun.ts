/**
 * Every history twice on one engine: a meter that reports in order, and its twin whose uplinks come in any order, late
 * and twice. In the end both must be the same to the last number.
 */
import { invariant } from "#domain/invariant.ts";
import { openAsOccurrences } from "#engine/conditions.ts";
import { reviveContext, type MeterContext } from "#engine/context.ts";
import { initialRuleStates } from "#rules/stepRules.ts";
import { EngineUnderTest, envelopeOf, meterDraft, startMs } from "../support/engine.ts";
import { chanceOf } from "../support/random.ts";
import { hastyRules, historyMs, historyOf, onTheirWay } from "./histories.ts";

export interface PermutationReport {
  readonly histories: number;
  readonly uplinks: number;
  readonly occurrences: number;
  /** By rule: in how many histories it fired. */
  readonly firedIn: Readonly<Record<string, number>>;
  /** Pairs of meters that are not the same in the end, the first few. */
  readonly unequal: readonly string[];
}

/** Histories that share an engine with its ledger, which is thrown away with them. */
export interface Share {
  readonly seed: number;
  readonly from: number;
  readonly count: number;
}

const pairsAtOnce = 250;
const unequalTold = 5;

/** What readings drive, and the rules of one's own in the document. */
export const rulesTried: readonly string[] = [
  ...Object.keys(initialRuleStates),
  ...Object.keys(hastyRules.own ?? {}),
];

/** All shares of a run; what they tell does not depend on who runs them, and when. */
export function sharesOf(histories: number, seed: number): readonly Share[] {
  const count = Math.ceil(histories / pairsAtOnce);
  return Array.from({ length: count }, (_none, place) => {
    const from = place * pairsAtOnce;
    return { seed, from, count: Math.min(pairsAtOnce, histories - from) };
  });
}

/** Several reports as one. */
export function summed(reports: readonly PermutationReport[]): PermutationReport {
  const firedIn = Object.fromEntries(
    rulesTried.map((rule) => [rule, total(reports, (report) => report.firedIn[rule] ?? 0)]),
  );
  return {
    histories: total(reports, ({ histories }) => histories),
    uplinks: total(reports, ({ uplinks }) => uplinks),
    occurrences: total(reports, ({ occurrences }) => occurrences),
    firedIn,
    unequal: reports.flatMap(({ unequal }) => unequal).slice(0, unequalTold),
  };
}

function total(
  reports: readonly PermutationReport[],
  of: (report: PermutationReport) => number,
): number {
  return reports.reduce((sum, report) => sum + of(report), 0);
}

/** Runs one share on an engine of its own. */
export function runShare({ seed, from, count }: Share): PermutationReport {
  const chance = chanceOf(seed * 1_000_003 + from);
  const engine = new EngineUnderTest();
  try {
    engine.restart(hastyRules);
    engine.nowMs = startMs + historyMs + 60_000;
    const courses = Array.from({ length: count }, () => {
      const inOrder = historyOf(chance, startMs);
      return { inOrder, onWay: onTheirWay(chance, inOrder) };
    });
    const pairs = registerPairs(engine, count);
    const uplinks = deliver(engine, courses, pairs, chance.whole(3, 9));
    return compared(engine, pairs, { seed, from, count }, uplinks);
  } finally {
    engine.close();
  }
}

function registerPairs(
  engine: EngineUnderTest,
  count: number,
): readonly (readonly [number, number])[] {
  const asks = Array.from({ length: 2 * count }, (_none, askNo) => {
    const meter = meterDraft(`${askNo % 2 === 0 ? "A" : "B"}${askNo >> 1}`, { quantumMl: 10_000 });
    return { askNo, envelope: envelopeOf({ kind: "meter.register", meter }) };
  });
  const report = engine.process({ asks });
  invariant(report.kind === "committed", "the meters are registered");
  const numbers = report.answers.map(({ result }) => {
    invariant(result.ok && result.answer.kind === "meter", "a meter is registered");
    return result.answer.meter.no;
  });
  return Array.from({ length: count }, (_none, place) => {
    return [numbers[2 * place] ?? 0, numbers[2 * place + 1] ?? 0] as const;
  });
}

function compared(
  engine: EngineUnderTest,
  pairs: readonly (readonly [number, number])[],
  { seed, from, count }: Share,
  uplinks: number,
): PermutationReport {
  const contexts = new Map<number, MeterContext>();
  for (const { meterNo, json } of engine.ledger.contexts()) {
    contexts.set(meterNo, reviveContext(json));
  }
  const outcomeOf = (meterNo: number) => {
    const context = contexts.get(meterNo);
    invariant(context !== undefined, "a meter that has reported has a context");
    return outcome(engine, meterNo, context);
  };
  const firedIn: Record<string, number> = {};
  const unequal: string[] = [];
  let occurrences = 0;
  for (const [place, [one, other]] of pairs.entries()) {
    const [first, second] = [outcomeOf(one), outcomeOf(other)];
    if (JSON.stringify(first) !== JSON.stringify(second)) {
      unequal.push(`history ${from + place} of seed ${seed}: ${difference(first, second)}`);
    }
    occurrences += first.occurrences.length;
    for (const rule of new Set(first.occurrences.map((known) => known.rule))) {
      firedIn[rule] = (firedIn[rule] ?? 0) + 1;
    }
  }
  return { histories: count, uplinks, occurrences, firedIn, unequal };
}

interface Courses {
  readonly inOrder: readonly Uint8Array[];
  readonly onWay: readonly Uint8Array[];
}

/** One uplink of everybody a batch; a restart now and then. */
function deliver(
  engine: EngineUnderTest,
  courses: readonly Courses[],
  pairs: readonly (readonly number[])[],
  restartEvery: number,
): number {
  let uplinks = 0;
  const longest = Math.max(...courses.map(({ onWay }) => onWay.length));
  for (let turn = 0; turn < longest; turn += 1) {
    const batch = courses.flatMap(({ inOrder, onWay }, place) => {
      const [one = 0, other = 0] = pairs[place] ?? [];
      return [
        ...inOrder.slice(turn, turn + 1).map((bytes) => ({ meterNo: one, bytes })),
        ...onWay.slice(turn, turn + 1).map((bytes) => ({ meterNo: other, bytes })),
      ];
    });
    const report = engine.uplinks(batch);
    if (report.kind !== "committed") throw new TypeError(report.message);
    uplinks += batch.length;
    engine.nowMs += 1_000;
    if (turn % restartEvery === restartEvery - 1) engine.restart(hastyRules);
  }
  return uplinks;
}

/** All that may not depend on the way of the uplinks: registers, states of all rules, occurrences, what stands. */
function outcome(engine: EngineUnderTest, meterNo: number, { head, live, silent }: MeterContext) {
  const readings = engine.ledger
    .readingsAfter(meterNo, 0)
    .map(({ measuredAtMs, indexMl, status, valve, quality, flags }) => ({
      ...{ measuredAtMs, indexMl, status, valve, quality, flags: flags & ~lateFlag },
    }))
    .sort((one, other) => one.measuredAtMs - other.measuredAtMs);
  const occurrences = engine.ledger
    .occurrencesAfter(meterNo, 0)
    .map(({ rule, raisedAtMs, returnedAtMs, level, proof }) => ({
      ...{ rule, raisedAtMs, returnedAtMs, level, proof },
    }))
    .sort((one, other) => one.raisedAtMs - other.raisedAtMs || one.rule.localeCompare(other.rule));
  const standing = Object.values({ ...silent, ...live })
    .filter(({ returnedAtMs }) => returnedAtMs === null)
    .map(({ rule, level, raisedAtMs }) => ({ rule, level, raisedAtMs }))
    .sort((one, other) => one.rule.localeCompare(other.rule));
  const open = openAsOccurrences(head.open).toSorted((one, other) =>
    one.rule.localeCompare(other.rule),
  );
  const { register, rules, count, waiting, own } = head;
  return { readings, occurrences, standing, open, register, rules, count, waiting, own };
}

/** A reading's place in our own time is not its meter's. */
const lateFlag = 4;

function difference(one: object, other: object): string {
  const values = new Map<string, unknown>(Object.entries(other));
  const parts = Object.entries(one).flatMap(([name, value]) =>
    differing(value, values.get(name)).map(
      ([mine, its]) => `${name} ${JSON.stringify(mine)} and ${JSON.stringify(its)}`,
    ),
  );
  return parts.join("; ").slice(0, 1_500);
}

/** Of lists only the entries that differ. */
function differing(one: unknown, other: unknown): readonly (readonly [unknown, unknown])[] {
  if (JSON.stringify(one) === JSON.stringify(other)) return [];
  if (!Array.isArray(one) || !Array.isArray(other)) return [[one, other]];
  const longest = one.length > other.length ? one : other;
  return longest.flatMap((_, place) =>
    JSON.stringify(one[place]) === JSON.stringify(other[place]) ? [] : [[one[place], other[place]]],
  );
}

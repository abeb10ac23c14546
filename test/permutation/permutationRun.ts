/**
 * Every history twice on one engine: a meter that reports in order, and its twin whose uplinks come in any order, late
 * and twice. In the end both must be the same to the last number.
 */
import { openAsOccurrences } from "#engine/conditions.ts";
import { reviveContext, type MeterContext } from "#engine/context.ts";
import { EngineUnderTest, startMs } from "../support/engine.ts";
import { chanceOf } from "../support/random.ts";
import { hastyRules, historyMs, historyOf, onTheirWay } from "./histories.ts";

export interface PermutationReport {
  readonly histories: number;
  readonly uplinks: number;
  readonly occurrences: number;
  readonly byRule: Readonly<Record<string, number>>;
  /** Pairs of meters that are not the same in the end, the first few. */
  readonly unequal: readonly string[];
}

/** Meters of one engine; its ledger is thrown away with it. */
const pairsAtOnce = 200;
const unequalTold = 5;

/** Runs so many histories. */
export function runPermutations(
  histories: number,
  seed: number,
  say: (line: string) => void,
): PermutationReport {
  const chance = chanceOf(seed);
  const byRule: Record<string, number> = {};
  const unequal: string[] = [];
  let uplinks = 0;
  let occurrences = 0;
  for (let done = 0; done < histories; done += pairsAtOnce) {
    const count = Math.min(pairsAtOnce, histories - done);
    const engine = new EngineUnderTest();
    try {
      engine.restart(hastyRules);
      engine.nowMs = startMs + historyMs + 60_000;
      const courses = Array.from({ length: count }, () => {
        const inOrder = historyOf(chance, startMs);
        return { inOrder, onWay: onTheirWay(chance, inOrder) };
      });
      const pairs = courses.map((_, place) => [
        engine.register(`A${done + place}`, { quantumMl: 10_000 }),
        engine.register(`B${done + place}`, { quantumMl: 10_000 }),
      ]);
      uplinks += deliver(engine, courses, pairs, chance.whole(3, 9));
      for (const [place, [one = 0, other = 0]] of pairs.entries()) {
        const [first, second] = [outcomeOf(engine, one), outcomeOf(engine, other)];
        if (JSON.stringify(first) !== JSON.stringify(second) && unequal.length < unequalTold) {
          unequal.push(`history ${done + place} of seed ${seed}: ${difference(first, second)}`);
        }
        occurrences += first.occurrences.length;
        for (const { rule } of first.occurrences) byRule[rule] = (byRule[rule] ?? 0) + 1;
      }
    } finally {
      engine.close();
    }
    say(`${done + count} histories, ${uplinks} uplinks, ${unequal.length} unequal`);
  }
  return { histories, uplinks, occurrences, byRule, unequal };
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

function contextOf(engine: EngineUnderTest, meterNo: number): MeterContext {
  const [row] = engine.rows("SELECT json FROM context WHERE meter_no = ?", meterNo);
  return reviveContext(String(row?.["json"]));
}

/** All that may not depend on the way of the uplinks: registers, states of all rules, occurrences, what stands. */
function outcomeOf(engine: EngineUnderTest, meterNo: number) {
  const { head, live, silent } = contextOf(engine, meterNo);
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

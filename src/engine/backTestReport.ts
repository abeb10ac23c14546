/** A back-test's outcome in numbers that a person can weigh: how often, where, how loud, how many valves. */
import { alarmFigures, type AlarmFigures } from "#alarms/alarmFigures.ts";
import type { MeterRuleId } from "#domain/alarm.ts";
import type { AlarmEvent } from "#domain/alarmEvent.ts";
import type {
  BackTestCloses,
  BackTestCount,
  BackTestExample,
  BackTestLoudness,
  BackTestReport,
  BackTestRule,
} from "#domain/backTest.ts";
import { timestampMs } from "#domain/units.ts";
import type { PastClose, PastOccurrence } from "#ports/past.ts";
import { breakerAllowance } from "#valves/judge.ts";
import type { Told } from "./backTest.ts";

const examplesMax = 10;

/** What really happened to one meter. */
export type Happened = PastOccurrence & { readonly meterNo: number };

export interface BackTestOutcome {
  readonly version: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly readings: number;
  readonly meterIds: ReadonlyMap<number, string>;
  /** Critical customers and meters out of service are never closed without a person. */
  readonly closable: ReadonlySet<number>;
  readonly told: readonly Told[];
  readonly happened: readonly Happened[];
  readonly events: readonly AlarmEvent[];
  readonly closes: readonly PastClose[];
}

export function backTestReport(outcome: BackTestOutcome): BackTestReport {
  const { version, fromMs, toMs, readings, meterIds, events, closes } = outcome;
  const states: Record<string, number> = {};
  for (const { state } of closes) states[state] = (states[state] ?? 0) + 1;
  return {
    ...{ version, fromMs, toMs, readings, meters: meterIds.size },
    rules: rulesOf(outcome),
    candidate: loudness(alarmFigures(eventsOf(outcome), { fromMs, toMs, operators: 1 })),
    happened: loudness(alarmFigures(events, { fromMs, toMs, operators: 1 })),
    closes: closesOf(outcome),
    closesHappened: states,
  };
}

function loudness(figures: AlarmFigures): BackTestLoudness {
  const { rang, perDay, peakIn10Minutes, floodShare, byPriority } = figures;
  const top = figures.top.map(({ meterId, rule, rang: count }) => ({ meterId, rule, rang: count }));
  return { rang, perDay, peakIn10Minutes, floodShare, byPriority, top };
}

function eventsOf({ told, meterIds }: BackTestOutcome): readonly AlarmEvent[] {
  return told.flatMap(({ rangMs, rule, priority, meterNo }) =>
    rangMs.map((atMs) => ({
      ...({ atMs, rule, priority, kind: "alarm.raised", state: "unacknowledged" } as const),
      alarmId: `${meterNo} ${rule}`,
      meterId: meterIds.get(meterNo) ?? null,
    })),
  );
}

type Known = Pick<Told, "meterNo" | "rule" | "raisedAtMs" | "returnedAtMs" | "level">;

function rulesOf({ told, happened, meterIds }: BackTestOutcome): readonly BackTestRule[] {
  const rules = [...new Set<MeterRuleId>([...told, ...happened].map(({ rule }) => rule))];
  const of = (all: readonly Known[], rule: MeterRuleId) => all.filter((one) => one.rule === rule);
  return rules
    .sort((one, other) => Number(one.slice(1)) - Number(other.slice(1)))
    .map((rule) => {
      const candidate = of(told, rule);
      const past = of(happened, rule);
      const [inCandidate, inPast] = [byMeter(candidate), byMeter(past)];
      const added = candidate.filter((one) => !meetsAny(one, inPast));
      const gone = past.filter((one) => !meetsAny(one, inCandidate));
      const same = candidate.filter((one) => inPast.get(one.meterNo)?.some(isSame.bind(null, one)));
      return {
        ...{ rule, candidate: count(candidate), happened: count(past) },
        ...{ added: added.length, gone: gone.length },
        moved: candidate.length - added.length - same.length,
        addedExamples: examples(added, meterIds),
        goneExamples: examples(gone, meterIds),
      };
    });
}

type ByMeter = ReadonlyMap<number, readonly Known[]>;

function byMeter(all: readonly Known[]): ByMeter {
  return Map.groupBy(all, ({ meterNo }) => meterNo);
}

/** The same stretch of time at the same meter, wherever it begins. */
function meetsAny(one: Known, others: ByMeter): boolean {
  return others.get(one.meterNo)?.some((other) => overlap(one, other)) === true;
}

function overlap(one: Known, other: Known): boolean {
  return (
    one.raisedAtMs <= (other.returnedAtMs ?? Infinity) &&
    other.raisedAtMs <= (one.returnedAtMs ?? Infinity)
  );
}

function isSame(one: Known, other: Known): boolean {
  return one.raisedAtMs === other.raisedAtMs && one.returnedAtMs === other.returnedAtMs;
}

function count(all: readonly Known[]): BackTestCount {
  return { occurrences: all.length, meters: new Set(all.map(({ meterNo }) => meterNo)).size };
}

function examples(
  all: readonly Known[],
  meterIds: ReadonlyMap<number, string>,
): readonly BackTestExample[] {
  return all.slice(0, examplesMax).map(({ meterNo, raisedAtMs, returnedAtMs, level }) => ({
    ...{ meterId: meterIds.get(meterNo) ?? "", raisedAtMs, returnedAtMs, level },
  }));
}

/** In the order in which they would have asked: the breaker counts as it does in life. */
function closesOf({ told, closable, meterIds }: BackTestOutcome): BackTestCloses {
  const asks = told
    .filter(({ asksForClose, meterNo }) => asksForClose && closable.has(meterNo))
    .map(({ meterNo, rule, rangMs }) => ({ meterNo, rule, atMs: rangMs[0] ?? 0 }))
    .sort((one, other) => one.atMs - other.atMs || one.meterNo - other.meterNo);
  const recentClosesMs: number[] = [];
  const fleetSize = meterIds.size;
  let heldByBreaker = 0;
  for (const { atMs } of asks.filter(({ rule }) => rule === "R1")) {
    const automation = { stopped: false, recentClosesMs, fleetSize };
    if (breakerAllowance(automation, timestampMs(atMs)) > 0) recentClosesMs.push(atMs);
    else heldByBreaker += 1;
  }
  const ordered = recentClosesMs.length;
  return {
    ...{ ordered, heldByBreaker, proposed: asks.length - ordered - heldByBreaker },
    meters: new Set(asks.map(({ meterNo }) => meterNo)).size,
  };
}

/** A back-test says what the live engine said when the rules are the same, and what would be otherwise when not. */
import { beforeAll, expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { invariant } from "#domain/invariant.ts";
import { readingFlags } from "#domain/reading.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { openForReading } from "#ledger/queries.ts";
import { pastOn } from "#ledger/past.ts";
import { cityStartMs } from "#simulators/city/city.ts";
import { runBackTest, runPart } from "../../src/backTestRun.ts";
import { runCity } from "../../src/cityRun.ts";
import { hastyRules, historyMs, historyOf, onTheirWay } from "../permutation/histories.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";
import { chanceOf } from "../support/random.ts";
import { storedReadings } from "../support/storedReadings.ts";

const days = 9;
const plan = { meters: 40, days, incidents: "dense" } as const;
/** The first is looked at further; the others are other streets with other incidents. */
const seeds = [7, 1, 23] as const;
const span = { fromMs: cityStartMs, toMs: cityStartMs + (days + 1) * dayMs, warmUpDays: 90 };
const none = { sizes: {}, siteClasses: {}, areas: {}, meters: {} };
/** Delays and other thresholds, so that the document's own ways are compared as well. */
const own: RuleDocument = {
  ...none,
  ...{ version: "7", hash: "hash of 7" },
  all: {
    R2: { meanFlowFactor: 0.3 },
    R3: { onDelayMinutes: 90 },
    R6: { warnAfterDays: 2 },
    R7: { nights: 3, offDelayMinutes: 1_440 },
  },
};

interface LivedCity {
  readonly directory: string;
  readonly candidate: RuleDocument | null;
}

let cities: readonly LivedCity[];

function cityWith(candidate: RuleDocument | null, seed: number): LivedCity {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-past-"));
  runCity({ ...plan, seed }, directory, () => undefined, candidate);
  return { directory, candidate };
}

beforeAll(() => {
  cities = seeds.flatMap((seed) => [cityWith(null, seed), cityWith(own, seed)]);
  return () =>
    cities.forEach(({ directory }) => rmSync(directory, { recursive: true, force: true }));
}, 300_000);

/** Everything about an occurrence but how loud it was. */
function plain(all: ReturnType<typeof runPart>["told" | "happened"]) {
  return all
    .map(({ meterNo, rule, raisedAtMs, returnedAtMs, level, proof }) => ({
      ...{ meterNo, rule, raisedAtMs, returnedAtMs, level, proof },
    }))
    .sort(
      (one, other) =>
        one.meterNo - other.meterNo ||
        one.rule.localeCompare(other.rule) ||
        one.raisedAtMs - other.raisedAtMs,
    );
}

test("unchanged rules give what the live engine recorded, to the last proof", () => {
  const rules = new Set<string>();
  for (const { directory, candidate } of cities) {
    const { told, happened } = runPart({ plan: { directory, candidate, ...span }, part: 0, of: 1 });
    expect(happened.length).toBeGreaterThan(5);
    // A document proves with its version.
    const versions = new Set(happened.map(({ proof }) => proof["rulesVersion"] ?? null));
    expect([...versions]).toEqual([candidate?.version ?? null]);
    expect(plain(told)).toEqual(plain(happened));
    for (const { rule } of happened) rules.add(rule);
  }
  expect(rules.size).toBeGreaterThan(10);
});

test("what was compared is all that is stored, much of it late", () => {
  let late = 0;
  for (const { directory } of cities) {
    const stored = Map.groupBy(storedReadings(directory), ({ meterNo }) => meterNo);
    const db = openForReading(directory);
    const past = pastOn(db);
    const readingsOf = past.readings(span.fromMs, span.toMs);
    for (const meter of past.meters()) {
      const readings = readingsOf(meter);
      const known = (stored.get(meter.no) ?? []).toSorted(
        (one, other) => one.measuredAtMs - other.measuredAtMs || one.seq - other.seq,
      );
      expect(readings.length).toBe(known.length);
      for (const [place, reading] of readings.entries())
        expect(known[place]).toMatchObject(reading);
      late += readings.filter(({ flags }) => (flags & readingFlags.LATE) !== 0).length;
    }
    db.close();
  }
  expect(late).toBeGreaterThan(1_000);
});

test.each([1, 2, 3])(
  "histories in any order, with conflicts and exchanges, seed %i: as the live engine, every rule",
  (seed) => {
    const engine = new EngineUnderTest();
    onTestFinished(() => engine.close());
    engine.restart(hastyRules);
    const chance = chanceOf(seed);
    const courses = Array.from({ length: 60 }, (_none, place) => ({
      id: `H${place}`,
      meterNo: engine.register(`H${place}`, { quantumMl: 10_000 }),
      uplinks: onTheirWay(chance, historyOf(chance, startMs)),
    }));
    engine.nowMs = startMs + historyMs;
    for (let turn = 0; courses.some(({ uplinks }) => turn < uplinks.length); turn += 1) {
      engine.uplinks(
        courses.flatMap(({ meterNo, uplinks }) =>
          uplinks.slice(turn, turn + 1).map((bytes) => ({ meterNo, bytes })),
        ),
      );
      // A fitter enters an exchange of some hours ago, between readings that have come and others that will.
      const course = courses[chance.whole(0, courses.length - 1)];
      invariant(course !== undefined, "one of them");
      const { id: meterId, meterNo } = course;
      const atMs = startMs + chance.whole(1, 40) * hourMs;
      const before = engine.ledger
        .readingsAfter(meterNo, 0)
        .findLast(({ measuredAtMs, indexMl }) => measuredAtMs <= atMs && indexMl !== null);
      const closingMl = Number(before?.indexMl ?? 0) + chance.whole(0, 20) * 10_000;
      const change = { closingMl, openingMl: 0, change: {} };
      const serials = { formerSerial: null, serial: null, reason: "age" };
      engine.ask({ kind: "meter.exchange", meterId, atMs, ...change, ...serials });
    }
    const plan = { directory: engine.directory, candidate: hastyRules, ...span };
    const fromMs = startMs - dayMs;
    const part = { part: 0, of: 1 };
    const toMs = startMs + 2 * historyMs;
    const { told, happened } = runPart({ plan: { ...plan, fromMs, toMs }, ...part });
    expect(plain(told)).toEqual(plain(happened));
    expect(new Set(happened.map(({ rule }) => rule)).size).toBeGreaterThan(11);
    const exchanged = Number(engine.rows("SELECT count(*) AS n FROM meter_exchange")[0]?.["n"]);
    expect(exchanged).toBeGreaterThan(10);
  },
);

test("two threads find what one finds, and other rules find something else", async () => {
  const directory = cities[0]?.directory ?? "";
  const one = await runBackTest({ directory, candidate: null, ...span }, 1);
  const two = await runBackTest({ directory, candidate: null, ...span }, 2);
  expect(two.rules).toEqual(one.rules);
  expect(one.rules.every(({ added, gone, moved }) => added + gone + moved === 0)).toBe(true);
  const other = await runBackTest({ directory, candidate: own, ...span }, 1);
  const changed = other.rules.filter(({ added, gone, moved }) => added + gone + moved > 0);
  expect(changed.length).toBeGreaterThan(1);
  expect(changed.every(({ rule }) => ["R2", "R3", "R6", "R7"].includes(rule))).toBe(true);
});

test("it writes nothing, and only what lies in the span counts", async () => {
  const directory = cities[0]?.directory ?? "";
  const db = openForReading(directory);
  const before = db.prepare("SELECT count(*) AS n, max(seq) AS last FROM event").get();
  const late = { ...span, fromMs: cityStartMs + 8 * dayMs };
  const report = await runBackTest({ directory, candidate: null, ...late }, 1);
  expect(db.prepare("SELECT count(*) AS n, max(seq) AS last FROM event").get()).toEqual(before);
  const past = pastOn(db);
  const inSpan = past.meters().flatMap((meter) => past.occurrences(meter, late.fromMs, late.toMs));
  db.close();
  const count = report.rules.reduce((sum, { candidate }) => sum + candidate.occurrences, 0);
  expect(count).toBe(inSpan.length);
  expect(report.rules.every(({ added, gone, moved }) => added + gone + moved === 0)).toBe(true);
});

test("closes: the leak orders up to the breaker, the others propose, critical customers never", async () => {
  const engine = new EngineUnderTest();
  onTestFinished(() => engine.close());
  const meters = Array.from({ length: 12 }, (_, place) =>
    engine.register(`M${place}`, { critical: place === 0, area: `area ${place}` }),
  );
  const say = (members: object) => {
    engine.nowMs += 2 * minuteMs;
    for (const meterNo of meters) {
      engine.uplinks([{ meterNo, bytes: jsonBytes({ measuredAt: engine.nowMs, ...members }) }]);
    }
  };
  say({ status: [], flowM3h: "0.100" });
  say({ status: ["leak"], flowM3h: "6.500" });
  engine.nowMs += minuteMs;
  const plan = {
    directory: engine.directory,
    fromMs: startMs,
    toMs: startMs + hourMs,
    warmUpDays: 1,
  };
  const candidate: RuleDocument = { ...own, all: { R3: { asksForClose: true } } };
  const report = await runBackTest({ ...plan, candidate }, 1);
  // The fleet of 12 has a breaker of 3 a day; the live engine was held by the same one.
  expect(report.closes).toEqual({ ordered: 3, heldByBreaker: 8, proposed: 11, meters: 11 });
  expect(report.closesHappened).toMatchObject({ held: 8, refused: 1 });
  expect(report.candidate).toMatchObject({ peakIn10Minutes: 36, byPriority: { 1: 12, 2: 24 } });
  expect(report.candidate.floodShare).toBeGreaterThan(0);
});

/** A back-test says what the live engine said when the rules are the same, and what would be otherwise when not. */
import { beforeAll, expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { openForReading } from "#ledger/queries.ts";
import { pastOn } from "#ledger/past.ts";
import { cityStartMs } from "#simulators/city/city.ts";
import { runBackTest, runPart } from "../../src/backTestRun.ts";
import { runCity } from "../../src/cityRun.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";

const days = 9;
const plan = { meters: 40, days, seed: 7, incidents: "dense" } as const;
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

let directories: readonly string[];

function cityWith(document: RuleDocument | null): string {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-past-"));
  runCity(plan, directory, () => undefined, document);
  return directory;
}

beforeAll(() => {
  directories = [cityWith(null), cityWith(own)];
  return () => directories.forEach((name) => rmSync(name, { recursive: true, force: true }));
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
  for (const [place, candidate] of [null, own].entries()) {
    const directory = directories[place] ?? "";
    const { told, happened } = runPart({ plan: { directory, candidate, ...span }, part: 0, of: 1 });
    expect(happened.length).toBeGreaterThan(5);
    // A document proves with its version.
    const versions = new Set(happened.map(({ proof }) => proof["rulesVersion"] ?? null));
    expect([...versions]).toEqual([candidate?.version ?? null]);
    expect(plain(told)).toEqual(plain(happened));
  }
});

test("two threads find what one finds, and other rules find something else", async () => {
  const [directory = ""] = directories;
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
  const [directory = ""] = directories;
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

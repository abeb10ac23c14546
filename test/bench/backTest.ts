/**
 * Rule documents tried on what a fleet has said: the store is made once, by the writer's own ways, and each document
 * judges all of it with a thread per processor, as `npm run rules -- test` does.
 */
import { availableParallelism } from "node:os";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { dayMs } from "#domain/units.ts";
import { runBackTest } from "../../src/backTestRun.ts";
import { commitTo, withLedger } from "./ledgerRig.ts";
import { startProgress } from "./progress.ts";
import { round } from "./quantiles.ts";
import { Fleet } from "./readingsLoad.ts";
import { startMs, withFolder } from "./readingsRig.ts";
import type { Report } from "./report.ts";

export interface BackTestOptions {
  readonly meters: number;
  readonly days: number;
}

const batchRows = 10_000;

const none = { sizes: {}, siteClasses: {}, areas: {}, meters: {} };
const conduct = { priority: 3, onDelayMinutes: 60, offDelayMinutes: 0 } as const;

/** The factory's rules, thresholds and delays of a utility's own, and those with an expression besides. */
const documents: Readonly<Record<string, RuleDocument | null>> = {
  factory: null,
  thresholds: {
    ...none,
    ...{ version: "thresholds", hash: "thresholds" },
    all: { R3: { onDelayMinutes: 90 }, R6: { warnAfterDays: 2 }, R7: { nights: 3 } },
  },
  ownRule: {
    ...none,
    ...{ version: "own", hash: "own", all: { R6: { warnAfterDays: 2 } } },
    own: {
      X1: {
        ...{ ...conduct, asksForClose: false, only: {}, title: { en: "night", zh: "夜间" } },
        when: "flow_m3h > 0.1 && (hour >= 22.0 || hour < 6.0)",
      },
    },
  },
};

export function runBackTestBench(options: BackTestOptions): Promise<readonly Report[]> {
  return withFolder(async (folder) => {
    await fill(folder, options);
    const reports: Report[] = [];
    for (const [name, candidate] of Object.entries(documents)) {
      const cpu = process.cpuUsage();
      const startedMs = performance.now();
      const span = { fromMs: startMs, toMs: startMs + options.days * dayMs, warmUpDays: 90 };
      const report = await runBackTest({ directory: folder, candidate, ...span });
      const seconds = (performance.now() - startedMs) / 1_000;
      const { user, system } = process.cpuUsage(cpu);
      reports.push({
        ...{ scenario: "back-test", rules: name, ...options, readings: report.readings },
        ...{ seconds: round(seconds, 3), threads: availableParallelism() },
        cpuMicrosecondsPerReading: round((user + system) / report.readings, 3),
        microsecondsPerReading: round((seconds * 1e6) / report.readings, 3),
        occurrences: report.rules.reduce(
          (sum, { candidate: { occurrences } }) => sum + occurrences,
          0,
        ),
      });
    }
    return reports;
  });
}

/** Days in segments and roll-ups of their own, as a store that has lived through them. */
async function fill(folder: string, { meters, days }: BackTestOptions): Promise<void> {
  let rows = 0;
  const stopProgress = startProgress("back-test", "readings stored", () => rows);
  await withLedger(folder, meters, {}, async ({ ledger, runner }) => {
    const fleet = new Fleet({ meters, startMs, withOrigin: true, leakEvery: 100 });
    for (let hour = 0; hour < days * 24; hour += 1) {
      for (const batch of fleet.hour(hour, batchRows)) {
        commitTo(ledger, batch);
        rows += batch.count;
      }
      if (hour % 24 === 23) await ledger.readings.maintain(runner, startMs + hour * 3_600_000);
    }
    await ledger.readings.flush(runner);
    await ledger.readings.maintain(runner, startMs + (days + 1) * dayMs);
  }).finally(stopProgress);
}

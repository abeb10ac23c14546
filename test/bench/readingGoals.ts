/** What the reading store must reach and aims at, and on which load that is meant. */
import type { Report } from "./report.ts";

interface Goal {
  /** The field of the report that is compared. */
  readonly field: string;
  /** Infinity: it must only come to its end. */
  readonly must: number;
  readonly aim: number;
  /** The larger the better; otherwise the smaller. */
  readonly more?: boolean;
  /** On a smaller load it is not said whether it is met. */
  readonly metersMin?: number;
  readonly daysMin?: number;
}

const aMillion = { metersMin: 1_000_000 };
const aMonth = { metersMin: 100_000, daysMin: 30 };

const intake = { field: "readingsPerSecond", must: 1_000_000, aim: 1_500_000, more: true };
const sealedIntake: Goal = { ...intake, ...aMonth, aim: 1_300_000 };

const goals: Readonly<Record<string, Goal>> = {
  intake: { ...intake, ...aMonth },
  "day-segments": { field: "bytesPerReading", must: 3.6, aim: 3.3 },
  "month-segment": { field: "bytesPerReading", must: 3, aim: 2.4, daysMin: 30 },
  "last-ms": { field: "p99", must: 1, aim: 0.1, ...aMonth },
  "meter-all-days-during-intake-ms": { field: "p99", must: 30, aim: 15, ...aMonth },
  "meter-all-days-cold-ms": { field: "p50", must: 30, aim: 20, ...aMonth },
  "registers-at-gas-day-ms": { field: "p50", must: 200, aim: 50, ...aMillion },
  "registers-at-any-instant-ms": { field: "p50", must: 3_000, aim: 1_000, ...aMillion },
  "district-daily-use-ms": { field: "p99", must: 30, aim: 10, ...aMonth },
  "top-20-peak-flow-ms": { field: "p50", must: 200, aim: 50, ...aMillion },
  "commit-beside-flush-p99-ms": { field: "p99", must: 20, aim: 10 },
  "commit-beside-flush-longest-ms": { field: "max", must: 100, aim: 50 },
  "ready-after-kill-ms": { field: "ms", must: 3_000, aim: 1_000 },
  "backup-and-restore": { field: "seconds", must: Infinity, aim: 60, ...aMonth },
};

/** The report with its goal, and which part of it is met. */
export function judged(report: Report): Report {
  const { figure, isEncrypted } = report;
  const goal = isEncrypted === true && figure === "intake" ? sealedIntake : goals[String(figure)];
  if (goal === undefined) return report;
  const { field, must, aim, more = false, metersMin = 0, daysMin = 0 } = goal;
  const value = Number(report[field]);
  const isMet = (bound: number): boolean => (more ? value >= bound : value <= bound);
  const isSmaller = Number(report["meters"]) < metersMin || Number(report["days"]) < daysMin;
  const hasFailed = Number(report["failed"] ?? 0) > 0;
  const met = hasFailed ? "none" : isMet(aim) ? "aim" : isMet(must) ? "must" : "none";
  const load = isSmaller ? { goalMeters: metersMin, goalDays: daysMin } : {};
  const bounds = Number.isFinite(must) ? { must, aim } : { must: "passes", aim };
  const isUntold = isSmaller && !hasFailed;
  return { ...report, of: field, ...bounds, met: isUntold ? "smaller load" : met, ...load };
}

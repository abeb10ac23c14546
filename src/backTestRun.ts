/** Runs a back-test over a data directory, also beside a running service: the meters are shared out among threads. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { BackTestReport } from "#domain/backTest.ts";
import { invariant } from "#domain/invariant.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { dayMs } from "#domain/units.ts";
import { backTestMeter, candidateRules } from "#engine/backTest.ts";
import { backTestReport, type BackTestOutcome } from "#engine/backTestReport.ts";
import { pastOn } from "#ledger/past.ts";
import { openForReading } from "#ledger/queries.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";

export const backTestLimits = Object.freeze({
  daysMax: 92,
  /** The rules remember up to 90 days. */
  warmUpDaysDefault: 90,
  threadsMax: 8,
  /** Events of the past that the figures are made of. */
  eventsMax: 200_000,
});

export interface BackTestPlan {
  readonly directory: string;
  /** null: the factory's rules. */
  readonly candidate: RuleDocument | null;
  readonly fromMs: number;
  readonly toMs: number;
  /** So long before it the readings warm the rules. */
  readonly warmUpDays: number;
  /** Of sealed segments; none: they are plain. */
  readonly fileKeys?: FileKeys;
}

/** One thread's part of so many: meters whose numbers follow one another, so that no chunk is read by two. */
export interface BackTestPart {
  readonly plan: BackTestPlan;
  readonly part: number;
  readonly of: number;
}

export type BackTestPartial = Pick<BackTestOutcome, "told" | "happened" | "readings">;

/** What a thread does. */
export function runPart({ plan, part, of }: BackTestPart): BackTestPartial {
  const { directory, candidate, fromMs, toMs, warmUpDays } = plan;
  const db = openForReading(directory);
  try {
    const past = pastOn(db, fileDisk(plan.fileKeys ?? null));
    const rules = candidateRules(past.rules(), candidate, fromMs);
    const readingsOf = past.readings(fromMs - warmUpDays * dayMs, toMs);
    const told = [];
    const happened = [];
    let readings = 0;
    const meters = past.meters();
    const placeOf = (share: number): number => Math.floor((share * meters.length) / of);
    for (const meter of meters.slice(placeOf(part), placeOf(part + 1))) {
      const rows = readingsOf(meter);
      readings += rows.length;
      const known = { meter, exchanges: past.exchanges(meter), readings: rows };
      for (const one of backTestMeter(rules, known, fromMs)) told.push(one);
      for (const one of past.occurrences(meter, fromMs, toMs)) {
        happened.push({ ...one, meterNo: meter.no });
      }
    }
    return { told, happened, readings };
  } finally {
    db.close();
  }
}

/** The whole test; `threads` as many as the machine has processors, unless told otherwise. */
export async function runBackTest(
  plan: BackTestPlan,
  threads = availableParallelism(),
): Promise<BackTestReport> {
  const of = Math.max(1, Math.min(threads, backTestLimits.threadsMax));
  const parts = Array.from({ length: of }, (_, part) => inThread({ plan, part, of }));
  const partials = await Promise.all(parts);
  const db = openForReading(plan.directory);
  try {
    const past = pastOn(db, fileDisk(plan.fileKeys ?? null));
    const { fromMs, toMs, candidate } = plan;
    const meters = past.meters();
    const closable = meters.filter(
      ({ critical, lifecycle }) => !critical && lifecycle === "active",
    );
    return backTestReport({
      ...{ version: candidate?.version ?? null, fromMs, toMs },
      readings: partials.reduce((sum, { readings }) => sum + readings, 0),
      meterIds: new Map(meters.map(({ no, id }) => [no, id])),
      closable: new Set(closable.map(({ no }) => no)),
      told: partials.flatMap(({ told }) => told),
      happened: partials.flatMap(({ happened }) => happened),
      events: past.alarmEvents(fromMs, toMs, backTestLimits.eventsMax),
      closes: past.closes(fromMs, toMs),
    });
  } finally {
    db.close();
  }
}

function inThread(part: BackTestPart): Promise<BackTestPartial> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./backTestWorker.ts", import.meta.url), {
      workerData: part,
    });
    let isAnswered = false;
    worker.once("message", (partial: BackTestPartial) => {
      isAnswered = true;
      resolve(partial);
    });
    worker.once("error", reject);
    worker.once("exit", (code) => {
      if (!isAnswered) reject(new BackTestError(`a thread of the back-test ended with ${code}`));
    });
  });
}

/** A thread ended without an answer. */
export class BackTestError extends Error {
  override readonly name = "BackTestError";
  readonly code = "BACK_TEST_FAILED";
}

/** Whole days before an instant. */
export function backTestSpan(days: number, toMs: number): { fromMs: number; toMs: number } {
  invariant(days > 0 && days <= backTestLimits.daysMax, "the days were checked where they came in");
  return { fromMs: toMs - days * dayMs, toMs };
}

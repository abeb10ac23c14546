/** Log lines of named events: JSON, bounded in number and length, without secrets. */
import { pino, type DestinationStream } from "pino";
import { formatInstant, secondMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import { namedEvents, type NamedEvent, type Observer } from "#ports/observer.ts";
import { events } from "./events.ts";

/** A storm of one event writes this many lines a second; the counter still counts every one. */
export const linesPerEventAndSecondMax = 20;
/** Longer texts are cut: what a stranger sent must not fill the disk. */
export const fieldCharactersMax = 200;
/** Lines that wait for a slow reader of the log; beyond it they are dropped, never the intake stalled. */
const waitingBytesMax = 16 * 1024 * 1024;

/** Names of fields that are never written, should one ever be passed. */
const redactedFields = [
  "password",
  "secret",
  "secretHash",
  "token",
  "apiKey",
  "keyHash",
  "authorization",
  "cookie",
  "address",
  "phone",
];

export interface EventLog extends Observer {
  /** Writes what still waits. */
  close(): void;
}

/** Lines on standard error; a program that cannot be read may lose lines, but no reading. */
export function standardError(onDrop: () => void): DestinationStream & { flushSync(): void } {
  const stream = pino.destination({ dest: 2, sync: false, maxLength: waitingBytesMax });
  stream.on("drop", onDrop);
  return stream;
}

/** One line per event at or above the level. */
export function createEventLog(
  level: string,
  clock: Clock,
  destination: DestinationStream & { flushSync?(): void },
): EventLog {
  const logger = pino(
    {
      level,
      base: null,
      redact: redactedFields,
      timestamp: () => `,"at":"${formatInstant(clock.nowMs())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const budgets = new Map<NamedEvent, LineBudget>();
  return {
    note(event, fields = {}) {
      const { level } = events[event];
      if (!logger.isLevelEnabled(level)) return;
      const budget = budgets.get(event) ?? newBudget();
      budgets.set(event, budget);
      const dropped = takeLine(budget, clock.monotonicMs());
      if (dropped === undefined) return;
      const suppressed = dropped > 0 ? { linesSuppressed: dropped } : {};
      logger[level]({ ...shortened(fields), ...suppressed, event }, namedEvents[event]);
    },
    close: () => destination.flushSync?.(),
  };
}

interface LineBudget {
  secondEndsMs: number;
  linesLeft: number;
  suppressed: number;
}

function newBudget(): LineBudget {
  return { secondEndsMs: -Infinity, linesLeft: 0, suppressed: 0 };
}

/** Lines suppressed since the last one, or undefined when this one is suppressed too. */
function takeLine(budget: LineBudget, nowMs: number): number | undefined {
  if (nowMs >= budget.secondEndsMs) {
    budget.secondEndsMs = nowMs + secondMs;
    budget.linesLeft = linesPerEventAndSecondMax;
  }
  if (budget.linesLeft === 0) {
    budget.suppressed += 1;
    return undefined;
  }
  budget.linesLeft -= 1;
  const { suppressed } = budget;
  budget.suppressed = 0;
  return suppressed;
}

function shortened(
  fields: Readonly<Record<string, string | number>>,
): Record<string, string | number> {
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? value.slice(0, fieldCharactersMax) : value,
  ]);
  return Object.fromEntries(entries);
}

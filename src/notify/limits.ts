/** Every limit of telling others, by name. Tests make them small. */
import { hourMs, minuteMs, secondMs } from "#domain/units.ts";

export const notifyLimits = {
  /** A receiver that has not answered by then has not taken it. */
  answerWithinMs: 15 * secondMs,
  answerBytesMax: 64 * 1024,
  /** Waits between attempts double from the first to the longest; a receiver that is back waits no longer than that. */
  firstWaitMs: 2 * secondMs,
  longestWaitMs: 15 * minuteMs,
  /** Then it is disabled. */
  giveUpAfterMs: 24 * hourMs,
  /** So often one event is offered to a receiver that refuses it and takes others; then it is set aside. */
  refusalsMax: 5,
  /** Sendings to one receiver at the same time, each about another meter. */
  atOnceMax: 8,
  /** Events read in one look. */
  eventsPerLook: 200,
  /** Events that nobody wanted may be looked at again after a restart; so many of them. */
  unreportedMax: 1_000,
  tickEveryMs: secondMs,
} as const;

export type NotifyLimits = { readonly [Name in keyof typeof notifyLimits]: number };

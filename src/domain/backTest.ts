/** What a rule document would have told over a span of the past, beside what was told. */
import type { MeterRuleId } from "./alarm.ts";

export interface BackTestCount {
  readonly occurrences: number;
  readonly meters: number;
}

/** One difference, for a look at it. */
export interface BackTestExample {
  readonly meterId: string;
  readonly raisedAtMs: number;
  readonly returnedAtMs: number | null;
  readonly level: number;
}

export interface BackTestRule {
  readonly rule: MeterRuleId;
  readonly candidate: BackTestCount;
  readonly happened: BackTestCount;
  /** With the candidate only, and without it only. */
  readonly added: number;
  readonly gone: number;
  /** In both, with another beginning or end. */
  readonly moved: number;
  readonly addedExamples: readonly BackTestExample[];
  readonly goneExamples: readonly BackTestExample[];
}

/** How loud it would have been, after EEMUA 191 and ISA-18.2; for one operator. */
export interface BackTestLoudness {
  readonly rang: number;
  readonly perDay: number;
  readonly peakIn10Minutes: number;
  /** Share of the time in flood. */
  readonly floodShare: number;
  readonly byPriority: Readonly<Record<1 | 2 | 3 | 4, number>>;
  readonly top: readonly {
    readonly meterId: string | null;
    readonly rule: string;
    readonly rang: number;
  }[];
}

export interface BackTestCloses {
  /** By R1, as far as the breaker lets them go; interlocks of the moment are not part of it. */
  readonly ordered: number;
  readonly heldByBreaker: number;
  readonly proposed: number;
  readonly meters: number;
}

export interface BackTestReport {
  /** null: the factory's rules. */
  readonly version: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly meters: number;
  readonly readings: number;
  readonly rules: readonly BackTestRule[];
  readonly candidate: BackTestLoudness;
  readonly happened: BackTestLoudness;
  readonly closes: BackTestCloses;
  /** Orders to close that alarms asked for in the span, by the state that they are in now. */
  readonly closesHappened: Readonly<Record<string, number>>;
}

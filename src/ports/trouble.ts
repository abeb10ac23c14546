/** What the process finds wrong with itself, told to the engine as a notice in the ordinary stream. */
import type { ConditionLevel, Proof, TroubleRuleId } from "#domain/alarm.ts";

export interface Trouble {
  readonly rule: TroubleRuleId;
  /** 0: it is over, or was never there. */
  readonly level: ConditionLevel;
  readonly proof: Proof;
}

/** How far the queue before the engine has come; counts, so that no jump of a clock deceives. */
export interface QueueProgress {
  /** Uplinks that ever arrived. */
  readonly arrivals: number;
  /** The number of the oldest one that is not committed; null: all are. */
  readonly oldestArrival: number | null;
  /** Reports of the engine, good or bad: it answers. */
  readonly reports: number;
}

/** The space where the ledger lies. */
export interface FreeSpace {
  /** From 0 to 1, as much as this process may still use. */
  freeShare(): Promise<number>;
}

/** Room on that disk that is kept for alarms and commands. */
export interface ReserveFile {
  /** What is free beside the reserve, and what the reserve holds; null: the disk cannot be asked. */
  measure(): Promise<{ readonly freeBytes: number; readonly heldBytes: number } | null>;
  /** False: there was no room for it after all, and nothing of it is left. */
  make(bytes: number): Promise<boolean>;
  release(): Promise<void>;
}

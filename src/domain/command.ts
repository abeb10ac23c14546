/** An order to a meter as a ledger entry: never a message that lives by itself (architecture 5.5). */
import type { CommandId } from "./ids.ts";
import type { TimestampMs } from "./units.ts";

/** There is no action that opens a valve, and none may be added (architecture 5.6). */
export const commandActions = ["close"] as const;
export type CommandAction = (typeof commandActions)[number];

export const commandStates = [
  "requested",
  "refused",
  "authorised",
  "queued",
  "sent",
  "delivered",
  "accepted",
  "executed",
  "verified",
  "passing",
  "failed",
  "expired",
  "superseded",
  "cancelled",
  "held",
  "unknown",
] as const;
export type CommandState = (typeof commandStates)[number];

/** Who or what wanted the command: an alarm (its id) or a person (the key's label). */
export interface CommandCause {
  readonly kind: "alarm" | "person";
  readonly ref: string;
}

export interface Command {
  readonly id: CommandId;
  readonly meterNo: number;
  readonly action: CommandAction;
  readonly cause: CommandCause;
  readonly reason: string;
  readonly state: CommandState;
  /** Why it is refused, held, failed …; a stable word. */
  readonly detail: string | null;
  /** One byte for protocols whose answers carry no id (CJ/T 188 SER); fresh per command. */
  readonly sequence: number;
  readonly attempts: number;
  readonly requestedAtMs: TimestampMs;
  readonly expiresAtMs: TimestampMs;
  /** Our clock, last time it was handed to a session; null before. */
  readonly sentAtMs: TimestampMs | null;
}

/** One line of a command's history. */
export interface CommandTransition {
  readonly state: CommandState;
  readonly atMs: TimestampMs;
  /** "engine", "meter", or the label of a person's key. */
  readonly by: string;
  readonly detail: string | null;
}

/** A command after a step, with what just happened to it. */
export interface CommandChange {
  readonly command: Command;
  readonly transitions: readonly CommandTransition[];
}

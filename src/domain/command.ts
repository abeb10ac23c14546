/** An order to a meter as a ledger entry: never a message that lives by itself (architecture 5.5). */
import type { CommandId } from "./ids.ts";
import type { MeterParameters } from "./parameters.ts";
import type { Role } from "./role.ts";
import type { TimestampMs } from "./units.ts";

/**
 * There is no action that opens a valve, and none may be added (architecture 5.6). Whoever has a permission stands
 * at the meter and opens it there.
 */
export const commandActions = [
  "close",
  "permit_opening",
  "set_clock",
  "read_history",
  "change_parameters",
] as const;
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

/**
 * Movements that a motor valve is made for where its profile does not say; near them it is on the work list, beyond
 * them the answer to an order warns. Our proposal: no figure is published for the valves that we know.
 */
export const actuationsRated = 4_000;

/** Who or what wanted the command: an alarm (its id) or a person (the key's label). */
export interface CommandCause {
  readonly kind: "alarm" | "person";
  readonly ref: string;
}

/** One person's yes to a command that waits for it; the key's label and its role at that moment. */
export interface Approval {
  readonly by: string;
  readonly role: Role;
  readonly atMs: TimestampMs;
}

/** What must be on record before anybody may open a valve at the meter. */
export interface Permit {
  readonly workOrder: string;
  /** The record of the leak check, and when it was made. */
  readonly leakCheck: string;
  readonly leakCheckAtMs: TimestampMs;
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
  /** Persons who must say yes besides whoever asked; 0: nobody (four eyes, gas-domain 5.3). */
  readonly approvalsNeeded: number;
  readonly approvals: readonly Approval[];
  /** Only with `permit_opening`. */
  readonly permit: Permit | null;
  /** Only with `change_parameters`. */
  readonly parameters: MeterParameters | null;
  /** When what was refused in its first day (`not-armed`) may close by itself; null: refused for no such thing. */
  readonly armedAtMs: TimestampMs | null;
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

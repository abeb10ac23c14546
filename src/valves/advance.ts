/** One move along the command table, with what it does to the meter's valve state. */
import type { Command, CommandChange, CommandState } from "#domain/command.ts";
import { invariant } from "#domain/invariant.ts";
import type { TimestampMs } from "#domain/units.ts";
import { isEnded, nextCommandState } from "./commandTable.ts";
import type { CommandEvent } from "./commandTable.ts";
import type { OpenCommand, ValveState } from "./valveState.ts";

/** Why a reply changed nothing; each is counted. */
export type IgnoredReply =
  "unknown-command" | "before-sending" | "after-end" | "stale-sequence" | "repeated";

/** What one input did to a meter's valve. */
export interface ValveStep {
  readonly state: ValveState;
  readonly changes: readonly CommandChange[];
  /** To be handed to the meter's session now; already recorded as sent in `changes`. */
  readonly send: Command | null;
  /** A stable word when a reply did not match: counted. */
  readonly ignoredReply: IgnoredReply | null;
}

/** When, by whom and why a command moves. */
export interface Move {
  readonly atMs: TimestampMs;
  /** "engine", "meter", or the label of a person's key. */
  readonly by: string;
  readonly detail?: string;
}

/** The input changed no command. */
export function unchanged(state: ValveState): ValveStep {
  return { state, changes: [], send: null, ignoredReply: null };
}

/** The outstanding command moves through one event after the other. */
export function advance(
  state: ValveState,
  open: OpenCommand,
  events: readonly CommandEvent[],
  move: Move,
  changed: Partial<Pick<Command, "attempts" | "sentAtMs">> = {},
): ValveStep {
  const states = walk(open.command.state, events);
  const detail = move.detail ?? null;
  const command = {
    ...open.command,
    ...changed,
    state: states.at(-1) ?? open.command.state,
    detail,
  };
  const transitions = states.map((state) => ({ state, atMs: move.atMs, by: move.by, detail }));
  return {
    ...unchanged(settle(state, command, move.atMs)),
    changes: [{ command, transitions }],
  };
}

function walk(from: CommandState, events: readonly CommandEvent[]): CommandState[] {
  const states: CommandState[] = [];
  let current = from;
  for (const event of events) {
    const next = nextCommandState(current, event);
    invariant(next !== undefined, `the command table knows no ${event} from ${current}`);
    states.push(next);
    current = next;
  }
  return states;
}

function settle(state: ValveState, command: Command, atMs: TimestampMs): ValveState {
  if (isEnded(command.state)) {
    return { ...state, outstanding: null, trouble: troubleAfter(state, command.state) };
  }
  return { ...state, outstanding: freshlyOpen(command, atMs) };
}

/** A command without evidence about its effect. */
export function freshlyOpen(command: Command, atMs: TimestampMs): OpenCommand {
  return {
    command,
    shutIndexMl: null,
    quietReadings: 0,
    lastEvidenceAtMs: null,
    progressAtMs: atMs,
  };
}

function troubleAfter(state: ValveState, ended: CommandState): ValveState["trouble"] {
  if (ended === "verified") return null;
  if (ended === "failed" || ended === "expired" || ended === "passing") return ended;
  return state.trouble;
}

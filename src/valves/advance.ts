/** One move along the command table, with what it does to the meter's valve state. */
import type { Command, CommandChange, CommandState } from "#domain/command.ts";
import { invariant } from "#domain/invariant.ts";
import type { TimestampMs } from "#domain/units.ts";
import { isEnded, nextCommandState } from "./commandTable.ts";
import type { CommandEvent } from "./commandTable.ts";
import { commandLimits } from "./limits.ts";
import type { OpenCommand, ValveState } from "./valveState.ts";

const { endedRemembered } = commandLimits;

/** Why a reply changed nothing; each is counted. */
export type IgnoredReply =
  /** It names an order that this meter never had: foreign, or invented. */
  | "unknown-command"
  /** The order has not left. */
  | "before-sending"
  /** The order has ended. */
  | "after-end"
  /** No order of late had this sequence. */
  | "stale-sequence"
  /** In another protocol than the order. */
  | "other-dialect"
  /** The same answer again: repeated by the radio. */
  | "repeated";

/** What one input did to a meter's valve. */
export interface ValveStep {
  readonly state: ValveState;
  readonly changes: readonly CommandChange[];
  /** To be handed to the meter's session now; already recorded as sent in `changes`. */
  readonly send: Command | null;
  /** A stable word when a reply did not match: counted. */
  readonly ignoredReply: IgnoredReply | null;
  /** Gas flows as through an open pipe after a permitted opening: a person must know, a close is proposed. */
  readonly isUncontrolled: boolean;
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
  return { state, changes: [], send: null, ignoredReply: null, isUncontrolled: false };
}

/** The outstanding command moves through one event after the other. */
export function advance(
  state: ValveState,
  open: OpenCommand,
  events: readonly CommandEvent[],
  move: Move,
  changed: Partial<Pick<Command, "attempts" | "sentAtMs" | "approvals">> = {},
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
    ...unchanged(settle(state, open, command, move.atMs)),
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

function settle(
  state: ValveState,
  { lastResult }: OpenCommand,
  command: Command,
  atMs: TimestampMs,
): ValveState {
  if (isEnded(command.state)) {
    const { id, sequence } = command;
    const ended = [...state.ended, { id, sequence, lastResult }].slice(-endedRemembered);
    // What becomes of another order is no trouble of the valve.
    const isClose = command.action === "close";
    const trouble = isClose ? troubleAfter(state, command.state) : state.trouble;
    return { ...state, outstanding: null, trouble, ended };
  }
  return { ...state, outstanding: { ...freshlyOpen(command, atMs), lastResult } };
}

/** The input is evidence about the outstanding command, and moves nothing. */
export function withEvidence(step: ValveStep, evidence: Partial<Omit<OpenCommand, "command">>) {
  const open = step.state.outstanding;
  if (open === null) return step;
  return { ...step, state: { ...step.state, outstanding: { ...open, ...evidence } } };
}

/** A command without evidence about its effect. */
export function freshlyOpen(command: Command, atMs: TimestampMs): OpenCommand {
  return {
    command,
    shutIndexMl: null,
    quietReadings: 0,
    lastEvidenceAtMs: null,
    progressAtMs: atMs,
    lastResult: null,
  };
}

function troubleAfter(state: ValveState, ended: CommandState): ValveState["trouble"] {
  if (ended === "verified") return null;
  if (ended === "failed" || ended === "expired" || ended === "passing") return ended;
  return state.trouble;
}

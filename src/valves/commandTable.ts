/**
 * The whole life of a valve command as one table; the code only walks it (gas-domain 5.3). What is not a row
 * cannot happen. There is no row, event or action that opens a valve (architecture 5.6).
 */
import type { CommandAction, CommandState } from "#domain/command.ts";

/** What may happen to a command, already judged: who decides that it happened is in stepValve.ts. */
export const commandEvents = [
  "authorise",
  "refuse",
  "hold",
  "approve",
  "release",
  "queue",
  "send",
  "deliver",
  "giveBack",
  "lose",
  "requeue",
  "accept",
  "execute",
  "verify",
  "pass",
  "fail",
  "expire",
  "cancel",
  "void",
  "supersede",
] as const;
export type CommandEvent = (typeof commandEvents)[number];

/** One line of a command's possible life. */
export interface CommandRow {
  readonly from: CommandState;
  readonly event: CommandEvent;
  readonly to: CommandState;
  readonly when: string;
}

/** The states and events of a valve command; printed by the documentation as it stands. */
export const commandTable: readonly CommandRow[] = [
  row(
    "requested",
    "authorise",
    "authorised",
    "a person asked, the second one approves, or the automatic policy allows it",
  ),
  row("requested", "refuse", "refused", "an interlock speaks against it"),
  row("requested", "hold", "held", "the breaker is spent: persons decide"),
  row("requested", "cancel", "cancelled", "a person withdraws it, or the valve reports closed"),
  row("requested", "expire", "expired", "nobody approved it in time"),
  row("requested", "supersede", "superseded", "a newer order takes its place"),

  row("held", "approve", "held", "the first of two persons says yes"),
  row("held", "release", "authorised", "the second person says yes"),
  row("held", "cancel", "cancelled", "a person withdraws it, or the valve reports closed"),
  row("held", "expire", "expired", "its time is over"),
  row("held", "supersede", "superseded", "a newer order takes its place"),

  row("authorised", "queue", "queued", "written down, waits for the meter to listen"),
  row("authorised", "cancel", "cancelled", "another command is already with the meter"),

  row("queued", "send", "sent", "the meter listens"),
  row(
    "queued",
    "cancel",
    "cancelled",
    "a person withdraws it, or the valve reports closed unasked",
  ),
  row("queued", "expire", "expired", "its time is over"),
  row("queued", "supersede", "superseded", "a newer order takes its place, nothing was ever sent"),
  row("queued", "accept", "accepted", "an attempt that was thought lost is answered"),
  row("queued", "execute", "executed", "an attempt that was thought lost has closed the valve"),
  row("queued", "fail", "failed", "an attempt that was thought lost is refused"),

  row("sent", "deliver", "delivered", "the transport confirms; this is not execution"),
  row("sent", "giveBack", "queued", "not handed over: the attempt does not count"),
  row("sent", "lose", "unknown", "restart, lost session or silence before a confirmation"),
  row("sent", "accept", "accepted", "the meter answers before the transport"),
  row("sent", "execute", "executed", "the meter answers executed or reports closed"),
  row("sent", "fail", "failed", "the meter refuses, fails, or reports a valve fault"),
  row("sent", "expire", "expired", "not handed over, and its time is over"),

  row("delivered", "accept", "accepted", "the meter takes the order"),
  row("delivered", "execute", "executed", "the meter answers executed or reports closed"),
  row("delivered", "fail", "failed", "refused, failed, valve fault, attempts spent, or no answer"),
  row("delivered", "send", "sent", "second attempt: it has reported since, and not closed"),

  row("accepted", "execute", "executed", "the meter answers executed or reports closed"),
  row("accepted", "fail", "failed", "refused, failed, valve fault, attempts spent, or never done"),
  row("accepted", "send", "sent", "second attempt: it has reported since that it is open"),

  row("unknown", "deliver", "delivered", "the transport confirms late"),
  row("unknown", "giveBack", "queued", "the transport says late that it was not handed over"),
  row("unknown", "requeue", "queued", "a later report says that the valve is not closed"),
  row("unknown", "accept", "accepted", "the meter takes the order"),
  row("unknown", "execute", "executed", "the meter answers executed or reports closed"),
  row("unknown", "fail", "failed", "refused, failed, valve fault, attempts spent, or no answer"),
  row("unknown", "expire", "expired", "it is not closed, and the command's time is over"),

  row(
    "executed",
    "verify",
    "verified",
    "two later readings without consumption; opened at the meter; the clock is right; history came; it reports as ordered",
  ),
  row("executed", "pass", "passing", "gas passes the valve that is said to be shut"),
  row("executed", "fail", "failed", "reported open or faulty, or no proof in time"),
  row("executed", "expire", "expired", "the permission was not used in its time"),

  ...(["sent", "delivered", "accepted", "unknown", "executed"] as const).map((from) =>
    row(from, "supersede", "superseded", "a close takes the place of any other order"),
  ),
  ...(
    ["requested", "held", "queued", "sent", "delivered", "accepted", "unknown", "executed"] as const
  ).map((from) =>
    row(
      from,
      "void",
      "cancelled",
      "the meter left service, or gas escapes where opening was allowed",
    ),
  ),
];

/** Where an order wants the valve. None wants it open: a permission wants nothing, it allows. */
export const intendedPosition: Readonly<Record<CommandAction, "closed" | null>> = {
  close: "closed",
  permit_opening: null,
  set_clock: null,
  read_history: null,
  change_parameters: null,
};

const nextStates = new Map(commandTable.map(({ from, event, to }) => [key(from, event), to]));
const openStates = new Set(commandTable.map(({ from }) => from));

/** The state after the event; undefined when the table does not know the step. */
export function nextCommandState(
  from: CommandState,
  event: CommandEvent,
): CommandState | undefined {
  return nextStates.get(key(from, event));
}

/** Nothing can happen to the command any more. */
export function isEnded(state: CommandState): boolean {
  return !openStates.has(state);
}

function row(from: CommandState, event: CommandEvent, to: CommandState, when: string): CommandRow {
  return { from, event, to, when };
}

function key(from: CommandState, event: CommandEvent): string {
  return `${from} ${event}`;
}

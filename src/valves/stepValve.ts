/**
 * What becomes of a meter's valve command with each input. A second attempt needs evidence, not hope: from
 * `delivered`, `accepted` and `unknown` the meter must have reported since the first that its valve is not
 * closed. A contact alone is never enough, because a meter connects before it reports.
 */
import type { Command, CommandState } from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import { invariant, unreachable } from "#domain/invariant.ts";
import type { CommandReply, ValvePosition } from "#domain/telegram.ts";
import type { TimestampMs, VolumeMl } from "#domain/units.ts";
import { advance, freshlyOpen, unchanged } from "./advance.ts";
import type { ValveStep } from "./advance.ts";
import { judgeApproval, type ApprovalAsk } from "./approval.ts";
import { onReply } from "./onReply.ts";
import { onHistory, watchOpening } from "./otherOrders.ts";
import { onReading } from "./onReading.ts";
import { commandLimits } from "./limits.ts";
import { canCancel, canSupersede, isAutomatic } from "./valveState.ts";
import type { OpenCommand, ValveState } from "./valveState.ts";

/** What the valve logic knows of the meter. */
export interface ValveSettings {
  readonly quantumMl: number;
  readonly qmaxMlPerHour: number;
}

/** Everything that can concern a meter's valve. */
export type ValveInput =
  /** Judged by `judgeClose`: authorised or held becomes outstanding, refused changes nothing here. */
  | { readonly kind: "order"; readonly command: Command; readonly by: string }
  /** A person says yes to a command that waits for persons. */
  | {
      readonly kind: "approve";
      readonly commandId: CommandId;
      readonly ask: ApprovalAsk;
      readonly nowMs: TimestampMs;
    }
  /** The meter listens now. */
  | {
      readonly kind: "contact";
      /** The stop switch: nothing leaves that no person has said yes to. */
      readonly isStopped?: boolean;
      readonly nowMs: TimestampMs;
    }
  | { readonly kind: "delivered"; readonly commandId: CommandId; readonly nowMs: TimestampMs }
  /** It never left. */
  | { readonly kind: "undelivered"; readonly commandId: CommandId; readonly nowMs: TimestampMs }
  /** It left, and the session ended or fell silent before it was confirmed: the meter may have it. */
  | { readonly kind: "unconfirmed"; readonly commandId: CommandId; readonly nowMs: TimestampMs }
  | {
      readonly kind: "reply";
      readonly reply: CommandReply;
      /** It came in the protocol that the order left in. */
      readonly isSameDialect?: boolean;
      readonly nowMs: TimestampMs;
    }
  /** Only trusted and newest readings; null means that it does not say. */
  | {
      readonly kind: "reading";
      readonly measuredAtMs: TimestampMs;
      readonly indexMl: VolumeMl | null;
      readonly valve: ValvePosition | null;
      readonly isUndated?: boolean;
      /** How far the meter's clock lies ahead of the receipt; null: it does not say. */
      readonly clockErrorMs?: number | null;
      readonly flowMlPerHour?: number | null;
      readonly nowMs: TimestampMs;
    }
  /** Values from the meter's memory came. */
  | { readonly kind: "history"; readonly nowMs: TimestampMs }
  /** The meter left service, or gas escapes where opening was allowed: what waits is void. */
  | {
      readonly kind: "void";
      readonly by: string;
      readonly detail: string;
      readonly nowMs: TimestampMs;
    }
  /** Expiry and time-outs. */
  | { readonly kind: "clock"; readonly nowMs: TimestampMs }
  | {
      readonly kind: "cancel";
      readonly commandId: CommandId;
      readonly by: string;
      readonly nowMs: TimestampMs;
    }
  /** The process came up: whether a command that was being sent arrived is not known. */
  | { readonly kind: "restart"; readonly nowMs: TimestampMs };

interface TimeOut {
  readonly event: "expire" | "lose" | "fail";
  readonly detail: string;
  /** Our clock, since the last step forward. */
  readonly afterMs: number;
  /** What the command's own expiry adds: it must be over as well, it ends the state too, or nothing. */
  readonly expiry: "too" | "either" | "ignored";
}

const { deliveryWithinMs, answerWithinMs, verifyWithinMs, approvalWithinMs } = commandLimits;
const { wakeMs, sendsPerWakeMax, transitMs } = commandLimits;
const expiry: TimeOut = { event: "expire", detail: "not-sent", afterMs: 0, expiry: "too" };
const noAnswer: TimeOut = {
  event: "fail",
  detail: "no-answer",
  afterMs: answerWithinMs,
  expiry: "too",
};
/** How long a command may stay in a state. */
const timeOuts: Partial<Record<CommandState, TimeOut>> = {
  requested: {
    event: "expire",
    detail: "not-approved",
    afterMs: approvalWithinMs,
    expiry: "either",
  },
  held: { ...expiry, detail: "never-released" },
  queued: expiry,
  sent: { event: "lose", detail: "no-word", afterMs: deliveryWithinMs, expiry: "ignored" },
  delivered: noAnswer,
  accepted: { ...noAnswer, detail: "not-executed" },
  unknown: noAnswer,
  executed: { event: "fail", detail: "not-verified", afterMs: verifyWithinMs, expiry: "ignored" },
};

/** The next state of a meter's valve, what to record and what to send. */
export function stepValve(
  settings: ValveSettings,
  state: ValveState,
  input: ValveInput,
): ValveStep {
  if (input.kind === "order") return onOrder(state, input.command, input.by);
  if (input.kind === "reading") {
    const watched = watchOpening(settings, state, input);
    const step = onReading(settings.quantumMl, watched.state, input);
    return { ...step, isUncontrolled: watched.isUncontrolled };
  }
  const open = state.outstanding;
  if (input.kind === "reply") {
    return onReply(state, input.reply, input.isSameDialect ?? true, input.nowMs);
  }
  if (open === null) return unchanged(state);
  const byEngine = { atMs: input.nowMs, by: "engine" };
  const isSent = open.command.state === "sent";
  switch (input.kind) {
    case "approve":
      return open.command.id === input.commandId
        ? onApprove(state, open, input.ask)
        : unchanged(state);
    case "contact":
      return input.isStopped === true && isAutomatic(open.command)
        ? onClock(state, open, input.nowMs)
        : onContact(state, open, input.nowMs);
    case "delivered":
      return isInFlight(open, input.commandId)
        ? advance(state, open, ["deliver"], byEngine)
        : unchanged(state);
    case "undelivered":
      return isInFlight(open, input.commandId)
        ? onUndelivered(state, open, input.nowMs)
        : unchanged(state);
    case "unconfirmed":
      return isSent && isInFlight(open, input.commandId)
        ? advance(state, open, ["lose"], { ...byEngine, detail: "unconfirmed" })
        : unchanged(state);
    case "history":
      return onHistory(state, open, input.nowMs);
    case "void":
      return advance(state, open, ["void"], {
        atMs: input.nowMs,
        by: input.by,
        detail: input.detail,
      });
    case "clock":
      return onClock(state, open, input.nowMs);
    case "cancel":
      return canCancel(state, input.commandId)
        ? advance(state, open, ["cancel"], { atMs: input.nowMs, by: input.by })
        : unchanged(state);
    case "restart":
      return isSent
        ? advance(state, open, ["lose"], { ...byEngine, detail: "restart" })
        : unchanged(state);
    default:
      return unreachable(input);
  }
}

function onOrder(state: ValveState, command: Command, by: string): ValveStep {
  if (command.state === "refused") return unchanged(state);
  invariant(
    ["requested", "authorised", "held"].includes(command.state),
    "an order has been judged before it reaches the valve",
  );
  const open = freshlyOpen(command, command.requestedAtMs);
  const move = { atMs: command.requestedAtMs, by };
  if (state.outstanding !== null && !canSupersede(state, command.action)) {
    // The judge refuses this; should a caller skip it, the meter still has one command at most.
    const step = advance(state, open, ["cancel"], { ...move, detail: "one-outstanding" });
    return { ...step, state };
  }
  const nextSequence = (command.sequence + 1) % commandLimits.sequences;
  const taken = { ...state, outstanding: open, nextSequence };
  const mayGo = command.state === "authorised";
  return mayGo ? advance(taken, open, ["queue"], move) : unchanged(taken);
}

/** The same judgement that the desk gave its answer by: no way around it leads into the queue. */
function onApprove(state: ValveState, open: OpenCommand, ask: ApprovalAsk): ValveStep {
  const judged = judgeApproval(open.command, ask);
  if (!judged.ok) return unchanged(state);
  const { approvals, isEnough } = judged.value;
  const move = { atMs: ask.atMs, by: ask.by };
  if (isEnough) {
    const event = open.command.state === "held" ? "release" : "authorise";
    return advance(state, open, [event, "queue"], move, { approvals });
  }
  const detail = open.command.detail ?? "approved";
  return advance(state, open, ["approve"], { ...move, detail }, { approvals });
}

/** The expiry is looked at again here, with the way to the meter: a clock input may be late, a command never. */
function onContact(state: ValveState, open: OpenCommand, nowMs: TimestampMs): ValveStep {
  const { command } = open;
  const hasAnotherAttempt = command.attempts < commandLimits.attemptsMax;
  const isWanted = isDue(open) && isInPlace(state, command);
  const isTooLate = nowMs + transitMs >= command.expiresAtMs;
  if (!isWanted || isTooLate || !hasAnotherAttempt) return onClock(state, open, nowMs);
  const sendsMs = state.sendsMs.filter((atMs) => Math.abs(nowMs - atMs) < wakeMs);
  // The other place is kept: should gas escape now, the close must still leave in this window.
  const placesMax = command.action === "close" ? sendsPerWakeMax : sendsPerWakeMax - 1;
  if (sendsMs.length >= placesMax) return onClock(state, open, nowMs);
  const attempt = { attempts: command.attempts + 1, sentAtMs: nowMs };
  const noted = { ...state, sendsMs: [...sendsMs, nowMs] };
  const step = advance(noted, open, ["send"], { atMs: nowMs, by: "engine" }, attempt);
  return { ...step, send: step.state.outstanding?.command ?? null };
}

/** A shut valve needs no close, and only a shut one may be opened. */
function isInPlace(state: ValveState, { action, cause }: Command): boolean {
  const { position, isPositionUndated } = state;
  if (action === "close") {
    return position !== "closed" || (isPositionUndated && cause.kind === "alarm");
  }
  return action !== "permit_opening" || position === "closed";
}

function isDue({ command, lastEvidenceAtMs }: OpenCommand): boolean {
  const mayRepeat = command.state === "delivered" || command.state === "accepted";
  return command.state === "queued" || (mayRepeat && lastEvidenceAtMs !== null);
}

/** The attempt does not count; the id and the sequence stay, should the meter have it after all. */
function onUndelivered(state: ValveState, open: OpenCommand, nowMs: TimestampMs): ValveStep {
  const move = { atMs: nowMs, by: "engine", detail: "undelivered" };
  const attempts = { attempts: open.command.attempts - 1 };
  const unsent = { ...state, sendsMs: state.sendsMs.slice(0, -1) };
  return isExpired(open, nowMs)
    ? advance(unsent, open, ["expire"], move, attempts)
    : advance(unsent, open, ["giveBack"], move, attempts);
}

/** A permission that was given out and is not used ends with its time, not with a day's silence. */
const unused: TimeOut = { event: "expire", detail: "not-opened", afterMs: 0, expiry: "too" };

function timeOutOf({ action, state }: Command): TimeOut | undefined {
  return action === "permit_opening" && state === "executed" ? unused : timeOuts[state];
}

function onClock(state: ValveState, open: OpenCommand, nowMs: TimestampMs): ValveStep {
  const timeOut = timeOutOf(open.command);
  if (timeOut === undefined) return unchanged(state);
  const isOver = nowMs - open.progressAtMs >= timeOut.afterMs;
  const isDead = isExpired(open, nowMs);
  const ends = {
    too: isOver && isDead,
    either: isOver || isDead,
    ignored: isOver,
  }[timeOut.expiry];
  if (!ends) return unchanged(state);
  const move = { atMs: nowMs, by: "engine", detail: timeOut.detail };
  return advance(state, open, [timeOut.event], move);
}

function isExpired({ command }: OpenCommand, nowMs: TimestampMs): boolean {
  return nowMs >= command.expiresAtMs;
}

function isInFlight({ command }: OpenCommand, id: CommandId): boolean {
  return command.id === id && (command.state === "sent" || command.state === "unknown");
}

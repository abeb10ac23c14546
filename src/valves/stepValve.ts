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
import { onReply } from "./onReply.ts";
import { onReading } from "./onReading.ts";
import { commandLimits } from "./limits.ts";
import { canCancel, canSupersede } from "./valveState.ts";
import type { OpenCommand, ValveState } from "./valveState.ts";

/** What the valve logic knows of the meter. */
export interface ValveSettings {
  readonly quantumMl: number;
}

/** Everything that can concern a meter's valve. */
export type ValveInput =
  /** Judged by `judgeClose`: authorised or held becomes outstanding, refused changes nothing here. */
  | { readonly kind: "order"; readonly command: Command; readonly by: string }
  /** Persons let a held command go. */
  | { readonly kind: "release"; readonly by: string; readonly nowMs: TimestampMs }
  /** The meter listens now. */
  | { readonly kind: "contact"; readonly nowMs: TimestampMs }
  | { readonly kind: "delivered"; readonly commandId: CommandId; readonly nowMs: TimestampMs }
  /** It never left. */
  | { readonly kind: "undelivered"; readonly commandId: CommandId; readonly nowMs: TimestampMs }
  /** It left, and the session ended or fell silent before it was confirmed: the meter may have it. */
  | { readonly kind: "unconfirmed"; readonly commandId: CommandId; readonly nowMs: TimestampMs }
  | { readonly kind: "reply"; readonly reply: CommandReply; readonly nowMs: TimestampMs }
  /** Only trusted and newest readings; null means that it does not say. */
  | {
      readonly kind: "reading";
      readonly measuredAtMs: TimestampMs;
      readonly indexMl: VolumeMl | null;
      readonly valve: ValvePosition | null;
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
  /** Only once the command can no longer be sent. */
  readonly whenExpired: boolean;
}

const { deliveryWithinMs, answerWithinMs, verifyWithinMs } = commandLimits;
const expiry: TimeOut = { event: "expire", detail: "not-sent", afterMs: 0, whenExpired: true };
const noAnswer: TimeOut = {
  event: "fail",
  detail: "no-answer",
  afterMs: answerWithinMs,
  whenExpired: true,
};
/** How long a command may stay in a state. */
const timeOuts: Partial<Record<CommandState, TimeOut>> = {
  held: { ...expiry, detail: "never-released" },
  queued: expiry,
  sent: { event: "lose", detail: "no-word", afterMs: deliveryWithinMs, whenExpired: false },
  delivered: noAnswer,
  accepted: { ...noAnswer, detail: "not-executed" },
  unknown: noAnswer,
  executed: { event: "fail", detail: "not-verified", afterMs: verifyWithinMs, whenExpired: false },
};

/** The next state of a meter's valve, what to record and what to send. */
export function stepValve(
  settings: ValveSettings,
  state: ValveState,
  input: ValveInput,
): ValveStep {
  if (input.kind === "order") return onOrder(state, input.command, input.by);
  if (input.kind === "reading") return onReading(settings.quantumMl, state, input);
  const open = state.outstanding;
  if (input.kind === "reply") return onReply(state, input.reply, input.nowMs);
  if (open === null) return unchanged(state);
  const byEngine = { atMs: input.nowMs, by: "engine" };
  const isSent = open.command.state === "sent";
  switch (input.kind) {
    case "release":
      return onRelease(state, open, input.by, input.nowMs);
    case "contact":
      return onContact(state, open, input.nowMs);
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
    command.state === "authorised" || command.state === "held",
    "an order has been judged before it reaches the valve",
  );
  const open = freshlyOpen(command, command.requestedAtMs);
  const move = { atMs: command.requestedAtMs, by };
  if (state.outstanding !== null && !canSupersede(state)) {
    // The judge refuses this; should a caller skip it, the meter still has one command at most.
    const step = advance(state, open, ["cancel"], { ...move, detail: "one-outstanding" });
    return { ...step, state };
  }
  const nextSequence = (command.sequence + 1) % commandLimits.sequences;
  const taken = { ...state, outstanding: open, nextSequence };
  return command.state === "held" ? unchanged(taken) : advance(taken, open, ["queue"], move);
}

function onRelease(
  state: ValveState,
  open: OpenCommand,
  by: string,
  nowMs: TimestampMs,
): ValveStep {
  if (open.command.state !== "held") return unchanged(state);
  if (isExpired(open, nowMs)) return onClock(state, open, nowMs);
  return advance(state, open, ["release", "queue"], { atMs: nowMs, by });
}

/** The expiry is looked at again here: a clock input may be late, a command never. */
function onContact(state: ValveState, open: OpenCommand, nowMs: TimestampMs): ValveStep {
  const { command } = open;
  const hasAnotherAttempt = command.attempts < commandLimits.attemptsMax;
  const isClosed = state.position === "closed";
  if (!isDue(open) || isExpired(open, nowMs) || isClosed || !hasAnotherAttempt) {
    return onClock(state, open, nowMs);
  }
  const attempt = { attempts: command.attempts + 1, sentAtMs: nowMs };
  const step = advance(state, open, ["send"], { atMs: nowMs, by: "engine" }, attempt);
  return { ...step, send: step.state.outstanding?.command ?? null };
}

function isDue({ command, lastEvidenceAtMs }: OpenCommand): boolean {
  const mayRepeat = command.state === "delivered" || command.state === "accepted";
  return command.state === "queued" || (mayRepeat && lastEvidenceAtMs !== null);
}

/** The attempt does not count; the id and the sequence stay, should the meter have it after all. */
function onUndelivered(state: ValveState, open: OpenCommand, nowMs: TimestampMs): ValveStep {
  const move = { atMs: nowMs, by: "engine", detail: "undelivered" };
  const attempts = { attempts: open.command.attempts - 1 };
  return isExpired(open, nowMs)
    ? advance(state, open, ["expire"], move, attempts)
    : advance(state, open, ["giveBack"], move, attempts);
}

function onClock(state: ValveState, open: OpenCommand, nowMs: TimestampMs): ValveStep {
  const timeOut = timeOuts[open.command.state];
  if (timeOut === undefined) return unchanged(state);
  const isOver = nowMs - open.progressAtMs >= timeOut.afterMs;
  if (!isOver || (timeOut.whenExpired && !isExpired(open, nowMs))) return unchanged(state);
  const move = { atMs: nowMs, by: "engine", detail: timeOut.detail };
  return advance(state, open, [timeOut.event], move);
}

function isExpired({ command }: OpenCommand, nowMs: TimestampMs): boolean {
  return nowMs >= command.expiresAtMs;
}

function isInFlight({ command }: OpenCommand, id: CommandId): boolean {
  return command.id === id && (command.state === "sent" || command.state === "unknown");
}

/** What a meter's answer means. Its word on the position is not used: it is from before the motor moved. */
import type { CommandReply, ReplyResult } from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";
import { advance, unchanged } from "./advance.ts";
import type { IgnoredReply, ValveStep } from "./advance.ts";
import type { CommandEvent } from "./commandTable.ts";
import { isUnsent } from "./valveState.ts";
import type { OpenCommand, ValveState } from "./valveState.ts";

const eventOfResult: Readonly<Record<ReplyResult, CommandEvent>> = {
  accepted: "accept",
  executed: "execute",
  refused: "fail",
  failed: "fail",
};

/** Moves the outstanding command when the answer belongs to it. */
export function onReply(state: ValveState, reply: CommandReply, nowMs: TimestampMs): ValveStep {
  const open = state.outstanding;
  const ignoredReply = whyIgnored(open, reply);
  if (open === null || ignoredReply !== null) return { ...unchanged(state), ignoredReply };
  const event = eventOfResult[reply.result];
  const move = { atMs: nowMs, by: "meter" };
  return event === "fail"
    ? advance(state, open, [event], { ...move, detail: reply.reason ?? `meter-${reply.result}` })
    : advance(state, open, [event], move);
}

function whyIgnored(open: OpenCommand | null, reply: CommandReply): IgnoredReply | null {
  if (reply.commandId === null && reply.sequence === null) return "unknown-command";
  if (open === null) return "after-end";
  const { command } = open;
  if (reply.commandId !== null) {
    if (reply.commandId !== command.id) return "unknown-command";
  } else if (reply.sequence !== command.sequence) {
    return "stale-sequence";
  }
  if (isUnsent(command)) return "before-sending";
  // Once the valve is said to be shut, only readings decide, whatever the meter still answers.
  if (command.state === "executed") return "repeated";
  return command.state === "accepted" && reply.result === "accepted" ? "repeated" : null;
}

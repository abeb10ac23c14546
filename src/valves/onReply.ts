/** What a meter's answer means. Its word on the position is not used: it is from before the motor moved. */
import type { Command, CommandAction } from "#domain/command.ts";
import type { CommandReply, ReplyResult } from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";
import { advance, unchanged } from "./advance.ts";
import type { IgnoredReply, ValveStep } from "./advance.ts";
import type { CommandEvent } from "./commandTable.ts";
import { isUnsent } from "./valveState.ts";
import type { ValveState } from "./valveState.ts";

const eventOfResult: Readonly<Record<ReplyResult, CommandEvent>> = {
  accepted: "accept",
  executed: "execute",
  refused: "fail",
  failed: "fail",
};

/** Moves the outstanding command when the answer belongs to it. */
export function onReply(
  state: ValveState,
  reply: CommandReply,
  isSameDialect: boolean,
  nowMs: TimestampMs,
): ValveStep {
  const { outstanding } = state;
  const ignoredReply = isSameDialect ? whyIgnored(state, reply) : "other-dialect";
  if (outstanding === null || ignoredReply !== null) return { ...unchanged(state), ignoredReply };
  const event = eventOfResult[reply.result];
  const open = { ...outstanding, lastResult: reply.result };
  const move = { atMs: nowMs, by: "meter" };
  return event === "fail"
    ? advance(state, open, [event], { ...move, detail: reply.reason ?? `meter-${reply.result}` })
    : advance(state, open, [event], move);
}

/** An answer names its order by id, or by sequence where the protocol has no more. */
function isTo(
  reply: CommandReply,
  { id, sequence, action }: Pick<Command, "id" | "sequence"> & { readonly action?: CommandAction },
): boolean {
  if (reply.action !== undefined && action !== undefined && reply.action !== action) return false;
  return reply.commandId === null ? reply.sequence === sequence : reply.commandId === id;
}

function whyIgnored(
  { outstanding: open, ended }: ValveState,
  reply: CommandReply,
): IgnoredReply | null {
  if (reply.commandId === null && reply.sequence === null) return "unknown-command";
  if (open === null || !isTo(reply, open.command)) {
    const late = ended.findLast((order) => isTo(reply, order));
    if (late !== undefined) return late.lastResult === reply.result ? "repeated" : "after-end";
    return reply.commandId === null ? "stale-sequence" : "unknown-command";
  }
  if (isUnsent(open.command)) return "before-sending";
  // Once the valve is said to be shut, only readings decide, whatever the meter still answers.
  if (open.command.state === "executed") return "repeated";
  return open.command.state === "accepted" && reply.result === "accepted" ? "repeated" : null;
}

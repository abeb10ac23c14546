/** Four eyes: who may say yes to a command that waits for persons, and when there are enough of them. */
import type { Approval, Command, CommandAction } from "#domain/command.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { Role } from "#domain/role.ts";
import type { TimestampMs } from "#domain/units.ts";
import { commandLimits } from "./limits.ts";

/** When one person's close waits for a second one. What the breaker holds always waits for two. */
export const secondPersonPolicies = ["never", "critical", "always"] as const;
export type SecondPersonPolicy = (typeof secondPersonPolicies)[number];

/** Roles whose yes counts, by action; the API's table lets nobody else in, and this is asked again here. */
export const approverRoles: Readonly<Record<CommandAction, readonly Role[]>> = {
  close: ["operator", "dispatcher"],
  permit_opening: ["dispatcher"],
  set_clock: [],
  read_history: [],
  change_parameters: [],
};

export type ApprovalRefusal =
  | "not-waiting"
  | "too-late"
  | "same-person"
  | "no-such-role"
  /** Who asked may not ask any more: the order dies with its time. */
  | "requester-gone";

/** Somebody says yes. What the keys allow at this moment comes as facts. */
export interface ApprovalAsk extends Approval {
  readonly mayApprove: boolean;
  /** Of those who asked or said yes before: labels whose keys no longer allow it. */
  readonly gone: readonly string[];
}

export interface ApprovalJudgement {
  readonly approvals: readonly Approval[];
  readonly isEnough: boolean;
}

/** A close by a person waits for a second one where the policy says so. */
export function needsSecondPerson(policy: SecondPersonPolicy, isCritical: boolean): boolean {
  return policy === "always" || (policy === "critical" && isCritical);
}

/** What of a command, or of a campaign, a yes is judged by. */
export type Waiting = Pick<
  Command,
  "cause" | "state" | "requestedAtMs" | "expiresAtMs" | "approvals" | "approvalsNeeded"
>;

/** Whether this yes counts, and whether it is the last one that was missing. */
export function judgeApproval(
  command: Waiting,
  ask: ApprovalAsk,
): Result<ApprovalJudgement, ApprovalRefusal> {
  const { cause, state } = command;
  if (state !== "requested" && state !== "held") return fail("not-waiting");
  if (isTooLate(command, ask.atMs)) return fail("too-late");
  if (cause.kind === "person" && cause.ref === ask.by) return fail("same-person");
  if (!ask.mayApprove) return fail("no-such-role");
  if (cause.kind === "person" && ask.gone.includes(cause.ref)) return fail("requester-gone");
  const standing = command.approvals.filter(
    ({ by, atMs }) => isWithin(atMs, ask.atMs) && !ask.gone.includes(by),
  );
  if (standing.some(({ by }) => by === ask.by)) return fail("same-person");
  const { by, role, atMs } = ask;
  const approvals = [...standing, { by, role, atMs }];
  return ok({ approvals, isEnough: approvals.length >= command.approvalsNeeded });
}

function isTooLate({ state, requestedAtMs, expiresAtMs }: Waiting, nowMs: TimestampMs): boolean {
  return nowMs >= expiresAtMs || (state === "requested" && !isWithin(requestedAtMs, nowMs));
}

/** A clock that was set back must not make a yes live longer. */
function isWithin(saidAtMs: TimestampMs, nowMs: TimestampMs): boolean {
  return Math.abs(nowMs - saidAtMs) < commandLimits.approvalWithinMs;
}

/** What people ask about commands: closing, saying yes to what waits for persons, taking back. */
import type { Command } from "#domain/command.ts";
import { commandId, parseMeterId } from "#domain/ids.ts";
import type { Role } from "#domain/role.ts";
import { publicCommand } from "#domain/publicJson.ts";
import type { ApiKeyRow } from "#ports/ledger.ts";
import type { Actor, Ask, AskResult, CommandOutcome, RefusalKind } from "#ports/requests.ts";
import {
  approverRoles,
  judgeApproval,
  needsSecondPerson,
  type ApprovalAsk,
  type ApprovalRefusal,
} from "#valves/approval.ts";
import { isAutomatic } from "#valves/valveState.ts";
import { publish, recordDraft, type Book } from "./book.ts";
import type { Draft } from "./draft.ts";
import { settingNames } from "./memory.ts";
import { refuse } from "./refuse.ts";
import { draftFor, type Room } from "./room.ts";
import { moveValve, order, orderOther } from "./valveDesk.ts";

type MeterOrderAsk = Extract<
  Ask,
  { readonly kind: "valve.close" | "valve.permit" | "meter.order" | "meter.parameters" }
>;

/** A person orders something of a meter. */
export function orderForMeter(room: Room, book: Book, ask: MeterOrderAsk, by: string): AskResult {
  const meterNo = book.memory.meterNoById.get(parseMeterId(ask.meterId) ?? "");
  const meter = meterNo === undefined ? undefined : book.memory.meters.get(meterNo);
  if (meter === undefined) return refuse("not-found", `no meter ${ask.meterId}`);
  const draft = draftFor(room, book, meter);
  const command = orderOf(book, draft, ask, by);
  recordDraft(book, draft);
  return { ok: true, answer: { kind: "command", command } };
}

/** A close waits for a second person where the policy says so, a permission always. */
function orderOf(book: Book, draft: Draft, ask: MeterOrderAsk, by: string): Command {
  const { reason, expiresInMs } = ask;
  if (ask.kind === "valve.permit") {
    const { permit } = ask;
    return orderOther(draft, { action: "permit_opening", by, reason, expiresInMs, permit });
  }
  if (ask.kind === "meter.parameters") {
    const { parameters } = ask;
    const wanted = { by, reason, expiresInMs, permit: null, parameters };
    return orderOther(draft, { action: "change_parameters", ...wanted });
  }
  if (ask.kind === "meter.order") {
    return orderOther(draft, { action: ask.action, by, reason, expiresInMs, permit: null });
  }
  return order(draft, {
    cause: { kind: "person", ref: by },
    reason,
    expiresInMs,
    proof: null,
    by,
    needsSecondPerson: needsSecondPerson(book.memory.secondPerson, draft.meter.critical),
    isLastAttempt: ask.lastAttempt ?? false,
  });
}

type CommandAsk = Extract<Ask, { readonly commandId: string }>;

/** A person approves a command or takes it back. */
export function actOnCommand(room: Room, book: Book, ask: CommandAsk, actor: Actor): AskResult {
  const command = room.ledger.command(commandId(ask.commandId));
  const meter = command === undefined ? undefined : book.memory.meters.get(command.meterNo);
  if (command === undefined || meter === undefined) {
    return refuse("not-found", `no command ${ask.commandId}`);
  }
  const draft = draftFor(room, book, meter);
  return ask.kind === "command.cancel"
    ? cancel(book, draft, command, actor.label)
    : approve(room, book, draft, command, actor);
}

/**
 * Many at once, each as if it were alone: what one of them is refused for does not stop the others. Only closes are
 * let go so: a permission to open is one visit, and is looked at by itself.
 */
export function actOnCommands(
  room: Room,
  book: Book,
  { kind, commandIds, reason }: Extract<Ask, { readonly commandIds: readonly string[] }>,
  actor: Actor,
): AskResult {
  const one = kind === "commands.approve" ? "command.approve" : "command.cancel";
  const commands = [...new Set(commandIds)].map((id): CommandOutcome => {
    const known = room.ledger.command(commandId(id));
    if (kind === "commands.approve" && (known?.action ?? "close") !== "close") {
      return { id, state: known?.state ?? null, refusal: "invalid" };
    }
    const result = actOnCommand(room, book, { kind: one, commandId: id, reason }, actor);
    const state = room.ledger.command(commandId(id))?.state ?? null;
    return { id, state, refusal: result.ok ? null : result.refusal.kind };
  });
  return { ok: true, answer: { kind: "commands", commands } };
}

function cancel(book: Book, draft: Draft, command: Command, by: string): AskResult {
  const { id } = command;
  moveValve(draft, { kind: "cancel", commandId: id, by, nowMs: book.nowMs });
  const cancelled = draft.effects.commands.at(-1)?.command;
  if (cancelled === undefined || cancelled.id !== id || cancelled.state !== "cancelled") {
    return refuse("not-allowed-in-state", `the command is ${command.state}`);
  }
  recordDraft(book, draft);
  return { ok: true, answer: { kind: "command", command: cancelled } };
}

/** What a person is told. */
export const refusalOf: Readonly<Record<ApprovalRefusal, readonly [RefusalKind, string]>> = {
  "not-waiting": ["not-allowed-in-state", "the command does not wait for a person"],
  "too-late": ["approval-expired", "the time in which it could be approved is over"],
  "same-person": ["same-person", "another person than who asked or approved before must approve"],
  "no-such-role": ["forbidden", "this role may not approve it"],
  "requester-gone": ["not-allowed-in-state", "who asked for it may not ask for it any more"],
};

/**
 * Roles are looked at again at every yes, the earlier ones too: a key may have been revoked since, or given
 * to somebody in another role.
 */
function approve(
  room: Room,
  book: Book,
  draft: Draft,
  command: Command,
  { label, role }: Actor,
): AskResult {
  const keys = room.ledger.apiKeys();
  const roles = approverRoles[command.action];
  const before = [command.cause.ref, ...command.approvals.map(({ by }) => by)];
  const ask: ApprovalAsk = {
    by: label,
    role,
    atMs: book.nowMs,
    mayApprove: mayAct(role, roles, keys),
    gone: before.filter(
      (by) => !keys.some((key) => key.label === by && mayAct(key.role, roles, keys)),
    ),
  };
  // The outstanding command is the newest; the ledger's row is the same one, read in this transaction.
  const open = draft.context.valve.outstanding?.command;
  const judged = judgeApproval(open?.id === command.id ? open : command, ask);
  if (!judged.ok) {
    const [kind, detail] = refusalOf[judged.fault];
    return refuse(kind, `${detail}; it is ${command.state}`);
  }
  moveValve(draft, { kind: "approve", commandId: command.id, ask, nowMs: book.nowMs });
  recordDraft(book, draft);
  const approved = draft.context.valve.outstanding?.command ?? command;
  const json = publicCommand(approved, draft.meter.id, []);
  publish(book, "command.approved", draft.meter, { by: label, command: json });
  return { ok: true, answer: { kind: "command", command: approved } };
}

/** The first day: while administrators hold the only keys, they do everything (ADR 7). */
export function mayAct(role: Role, roles: readonly Role[], keys: readonly ApiKeyRow[]): boolean {
  if (roles.includes(role)) return true;
  return role === "admin" && keys.every((key) => key.role === "admin");
}

/** When a person's close waits for a second one. */
export function setPolicy(
  book: Book,
  ask: Extract<Ask, { readonly kind: "valves.policy" }>,
  by: string,
): AskResult {
  const { memory } = book;
  const before = memory.secondPerson;
  memory.secondPerson = ask.secondPerson;
  book.undo.push(() => {
    memory.secondPerson = before;
  });
  book.ledger.putSetting(settingNames.secondPerson, ask.secondPerson);
  const { secondPerson, reason } = ask;
  publish(book, "automation.policyChanged", null, { by, reason, before, secondPerson });
  return { ok: true, answer: { kind: "done" } };
}

/** The stop switch. What automation has ordered and what has not left yet does not leave any more. */
export function switchAutomation(
  room: Room,
  book: Book,
  ask: Extract<Ask, { readonly kind: "automation.stop" | "automation.resume" }>,
  by: string,
): AskResult {
  const { memory } = book;
  const stopped = ask.kind === "automation.stop";
  memory.automation = { ...memory.automation, stopped };
  book.ledger.putSetting(settingNames.automationStopped, stopped ? "yes" : "no");
  publish(book, stopped ? "automation.stopped" : "automation.resumed", null, {
    by,
    reason: ask.reason,
  });
  if (stopped) withdrawAutomatic(room, book, by);
  return { ok: true, answer: { kind: "done" } };
}

/** What is held stays, for it waits for two persons anyhow; what left cannot be called back, and is not repeated. */
function withdrawAutomatic(room: Room, book: Book, by: string): void {
  for (const meterNo of [...book.memory.waiting]) {
    const meter = book.memory.meters.get(meterNo);
    if (meter === undefined) continue;
    const draft = draftFor(room, book, meter);
    const command = draft.context.valve.outstanding?.command;
    if (command?.state !== "queued" || !isAutomatic(command)) continue;
    moveValve(draft, { kind: "void", by, detail: "automation-stopped", nowMs: book.nowMs });
    recordDraft(book, draft);
  }
}

/** The first lines of a command's life: who asked, and what was decided at once. */
import type {
  Command,
  CommandAction,
  CommandCause,
  CommandChange,
  CommandTransition,
  Permit,
} from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import type { MeterParameters } from "#domain/parameters.ts";
import type { TimestampMs } from "#domain/units.ts";
import { advance } from "./advance.ts";
import { nextCommandState, type CommandEvent } from "./commandTable.ts";
import { commandLimits } from "./limits.ts";
import type { ValveState } from "./valveState.ts";

/** A wish that has been judged. */
export interface Judged {
  readonly id: CommandId;
  readonly meterNo: number;
  readonly action: CommandAction;
  readonly cause: CommandCause;
  /** "engine", or the label of the person's key. */
  readonly by: string;
  readonly reason: string;
  readonly nowMs: TimestampMs;
  readonly expiresAtMs: TimestampMs;
  readonly permit: Permit | null;
  readonly parameters?: MeterParameters | null;
  /** null: it stays requested until a second person approves. */
  readonly event: Extract<CommandEvent, "authorise" | "refuse" | "hold"> | null;
  readonly detail: string | null;
  readonly armedAtMs?: TimestampMs | null;
}

/** The command as it stands after the judgement, with its history so far. */
export function newCommand(
  valve: ValveState,
  judged: Judged,
): { readonly command: Command; readonly transitions: readonly CommandTransition[] } {
  const { event, detail, by, nowMs: atMs } = judged;
  const state = event === null ? "requested" : (nextCommandState("requested", event) ?? "refused");
  const { heldApprovalsNeeded } = commandLimits;
  const command: Command = {
    id: judged.id,
    meterNo: judged.meterNo,
    action: judged.action,
    cause: judged.cause,
    reason: judged.reason,
    state,
    detail,
    sequence: valve.nextSequence,
    attempts: 0,
    approvalsNeeded: event === "hold" ? heldApprovalsNeeded : event === null ? 1 : 0,
    approvals: [],
    permit: judged.permit,
    parameters: judged.parameters ?? null,
    armedAtMs: judged.armedAtMs ?? null,
    requestedAtMs: atMs,
    expiresAtMs: judged.expiresAtMs,
    sentAtMs: null,
  };
  const asked = { state: "requested", atMs, by, detail: event === null ? detail : null } as const;
  if (event === null) return { command, transitions: [asked] };
  const decidedBy = event === "authorise" ? by : "engine";
  return { command, transitions: [asked, { state, atMs, by: decidedBy, detail }] };
}

/** The command whose place the new one takes. */
export function supersede(
  valve: ValveState,
  { id, by, nowMs }: Pick<Judged, "id" | "by" | "nowMs">,
): CommandChange | null {
  if (valve.outstanding === null) return null;
  const move = { atMs: nowMs, by, detail: `by ${id}` };
  return advance(valve, valve.outstanding, ["supersede"], move).changes[0] ?? null;
}

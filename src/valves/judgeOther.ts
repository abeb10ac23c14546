/** Who may order what is no close. Only persons: nothing here happens by itself, and nothing opens a valve. */
import type {
  Command,
  CommandAction,
  CommandChange,
  CommandTransition,
  Permit,
} from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import type { LifecycleState } from "#domain/meter.ts";
import type { MeterParameters } from "#domain/parameters.ts";
import { dayMs } from "#domain/units.ts";
import type { TimestampMs } from "#domain/units.ts";
import { newCommand, supersede } from "./newCommand.ts";
import { canSupersede, type ValveState } from "./valveState.ts";

/** A permission is for today's visit (gas-domain 5.3). */
const permitExpiresInMsMax = dayMs;
/** What was tight yesterday may not be today [P]. */
const leakCheckFreshMs = dayMs;

/** A person wants something other than a close of one meter. */
export interface OtherAsk {
  readonly action: Exclude<CommandAction, "close">;
  readonly by: string;
  readonly reason: string;
  readonly nowMs: TimestampMs;
  readonly expiresAtMs: TimestampMs;
  readonly id: CommandId;
  readonly meterNo: number;
  readonly lifecycle: LifecycleState;
  /** With `permit_opening` only. */
  readonly permit: Permit | null;
  /** With `change_parameters` only. */
  readonly parameters?: MeterParameters | null;
  readonly isBatteryWeak: boolean;
  /** The leak alarm's condition holds. */
  readonly isLeaking: boolean;
}

type OtherRefusal =
  | "not-active"
  | "leak-active"
  | "valve-fault"
  | "passing"
  | "already-open"
  | "position-unknown"
  | "battery-weak"
  | "no-leak-check"
  | "too-long"
  | "one-outstanding";

export interface OtherJudgement {
  readonly command: Command;
  readonly transitions: readonly CommandTransition[];
  readonly supersedes: CommandChange | null;
}

/** A permission always waits for a second person; the rest of the orders leaves at once. */
export function judgeOther(valve: ValveState, ask: OtherAsk): OtherJudgement {
  const refusal =
    (ask.action === "permit_opening" ? permitInterlock(valve, ask) : orderInterlock(ask)) ??
    (valve.outstanding === null || canSupersede(valve, ask.action) ? null : "one-outstanding");
  const cause = { kind: "person", ref: ask.by } as const;
  if (refusal !== null) {
    const made = newCommand(valve, { ...ask, cause, event: "refuse", detail: refusal });
    return { ...made, supersedes: null };
  }
  const isPermit = ask.action === "permit_opening";
  const decided = isPermit
    ? ({ event: null, detail: "second-person" } as const)
    : ({ event: "authorise", detail: null } as const);
  return { ...newCommand(valve, { ...ask, cause, ...decided }), supersedes: supersede(valve, ask) };
}

function orderInterlock({ lifecycle }: OtherAsk): OtherRefusal | null {
  return lifecycle === "closed" ? "not-active" : null;
}

/** Every doubt speaks against it: who wants to open goes there and looks. */
function permitInterlock(valve: ValveState, ask: OtherAsk): OtherRefusal | null {
  if (ask.lifecycle !== "active") return "not-active";
  if (ask.isLeaking) return "leak-active";
  if (valve.position === "fault") return "valve-fault";
  if (valve.trouble === "passing") return "passing";
  if (valve.position === "open") return "already-open";
  if (valve.position !== "closed") return "position-unknown";
  if (ask.isBatteryWeak) return "battery-weak";
  const { permit, nowMs } = ask;
  if (ask.expiresAtMs - nowMs > permitExpiresInMsMax) return "too-long";
  if (permit === null || permit.workOrder === "" || permit.leakCheck === "") return "no-leak-check";
  const ageMs = nowMs - permit.leakCheckAtMs;
  return ageMs < 0 || ageMs > leakCheckFreshMs ? "no-leak-check" : null;
}

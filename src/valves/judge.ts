/** Who may close a valve, and when automation must leave it to a person. Nobody can ask for more than closing. */
import type { Command, CommandCause, CommandChange, CommandTransition } from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import type { LifecycleState } from "#domain/meter.ts";
import { hourMs, minuteMs } from "#domain/units.ts";
import type { TimestampMs } from "#domain/units.ts";
import { advance } from "./advance.ts";
import type { CommandEvent } from "./commandTable.ts";
import { nextCommandState } from "./commandTable.ts";
import { canSupersede } from "./valveState.ts";
import type { ValveState } from "./valveState.ts";

/** How long an operator's close may still be sent; never infinite (gas-domain 5.3). */
export const operatorCloseExpiresInMs = 15 * minuteMs;
/** How long a close for a leak may still be sent: one full day of a meter that wakes daily. */
export const leakCloseExpiresInMs = 24 * hourMs;

/**
 * When automation may close, and how often: one bad rule, decoder or clock must not shut a city
 * (faults-and-security 5, architecture 5.7).
 */
export const automationLimits = Object.freeze({
  /** Meter's time, receipt and now lie no further apart than this, or the data is not fresh. */
  freshWithinMs: 10 * minuteMs,
  shortWindowMs: 10 * minuteMs,
  shortWindowClosesMax: 5,
  dayWindowMs: 24 * hourMs,
  dayWindowClosesMax: 20,
  /** Of one meter in the long window: a bit that chatters must not spend the breaker of all (gas-domain 5.3). */
  meterClosesMax: 2,
  /** One close a day for so many meters (0.1 %) … */
  metersPerClose: 1_000,
  /** … but so many in the smallest fleet. */
  fleetClosesMin: 3,
});

/** What automatic closing knows of itself; survives restarts because the ledger can tell all of it. */
export interface AutomationState {
  /** The stop switch: no automatic commands. */
  readonly stopped: boolean;
  /** Automatic closes authorised in the last 24 h, our clock. */
  readonly recentClosesMs: readonly number[];
  readonly fleetSize: number;
}

/** A wish to close one meter's valve, with everything that speaks for or against it. */
export interface CloseAsk {
  readonly cause: CommandCause;
  readonly reason: string;
  readonly nowMs: TimestampMs;
  readonly expiresAtMs: TimestampMs;
  readonly id: CommandId;
  readonly meterNo: number;
  readonly critical: boolean;
  readonly lifecycle: LifecycleState;
  /** Meter's time of the reading that proves the hazard; null for persons. */
  readonly measuredAtMs: TimestampMs | null;
  readonly receivedAtMs: TimestampMs | null;
  readonly late: boolean;
  /** The frame may be noise that a weak checksum let through. */
  readonly doubted: boolean;
  /** What the bit means is the maker's, and nobody has confirmed it for this model. */
  readonly unconfirmed?: boolean;
  /** Automatic closes of this meter in the last day. */
  readonly meterCloses?: number;
}

/** Interlocks: why a close is refused; stable words (`detail` of the command). */
type CloseRefusal =
  | "stale-data"
  | "doubted-data"
  | "unconfirmed-profile"
  | "critical-customer"
  | "automation-stopped"
  | "already-closed"
  | "meter-limit"
  | "not-active"
  | "one-outstanding";

/** What became of the wish. */
export interface CloseJudgement {
  /** authorised, held, or refused with its detail. Record it with `transitions`, then order it. */
  readonly command: Command;
  /** From requested on; everything that happened to the command so far. */
  readonly transitions: readonly CommandTransition[];
  readonly automation: AutomationState;
  /** The waiting command whose place it takes, to be recorded as well. */
  readonly supersedes: CommandChange | null;
  /** The breaker held it: a person at top priority. */
  readonly held: boolean;
}

/** Decides about a close; the command then goes to `stepValve` as an order. */
export function judgeClose(
  automation: AutomationState,
  valve: ValveState,
  ask: CloseAsk,
): CloseJudgement {
  const isAutomatic = ask.cause.kind === "alarm";
  const isHeld = isAutomatic && breakerAllowance(automation, ask.nowMs) === 0;
  const refusal =
    (isAutomatic ? automaticInterlock(automation, valve, ask) : personInterlock(valve, ask)) ??
    (mayTakeItsPlace(valve, ask, isHeld) ? null : "one-outstanding");
  if (refusal !== null) return judged(automation, valve, ask, "refuse", refusal);
  const supersedes = supersede(valve, ask);
  if (isHeld) return { ...judged(automation, valve, ask, "hold", "breaker"), supersedes };
  const after = isAutomatic ? withClose(automation, ask.nowMs) : automation;
  return { ...judged(after, valve, ask, "authorise", null), supersedes };
}

function automaticInterlock(
  automation: AutomationState,
  valve: ValveState,
  ask: CloseAsk,
): CloseRefusal | null {
  if (!isFresh(ask)) return "stale-data";
  if (ask.unconfirmed === true) return "unconfirmed-profile";
  if (ask.doubted) return "doubted-data";
  if (ask.critical) return "critical-customer";
  if (automation.stopped) return "automation-stopped";
  if (valve.position === "closed") return "already-closed";
  if ((ask.meterCloses ?? 0) >= automationLimits.meterClosesMax) return "meter-limit";
  return ask.lifecycle === "active" ? null : "not-active";
}

/** Persons are not subject to breaker, stop switch or customer list: they answer for what they do. */
function personInterlock(valve: ValveState, ask: CloseAsk): CloseRefusal | null {
  if (valve.position === "closed") return "already-closed";
  return ask.lifecycle === "closed" ? "not-active" : null;
}

/** The one place where the meter's clock meets ours: to refuse, never to measure a duration of a rule. */
function isFresh({ measuredAtMs, receivedAtMs, nowMs, late }: CloseAsk): boolean {
  if (late || measuredAtMs === null || receivedAtMs === null) return false;
  const instants = [measuredAtMs, receivedAtMs, nowMs];
  return Math.max(...instants) - Math.min(...instants) <= automationLimits.freshWithinMs;
}

/**
 * A newer order may replace only what never left, and only when the meter is closed no later for it: nothing
 * held replaces a waiting order, a longer-lived order stays, and automation does not repeat itself (one
 * chattering meter would spend the breaker of all).
 */
function mayTakeItsPlace(valve: ValveState, ask: CloseAsk, isHeld: boolean): boolean {
  if (valve.outstanding === null) return true;
  if (!canSupersede(valve) || isHeld) return false;
  const waiting = valve.outstanding.command;
  if (waiting.state === "held") return true;
  const isRepeated = waiting.cause.kind === "alarm" && ask.cause.kind === "alarm";
  return !isRepeated && ask.expiresAtMs >= waiting.expiresAtMs;
}

function supersede(valve: ValveState, ask: CloseAsk): CommandChange | null {
  if (valve.outstanding === null) return null;
  const move = { atMs: ask.nowMs, by: orderedBy(ask), detail: `by ${ask.id}` };
  return advance(valve, valve.outstanding, ["supersede"], move).changes[0] ?? null;
}

function judged(
  automation: AutomationState,
  valve: ValveState,
  ask: CloseAsk,
  event: Extract<CommandEvent, "authorise" | "refuse" | "hold">,
  detail: string | null,
): CloseJudgement {
  const state = nextCommandState("requested", event) ?? "refused";
  const command: Command = {
    id: ask.id,
    meterNo: ask.meterNo,
    action: "close",
    cause: ask.cause,
    reason: ask.reason,
    state,
    detail,
    sequence: valve.nextSequence,
    attempts: 0,
    requestedAtMs: ask.nowMs,
    expiresAtMs: ask.expiresAtMs,
    sentAtMs: null,
  };
  const by = event === "authorise" ? orderedBy(ask) : "engine";
  const transitions = [
    { state: "requested", atMs: ask.nowMs, by: orderedBy(ask), detail: null },
    { state, atMs: ask.nowMs, by, detail },
  ] as const;
  return { command, transitions, automation, supersedes: null, held: event === "hold" };
}

function orderedBy({ cause }: CloseAsk): string {
  return cause.kind === "person" ? cause.ref : "engine";
}

/** How many automatic closes the breaker would let through now. */
export function breakerAllowance(automation: AutomationState, nowMs: TimestampMs): number {
  const { recentClosesMs, fleetSize } = automation;
  const limits = automationLimits;
  const ofFleet = Math.max(limits.fleetClosesMin, Math.floor(fleetSize / limits.metersPerClose));
  const dayMax = Math.min(limits.dayWindowClosesMax, ofFleet);
  const inShort = closesSince(recentClosesMs, nowMs - limits.shortWindowMs);
  const inDay = closesSince(recentClosesMs, nowMs - limits.dayWindowMs);
  return Math.max(0, Math.min(limits.shortWindowClosesMax - inShort, dayMax - inDay));
}

/** The automation after one more authorised close; what no window can see any more is dropped. */
function withClose(automation: AutomationState, nowMs: TimestampMs): AutomationState {
  const sinceMs = nowMs - automationLimits.dayWindowMs;
  const kept = automation.recentClosesMs.filter((atMs) => atMs > sinceMs);
  return { ...automation, recentClosesMs: [...kept, nowMs] };
}

/** A close that seems to lie in the future (our clock was set back) counts: it did happen. */
function closesSince(closesMs: readonly number[], sinceMs: number): number {
  return closesMs.filter((atMs) => atMs > sinceMs).length;
}

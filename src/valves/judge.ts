/** Who may close a valve, and when automation must leave it to a person. Nobody can ask for more than closing. */
import type { CloseWord } from "#domain/closePolicy.ts";
import type { Command, CommandCause, CommandChange, CommandTransition } from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import type { LifecycleState } from "#domain/meter.ts";
import { hourMs, minuteMs } from "#domain/units.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { CommandEvent } from "./commandTable.ts";
import { newCommand, supersede } from "./newCommand.ts";
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
  /** … but so many in the smallest fleet. The same shares hold for an area by itself. */
  fleetClosesMin: 3,
  /** Of the fleet's closes, in both windows, so many are kept for areas in which none was let go (ADR 16). */
  keptForOtherAreas: 1,
});

/** What automatic closing knows of itself; survives restarts because the ledger can tell all of it. */
export interface AutomationState {
  /** The stop switch: no automatic commands. */
  readonly stopped: boolean;
  /** Automatic closes authorised in the last 24 h, our clock. */
  readonly recentClosesMs: readonly number[];
  readonly fleetSize: number;
  /** The same closes with the areas they were in. */
  readonly recentAreaCloses?: readonly AreaClose[];
}

export interface AreaClose {
  readonly area: string;
  readonly atMs: number;
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
  /** The policy wants a second person before a person's order leaves. */
  readonly needsSecondPerson?: boolean;
  /** The battery may not carry the motor to the end: a valve that stops half-way must be exchanged. */
  readonly isBatteryWeak?: boolean;
  /** A person wants it tried all the same, once. */
  readonly isLastAttempt?: boolean;
  /** Only to be proposed to persons, whatever the breaker says. */
  readonly isProposal?: boolean;
  /** What the utility's policy says of this rule at this meter; absent: automatic. */
  readonly word?: CloseWord;
  /** When what lets the rule close here has been in force for a day; absent or null: it always was. */
  readonly armedAtMs?: TimestampMs | null;
  /** Where the meter is, and how many are there: each area has a breaker of its own. */
  readonly area?: string;
  readonly areaSize?: number;
}

/** Interlocks: why a close is refused; stable words (`detail` of the command). */
export type CloseRefusal =
  | "stale-data"
  | "doubted-data"
  | "unconfirmed-profile"
  | "critical-customer"
  | "automation-stopped"
  | "policy-forbids"
  | "not-armed"
  | "already-closed"
  | "valve-fault"
  | "battery-weak"
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
  const isSpent = isAutomatic && allowanceFor(automation, ask) === 0;
  const heldFor = whyHeld(ask, isSpent);
  const isHeld = heldFor !== null;
  const refusal =
    interlock(automation, valve, ask) ??
    (mayTakeItsPlace(valve, ask, isHeld) ? null : "one-outstanding");
  if (refusal !== null) return judged(automation, valve, ask, "refuse", refusal);
  const supersedes = supersede(valve, { ...ask, by: orderedBy(ask) });
  if (isHeld) return { ...judged(automation, valve, ask, "hold", heldFor), supersedes };
  if (waitsForSecond(ask)) {
    return { ...judged(automation, valve, ask, null, "second-person"), supersedes };
  }
  const after = isAutomatic ? withClose(automation, ask) : automation;
  return { ...judged(after, valve, ask, "authorise", null), supersedes };
}

/** Who decides instead: persons because it is a proposal, because the policy wants them, or because of the breaker. */
function whyHeld({ cause, isProposal, word }: CloseAsk, isSpent: boolean): string | null {
  if (isProposal === true) return "proposed";
  if (cause.kind === "alarm" && word === "person") return "policy-person";
  return isSpent ? "breaker" : null;
}

/** What is only proposed is persons' business: what speaks against automation does not speak against them. */
function interlock(
  automation: AutomationState,
  valve: ValveState,
  ask: CloseAsk,
): CloseRefusal | null {
  if (ask.cause.kind === "person") return personInterlock(valve, ask);
  if (ask.isProposal !== true) return automaticInterlock(automation, valve, ask);
  if (!isFresh(ask)) return "stale-data";
  return ask.word === "never" ? "policy-forbids" : personInterlock(valve, ask);
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
  if (ask.word === "never") return "policy-forbids";
  if (ask.nowMs < (ask.armedAtMs ?? 0) && ask.word !== "person") return "not-armed";
  if (valve.position === "closed" && !valve.isPositionUndated) return "already-closed";
  if (valve.position === "fault") return "valve-fault";
  if (ask.isBatteryWeak === true) return "battery-weak";
  if ((ask.meterCloses ?? 0) >= automationLimits.meterClosesMax) return "meter-limit";
  return ask.lifecycle === "active" ? null : "not-active";
}

/** Persons are not subject to breaker, stop switch or customer list: they answer for what they do. */
function personInterlock(valve: ValveState, ask: CloseAsk): CloseRefusal | null {
  if (valve.position === "closed") return "already-closed";
  // Half-way is worse than open: then the meter must be exchanged. Somebody may say that it is worth it.
  if (ask.isBatteryWeak === true && ask.isLastAttempt !== true) return "battery-weak";
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
 * held or unapproved replaces a waiting order, a longer-lived order stays, and automation does not repeat itself (one
 * chattering meter would spend the breaker of all).
 */
function mayTakeItsPlace(valve: ValveState, ask: CloseAsk, isHeld: boolean): boolean {
  if (valve.outstanding === null) return true;
  const waiting = valve.outstanding.command;
  // A close beats any other order, wherever that is.
  if (waiting.action !== "close") return true;
  // It waits for a person all the same, and what the breaker holds lives longer.
  if (waiting.state === "requested") return true;
  if (!canSupersede(valve, "close") || isHeld || waitsForSecond(ask)) return false;
  if (waiting.state === "held") return true;
  const isRepeated = waiting.cause.kind === "alarm" && ask.cause.kind === "alarm";
  return !isRepeated && ask.expiresAtMs >= waiting.expiresAtMs;
}

function waitsForSecond({ cause, needsSecondPerson }: CloseAsk): boolean {
  return cause.kind === "person" && needsSecondPerson === true;
}

function judged(
  automation: AutomationState,
  valve: ValveState,
  ask: CloseAsk,
  /** null: it stays requested until a second person approves. */
  event: Extract<CommandEvent, "authorise" | "refuse" | "hold"> | null,
  detail: string | null,
): CloseJudgement {
  const made = newCommand(valve, {
    ...ask,
    action: "close",
    by: orderedBy(ask),
    permit: null,
    event,
    detail,
    armedAtMs: detail === "not-armed" ? (ask.armedAtMs ?? null) : null,
  });
  return { ...made, automation, supersedes: null, held: event === "hold" };
}

function orderedBy({ cause }: CloseAsk): string {
  return cause.kind === "person" ? cause.ref : "engine";
}

/**
 * The fleet's breaker and the area's: a storm in one area must not spend what a leak elsewhere needs. So an area in
 * which automation has closed something leaves the fleet's last close to the others, where there are any.
 */
function allowanceFor(automation: AutomationState, { nowMs, area, areaSize }: CloseAsk): number {
  const ofFleet = breakerAllowance(automation, nowMs);
  if (area === undefined || areaSize === undefined) return ofFleet;
  const inArea = (automation.recentAreaCloses ?? []).filter((close) => close.area === area);
  const closesMs = inArea.map(({ atMs }) => atMs);
  const isFirst = closesSince(closesMs, nowMs - automationLimits.dayWindowMs) === 0;
  const hasOthers = areaSize < automation.fleetSize;
  const kept = hasOthers && !isFirst ? automationLimits.keptForOtherAreas : 0;
  return Math.min(Math.max(0, ofFleet - kept), allowance(closesMs, areaSize, nowMs));
}

/** How many automatic closes the fleet's breaker would let through now. */
export function breakerAllowance(automation: AutomationState, nowMs: TimestampMs): number {
  return allowance(automation.recentClosesMs, automation.fleetSize, nowMs);
}

function allowance(closesMs: readonly number[], meters: number, nowMs: TimestampMs): number {
  const limits = automationLimits;
  const share = Math.max(limits.fleetClosesMin, Math.floor(meters / limits.metersPerClose));
  const dayMax = Math.min(limits.dayWindowClosesMax, share);
  const inShort = closesSince(closesMs, nowMs - limits.shortWindowMs);
  const inDay = closesSince(closesMs, nowMs - limits.dayWindowMs);
  return Math.max(0, Math.min(limits.shortWindowClosesMax - inShort, dayMax - inDay));
}

/** The automation after one more authorised close; what no window can see any more is dropped. */
function withClose(automation: AutomationState, { nowMs, area }: CloseAsk): AutomationState {
  const sinceMs = nowMs - automationLimits.dayWindowMs;
  const kept = automation.recentClosesMs.filter((atMs) => atMs > sinceMs);
  const closed = { ...automation, recentClosesMs: [...kept, nowMs] };
  if (area === undefined) return closed;
  const inAreas = (automation.recentAreaCloses ?? []).filter(({ atMs }) => atMs > sinceMs);
  return { ...closed, recentAreaCloses: [...inAreas, { area, atMs: nowMs }] };
}

/** A close that seems to lie in the future (our clock was set back) counts: it did happen. */
function closesSince(closesMs: readonly number[], sinceMs: number): number {
  return closesMs.filter((atMs) => atMs > sinceMs).length;
}

/** What a reading says about an ordered close: the position decides, and then the consumption. */
import type { CommandState } from "#domain/command.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import type { TimestampMs, VolumeMl } from "#domain/units.ts";
import { advance, unchanged, withEvidence } from "./advance.ts";
import type { ValveStep } from "./advance.ts";
import { intendedPosition } from "./commandTable.ts";
import { commandLimits } from "./limits.ts";
import { weighOther } from "./otherOrders.ts";
import { isUnsent } from "./valveState.ts";
import type { OpenCommand, ValveState } from "./valveState.ts";

/** A trusted reading, newer than all before it. */
export interface ValveReading {
  readonly measuredAtMs: TimestampMs;
  readonly indexMl: VolumeMl | null;
  readonly valve: ValvePosition | null;
  /** Its clock could not be believed; the time of receipt stands in. */
  readonly isUndated?: boolean;
  readonly clockErrorMs?: number | null;
  readonly flowMlPerHour?: number | null;
  readonly nowMs: TimestampMs;
}

const { settleMs, retryAfterMs } = commandLimits;
const notClosed = ["open", "unknown", null] as const;

/** Which reports, from so long after the sending, say that the attempt did not close the valve. */
const disproof: Partial<Record<CommandState, Disproof>> = {
  unknown: { reports: notClosed, since: ({ command }) => command.sentAtMs, afterMs: settleMs },
  delivered: {
    reports: notClosed,
    since: ({ progressAtMs }) => progressAtMs,
    afterMs: retryAfterMs,
  },
  // Counted from the answer: "accepted" comes before the motor moves. And a meter that never tells a position
  // may still be carrying the order out.
  accepted: { reports: ["open"], since: ({ progressAtMs }) => progressAtMs, afterMs: retryAfterMs },
};

interface Disproof {
  readonly reports: readonly (ValvePosition | null)[];
  readonly since: (open: OpenCommand) => TimestampMs | null;
  readonly afterMs: number;
}

/** Takes over the reported position and weighs the reading as evidence. */
export function onReading(quantumMl: number, before: ValveState, reading: ValveReading): ValveStep {
  if (before.positionAtMs !== null && reading.measuredAtMs <= before.positionAtMs) {
    return unchanged(before);
  }
  const state = withPosition(before, reading);
  const open = state.outstanding;
  if (open === null) return unchanged(state);
  if (open.command.action !== "close") return weighOther(state, open, reading);
  if (open.command.state === "executed") {
    return weighShut(quantumMl, state, open, reading, before.position === "closed");
  }
  if (reading.valve === intendedPosition.close) {
    return reportedClosed(state, open, reading);
  }
  return isUnsent(open.command) || open.command.state === "queued"
    ? unchanged(state)
    : weighNotClosed(state, open, reading);
}

function withPosition(state: ValveState, reading: ValveReading): ValveState {
  if (reading.valve === null) return state;
  const isWatched = reading.valve === "closed" && reading.indexMl !== null;
  const isOver = state.trouble === "passing" ? reading.valve === "open" : isWatched;
  const isAtRest = reading.valve === "open" || reading.valve === "closed";
  const resting = isAtRest ? reading.valve : state.resting;
  const hasMoved = state.resting !== null && resting !== state.resting;
  return {
    ...state,
    resting,
    actuations: state.actuations + (hasMoved ? 1 : 0),
    position: reading.valve,
    positionAtMs: reading.measuredAtMs,
    isPositionUndated: reading.isUndated === true,
    trouble: isOver ? null : state.trouble,
  };
}

function reportedClosed(state: ValveState, open: OpenCommand, reading: ValveReading): ValveStep {
  const move = { atMs: reading.nowMs, by: "meter" };
  if (reading.isUndated === true && !isBelievedUndated(open, reading)) return unchanged(state);
  if (isUnsent(open.command)) {
    return advance(state, open, ["cancel"], { ...move, detail: "already-closed" });
  }
  return withEvidence(advance(state, open, ["execute"], move), {
    shutIndexMl: reading.indexMl,
    lastEvidenceAtMs: reading.measuredAtMs,
  });
}

/**
 * A "closed" without a time may be from before the order. It calls off what a person has not sent yet, who can see for
 * himself; of what was sent it says something only when the meter has answered the order, and the word came after
 * the answer. Otherwise a dated report, or the meter's own "executed", has to come.
 */
function isBelievedUndated(
  { command, progressAtMs }: OpenCommand,
  { nowMs }: ValveReading,
): boolean {
  if (isUnsent(command)) return command.cause.kind === "person";
  return command.state === "accepted" && nowMs >= progressAtMs + settleMs;
}

/** After a sending, the valve reports something else than closed, or nothing. */
function weighNotClosed(state: ValveState, open: OpenCommand, reading: ValveReading): ValveStep {
  if (reading.valve === "fault" && isAfter(open.command.sentAtMs, reading, 0)) {
    const move = { atMs: reading.nowMs, by: "meter", detail: "valve-fault" };
    return advance(state, open, ["fail"], move);
  }
  const proof = disproof[open.command.state];
  const disproves =
    proof !== undefined &&
    proof.reports.includes(reading.valve) &&
    isAfter(proof.since(open), reading, proof.afterMs);
  return disproves ? notYetClosed(state, open, reading) : unchanged(state);
}

/** The attempt did not close the valve: another one is allowed, or the command ends. */
function notYetClosed(state: ValveState, open: OpenCommand, reading: ValveReading): ValveStep {
  const { command } = open;
  const move = { atMs: reading.nowMs, by: "meter" };
  const isUnknown = command.state === "unknown";
  if (command.attempts >= commandLimits.attemptsMax) {
    return advance(state, open, ["fail"], { ...move, detail: "attempts-spent" });
  }
  if (reading.nowMs >= command.expiresAtMs) {
    return isUnknown
      ? advance(state, open, ["expire"], move)
      : advance(state, open, ["fail"], { ...move, detail: "still-open" });
  }
  return isUnknown
    ? advance(state, open, ["requeue"], move)
    : withEvidence(unchanged(state), { lastEvidenceAtMs: reading.measuredAtMs });
}

/** Executed is a claim; only consumption proves it. */
function weighShut(
  quantumMl: number,
  state: ValveState,
  open: OpenCommand,
  reading: ValveReading,
  wasClosed: boolean,
): ValveStep {
  const { measuredAtMs, indexMl, valve, nowMs } = reading;
  const move = { atMs: nowMs, by: "meter" };
  // After an executed reply, a reading may still arrive that was taken before the motor moved.
  const hasSettled = open.lastEvidenceAtMs !== null;
  const isLater = hasSettled || isAfter(open.progressAtMs, reading, settleMs);
  if (valve !== "closed" && !isLater) return unchanged(state);
  if (valve === "open" || valve === "fault") {
    // Opened by hand at the meter after it was shut: not ours to close again, but a person must know.
    const openDetail = wasClosed ? "reopened-locally" : "reported-open";
    const detail = valve === "fault" ? "valve-fault" : openDetail;
    return advance(state, open, ["fail"], { ...move, detail });
  }
  if (indexMl === null || valve === "moving") return unchanged(state);
  if (open.shutIndexMl === null) {
    return progress(state, { shutIndexMl: indexMl, lastEvidenceAtMs: measuredAtMs }, nowMs);
  }
  if (open.lastEvidenceAtMs !== null && measuredAtMs <= open.lastEvidenceAtMs) {
    return unchanged(state);
  }
  const consumedMl = indexMl - open.shutIndexMl;
  if (consumedMl >= commandLimits.passingQuantaMin * quantumMl) {
    return advance(state, open, ["pass"], move);
  }
  // One quantum may be the last gas before the valve sat; a register that went back proves nothing.
  if (Math.abs(consumedMl) >= quantumMl) return unchanged(state);
  const quietReadings = open.quietReadings + 1;
  const isProved = quietReadings >= commandLimits.quietReadingsMin;
  if (isProved) return advance(state, open, ["verify"], move);
  return progress(state, { quietReadings, lastEvidenceAtMs: measuredAtMs }, nowMs);
}

function progress(
  state: ValveState,
  evidence: Parameters<typeof withEvidence>[1],
  nowMs: TimestampMs,
): ValveStep {
  return withEvidence(unchanged(state), { ...evidence, progressAtMs: nowMs });
}

/**
 * Received and measured after an instant of ours. The meter's clock is compared only to leave a reading out
 * that it took before (a retried uplink): an error of its clock delays a step, it never causes one alone.
 */
function isAfter(ourMs: TimestampMs | null, reading: ValveReading, marginMs: number): boolean {
  if (ourMs === null) return false;
  return reading.nowMs >= ourMs + marginMs && reading.measuredAtMs >= ourMs + marginMs;
}

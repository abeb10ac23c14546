/** What shows that an order other than a close was carried out, and the watch after a permitted opening. */
import { unreachable } from "#domain/invariant.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { MeterParameters } from "#domain/parameters.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#domain/units.ts";
import { advance, unchanged, withEvidence } from "./advance.ts";
import type { ValveStep } from "./advance.ts";
import type { CommandEvent } from "./commandTable.ts";
import { commandLimits } from "./limits.ts";
import type { ValveReading } from "./onReading.ts";
import type { ValveSettings } from "./stepValve.ts";
import { isUnsent } from "./valveState.ts";
import type { OpenCommand, ValveState } from "./valveState.ts";

const { settleMs, clockErrorMsMax, attemptsMax, openingWatchMs, reportLeewayMs } = commandLimits;
/** Hours of the day are those of a clock that shows UTC+8. */
const reportZoneMs = 8 * hourMs;

/** A reading as evidence about an order that wants no valve shut. */
export function weighOther(state: ValveState, open: OpenCommand, reading: ValveReading): ValveStep {
  switch (open.command.action) {
    case "permit_opening":
      return weighPermit(state, open, reading);
    case "set_clock":
      return weighClock(state, open, reading);
    case "read_history":
      return againWhenUnknown(state, open, reading.nowMs);
    case "change_parameters":
      return weighParameters(state, open, reading);
    case "close":
      return unchanged(state);
    default:
      return unreachable(open.command.action);
  }
}

/** Opened by somebody at the meter: that is what the permission was for, and the watch begins. */
function weighPermit(state: ValveState, open: OpenCommand, reading: ValveReading): ValveStep {
  const move = { atMs: reading.nowMs, by: "meter" };
  const isOpen = reading.valve === "open";
  if (isUnsent(open.command)) {
    return isOpen
      ? advance(state, open, ["cancel"], { ...move, detail: "opened-before" })
      : unchanged(state);
  }
  if (reading.valve === "fault") {
    return open.command.state === "queued"
      ? unchanged(state)
      : advance(state, open, ["fail"], { ...move, detail: "valve-fault" });
  }
  if (!isOpen) return againWhenUnknown(state, open, reading.nowMs);
  const { measuredAtMs: sinceMs, indexMl: lastIndexMl } = reading;
  const opening = { sinceMs, lastMs: sinceMs, lastIndexMl };
  return advance({ ...state, opening }, open, untilVerified(open), {
    ...move,
    detail: "opened-locally",
  });
}

function weighClock(state: ValveState, open: OpenCommand, reading: ValveReading): ValveStep {
  const { command, progressAtMs } = open;
  const error = reading.clockErrorMs ?? null;
  if (error === null || command.sentAtMs === null) return unchanged(state);
  if (reading.nowMs < command.sentAtMs + settleMs) return unchanged(state);
  const move = { atMs: reading.nowMs, by: "meter" };
  if (Math.abs(error) <= clockErrorMsMax) return advance(state, open, untilVerified(open), move);
  const isClaimed = command.state === "executed" && reading.nowMs >= progressAtMs + settleMs;
  if (isClaimed) return advance(state, open, ["fail"], { ...move, detail: "clock-still-wrong" });
  return againWhenUnknown(state, open, reading.nowMs);
}

/**
 * The meter's word is not enough: two reports in a row lie apart as ordered. What an event brings in between is no
 * proof for or against; when no pair comes in time, the order ends as not verified.
 */
function weighParameters(state: ValveState, open: OpenCommand, reading: ValveReading): ValveStep {
  const { command, lastEvidenceAtMs: lastMs, progressAtMs } = open;
  const { measuredAtMs, nowMs } = reading;
  if (command.state !== "executed") return againWhenUnknown(state, open, nowMs);
  if (reading.isUndated === true || nowMs < progressAtMs + settleMs) return unchanged(state);
  const seen = { lastEvidenceAtMs: measuredAtMs };
  // Only the first report is progress: a meter that goes on as before must run out of time.
  if (lastMs === null) return withEvidence(unchanged(state), { ...seen, progressAtMs: nowMs });
  const gapMs = orderedGapMs(command.parameters, lastMs);
  const apartMs = measuredAtMs - lastMs;
  const isAsOrdered = gapMs !== null && Math.abs(apartMs - gapMs) <= leewayOf(gapMs);
  return isAsOrdered
    ? advance(state, open, ["verify"], { atMs: nowMs, by: "meter", detail: "reports-as-ordered" })
    : withEvidence(unchanged(state), seen);
}

/** A radio that comes late is late by minutes, whatever the interval. */
function leewayOf(gapMs: number): number {
  return Math.max(minuteMs, Math.min(gapMs / 10, reportLeewayMs));
}

/** How far the next report lies from one at this instant; null: this one was not after the order's plan. */
function orderedGapMs(parameters: MeterParameters | null, atMs: TimestampMs): number | null {
  if (parameters === null) return null;
  if ("reportEverySeconds" in parameters) return parameters.reportEverySeconds * secondMs;
  const { reportHours } = parameters;
  const hour = Math.floor(((atMs + reportZoneMs) % dayMs) / hourMs);
  const place = reportHours.indexOf(hour);
  const next = reportHours[(place + 1) % reportHours.length];
  if (place === -1 || next === undefined) return null;
  return (next > hour ? next - hour : next + 24 - hour) * hourMs;
}

/** Values from the meter's memory came after the order for them. */
export function onHistory(state: ValveState, open: OpenCommand, nowMs: TimestampMs): ValveStep {
  const { action } = open.command;
  if (action !== "read_history" || isUnsent(open.command)) return unchanged(state);
  return advance(state, open, untilVerified(open), { atMs: nowMs, by: "meter" });
}

function untilVerified({ command }: OpenCommand): readonly CommandEvent[] {
  return command.state === "executed" ? ["verify"] : ["execute", "verify"];
}

/** The meter has reported since, and nothing shows that the order arrived: it may be sent once more. */
function againWhenUnknown(state: ValveState, open: OpenCommand, nowMs: TimestampMs): ValveStep {
  const { state: at, sentAtMs, attempts, expiresAtMs } = open.command;
  if (at !== "unknown" || sentAtMs === null || nowMs < sentAtMs + settleMs) return unchanged(state);
  const move = { atMs: nowMs, by: "meter" };
  if (attempts >= attemptsMax) {
    return advance(state, open, ["fail"], { ...move, detail: "attempts-spent" });
  }
  return advance(state, open, [nowMs >= expiresAtMs ? "expire" : "requeue"], move);
}

/** After an opening at the meter: as much as half of what the meter can pass is an open pipe until a person says no. */
export function watchOpening(
  { qmaxMlPerHour }: ValveSettings,
  state: ValveState,
  reading: ValveReading,
): { readonly state: ValveState; readonly isUncontrolled: boolean } {
  const { opening } = state;
  const calm = { state, isUncontrolled: false };
  if (opening === null || reading.measuredAtMs <= opening.lastMs) return calm;
  const over = { ...state, opening: null };
  const isOver = reading.measuredAtMs - opening.sinceMs > openingWatchMs;
  if (reading.valve === "closed" || isOver) return { state: over, isUncontrolled: false };
  const { measuredAtMs, indexMl } = reading;
  const hours = (measuredAtMs - opening.lastMs) / hourMs;
  const consumedMl =
    indexMl === null || opening.lastIndexMl === null ? 0 : indexMl - opening.lastIndexMl;
  const flowMlPerHour = Math.max(consumedMl / hours, reading.flowMlPerHour ?? 0);
  if (flowMlPerHour >= commandLimits.uncontrolledShareOfQmax * qmaxMlPerHour) {
    return { state: over, isUncontrolled: true };
  }
  const lastIndexMl = indexMl ?? opening.lastIndexMl;
  // Without a register in this reading the interval begins at the one before.
  const lastMs = indexMl === null ? opening.lastMs : measuredAtMs;
  return {
    state: { ...state, opening: { ...opening, lastMs, lastIndexMl } },
    isUncontrolled: false,
  };
}

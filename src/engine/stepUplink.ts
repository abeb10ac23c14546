/** One uplink of one meter, a line a step: the way of a reading (architecture, section 1). */
import { gapsRemembered, wakeGapMsMin } from "#domain/effectWindow.ts";
import { readingFlags, type Reading } from "#domain/reading.ts";
import { hasStatus, statusBits } from "#domain/status.ts";
import type { UplinkOutcome } from "#domain/quarantine.ts";
import type { ProtocolName } from "#domain/meter.ts";
import type { Telegram } from "#domain/telegram.ts";
import { dayMs, minuteMs, type TimestampMs } from "#domain/units.ts";
import { placeInTime, type PlacedReading } from "#screening/placeInTime.ts";
import { closeSilent, isActive, moveAlarm, returnToNormal } from "./alarmDesk.ts";
import type { Draft } from "./draft.ts";
import { fingerprint } from "./fingerprint.ts";
import { foldFlags } from "./fold.ts";
import { mayAsk, proposeCloses } from "./proposeCloses.ts";
import { followShutValve } from "./shutValve.ts";
import { settleReadings } from "./settleReadings.ts";
import { closeForAlarm, endSilence, meetMeter, moveValve } from "./valveDesk.ts";
import type { Settled } from "./window.ts";

/** Repetitions of an uplink that carries no time to be trusted are known by their bytes. */
const repetition = Object.freeze({
  remembered: 8,
  /** A clock that runs wrong does not show the same time twice. */
  wrongClockMs: dayMs,
  /**
   * Without any time, the same bytes at once again are a retry; an hour later, or after other bytes, they are
   * news: a leak that comes back must not be taken for the one that went.
   */
  noClockMs: 10 * minuteMs,
});

const leakBits = statusBits.leak | statusBits.external_alarm;

export interface DecodedUplink {
  readonly telegram: Telegram;
  readonly bytes: Uint8Array;
  readonly seq: number;
  readonly receivedAtMs: TimestampMs;
  /** The meter can be sent a command at this moment. */
  readonly reachable: boolean;
  /** Taken from the ledger again: history, whatever it says. */
  readonly isRebuilt: boolean;
  /** The one it came in; an answer in another one than the meter's orders leave in is none. */
  readonly protocol: ProtocolName;
  /** The platform's own name for this delivery; it repeats one under the same name. */
  readonly deliveryId: string | null;
}

/** Everything that this uplink means, into the draft; the outcome for the books. */
export function stepUplink(draft: Draft, uplink: DecodedUplink): UplinkOutcome {
  const { telegram, receivedAtMs } = uplink;
  if (!uplink.isRebuilt) noteContact(draft, telegram, receivedAtMs);
  const knownAtMs = uplink.isRebuilt ? draft.nowMs : receivedAtMs;
  const placing = placeInTime(telegram.readings, receivedAtMs, knownAtMs);
  const isKnown = isRedelivery(draft, uplink) || isRepetition(draft, uplink, placing.placed[0]);
  if (isKnown) {
    return contactAfter(draft, uplink, "duplicate");
  }
  const settled = settleReadings(draft, placing, receivedAtMs, uplink.seq);
  const hasReply = uplink.isRebuilt ? false : actOnNow(draft, uplink, settled);
  // A frame that carries nothing (the answer 810A) repeats nothing either.
  const isBare = telegram.readings.length + telegram.replies.length === 0;
  const isNew = settled.isNew || hasReply || isBare;
  const outcome = settled.isSuspect ? "suspect" : isNew ? "accepted" : "duplicate";
  return contactAfter(draft, uplink, outcome);
}

/** What only an uplink of now may do: answer for a command, speak of the valve, close it. */
function actOnNow(draft: Draft, { telegram, protocol }: DecodedUplink, settled: Settled): boolean {
  const hasReply = takeReplies(draft, telegram, protocol);
  tellValve(draft, settled);
  followShutValve(draft);
  tellOfHistory(draft, telegram);
  closeOnLeak(draft, settled);
  proposeCloses(draft, settled);
  return hasReply;
}

function noteContact(draft: Draft, telegram: Telegram, receivedAtMs: TimestampMs): void {
  const frameAddress = telegram.address ?? draft.context.frameAddress;
  const { lastReceivedAtMs: lastMs, gapsMs: before } = draft.context;
  const gapMs = lastMs === null ? 0 : receivedAtMs - lastMs;
  const gapsMs = gapMs < wakeGapMsMin ? before : [...before, gapMs].slice(-gapsRemembered);
  draft.context = { ...draft.context, lastReceivedAtMs: receivedAtMs, gapsMs, frameAddress };
  for (const rule of ["R12", "R18", "R21"] as const) {
    returnToNormal(draft, rule, receivedAtMs);
    closeSilent(draft, rule, receivedAtMs);
    const silence = draft.context.live[rule];
    // It speaks: what the outage hid is over, whatever becomes of the others.
    if (silence?.state === "suppressed") moveAlarm(draft, silence, { kind: "release" });
  }
  endSilence(draft);
  returnToNormal(draft, "PARKED", receivedAtMs);
  returnToNormal(draft, "COMMAND_MISMATCH", receivedAtMs);
}

/**
 * Platforms repeat for hours what they take for undelivered; a frame without a clock would be news each time. Their
 * name for a delivery alone is not enough: other bytes under it are other readings.
 */
function isRedelivery(draft: Draft, uplink: DecodedUplink): boolean {
  const { deliveryId, bytes, receivedAtMs, isRebuilt } = uplink;
  if (deliveryId === null || isRebuilt) return false;
  const digest = `${deliveryId} ${fingerprint(bytes)}`;
  const known = draft.context.deliveries ?? [];
  const isKnown = known.some(
    (one) => one.digest === digest && receivedAtMs - one.receivedAtMs <= repetition.wrongClockMs,
  );
  if (isKnown) return true;
  const kept = [...known, { digest, receivedAtMs }].slice(-repetition.remembered);
  draft.context = { ...draft.context, deliveries: kept };
  return false;
}

/** What waited in quarantine is no repetition of itself: its instants tell what is on record already. */
function isRepetition(
  draft: Draft,
  uplink: DecodedUplink,
  first: PlacedReading | undefined,
): boolean {
  const { receivedAtMs } = uplink;
  const clockFlags = readingFlags.TIME_INVALID | readingFlags.TIME_FUTURE;
  if (first === undefined || uplink.isRebuilt || (first.flags & clockFlags) === 0) return false;
  const digest = fingerprint(uplink.bytes);
  const { recent } = draft.context;
  const hasClock = first.decoded.measuredAtMs !== null;
  const withinMs = hasClock ? repetition.wrongClockMs : repetition.noClockMs;
  const isKnown = (hasClock ? recent : recent.slice(-1)).some(
    (one) => one.digest === digest && receivedAtMs - one.receivedAtMs <= withinMs,
  );
  if (isKnown) return true;
  const kept = [...recent, { digest, receivedAtMs }].slice(-repetition.remembered);
  draft.context = { ...draft.context, recent: kept };
  return false;
}

function takeReplies(draft: Draft, telegram: Telegram, protocol: ProtocolName): boolean {
  const strayBefore = draft.effects.strayReplies.length;
  for (const reply of telegram.replies) {
    const isSameDialect = protocol === draft.protocol.name;
    moveValve(draft, { kind: "reply", reply, isSameDialect, nowMs: draft.nowMs });
  }
  return telegram.replies.length > draft.effects.strayReplies.length - strayBefore;
}

/** Only what is newest, and a register only where it is trusted, may say that gas has stopped. */
function tellValve(draft: Draft, settled: Settled): void {
  for (const [place, reading] of settled.newest.entries()) {
    const indexMl = isTrusted(reading) ? reading.indexMl : null;
    const { outstanding, opening } = draft.context.valve;
    if (reading.valve === null && outstanding === null && opening === null) continue;
    const { measuredAtMs, valve, flowMlPerHour } = reading;
    const isLast = place === settled.newest.length - 1;
    const clockErrorMs = isLast ? clockErrorOf(reading) : null;
    const values = { measuredAtMs, indexMl, valve, flowMlPerHour, clockErrorMs };
    moveValve(draft, { kind: "reading", ...values, nowMs: draft.nowMs });
  }
}

/** Of the newest value of an uplink only: an older one says nothing about the clock. */
function clockErrorOf({ deviceAtMs, receivedAtMs }: Reading): number | null {
  return deviceAtMs === null ? null : deviceAtMs - receivedAtMs;
}

function tellOfHistory(draft: Draft, telegram: Telegram): void {
  const action = draft.context.valve.outstanding?.command.action;
  if (action !== "read_history" || telegram.readings.length < 2) return;
  moveValve(draft, { kind: "history", nowMs: draft.nowMs });
}

/**
 * One or two quanta back are the rounding of a register that stands still, as behind a shut valve it does; and a
 * lower register that counts on may be compared with itself.
 */
function isTrusted({ quality, flags }: Reading): boolean {
  const found = flags & foldFlags;
  const isOtherwiseSound = (found & ~lowerFlags) === 0 && (found & readingFlags.RESUMED) !== 0;
  return quality !== "suspect" || found === readingFlags.RESYNC || isOtherwiseSound;
}

const lowerFlags = readingFlags.REGISTER_BACK | readingFlags.REGISTER_ZERO | readingFlags.RESUMED;

/** The alarm stands at the newest reading known; the proof may have been overtaken on its way. */
function closeOnLeak(draft: Draft, settled: Settled): void {
  const alarm = draft.context.live.R1;
  if (alarm === undefined || !isActive(alarm) || !mayAsk(draft, alarm)) return;
  // A reading that does not speak of the leak is no reason to move a valve now.
  const proof = settled.readings.findLast(({ status }) => hasStatus(status ?? 0, leakBits));
  if (proof !== undefined) closeForAlarm(draft, alarm, proof);
}

function contactAfter(draft: Draft, uplink: DecodedUplink, outcome: UplinkOutcome): UplinkOutcome {
  if (uplink.reachable && draft.context.valve.outstanding !== null) meetMeter(draft);
  return outcome;
}

/** One uplink of one meter, a line a step: the way of a reading (architecture, section 1). */
import { readingFlags, type Reading } from "#domain/reading.ts";
import { hasStatus, statusBits } from "#domain/status.ts";
import type { UplinkOutcome } from "#domain/quarantine.ts";
import type { Telegram } from "#domain/telegram.ts";
import { dayMs, minuteMs, type TimestampMs } from "#domain/units.ts";
import { placeInTime, type PlacedReading } from "#screening/placeInTime.ts";
import { isActive, moveAlarm, returnToNormal } from "./alarmDesk.ts";
import type { Draft } from "./draft.ts";
import { fingerprint } from "./fingerprint.ts";
import { foldFlags } from "./fold.ts";
import { followShutValve } from "./shutValve.ts";
import { settleReadings } from "./settleReadings.ts";
import { closeForAlarm, moveValve } from "./valveDesk.ts";
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
}

/** Everything that this uplink means, into the draft; the outcome for the books. */
export function stepUplink(draft: Draft, uplink: DecodedUplink): UplinkOutcome {
  const { telegram, receivedAtMs } = uplink;
  if (!uplink.isRebuilt) noteContact(draft, telegram, receivedAtMs);
  const knownAtMs = uplink.isRebuilt ? draft.nowMs : receivedAtMs;
  const placing = placeInTime(telegram.readings, receivedAtMs, knownAtMs);
  if (isRepetition(draft, uplink, placing.placed[0])) {
    return contactAfter(draft, uplink, "duplicate");
  }
  const settled = settleReadings(draft, placing, receivedAtMs, uplink.seq);
  const hasReply = uplink.isRebuilt ? false : actOnNow(draft, telegram, settled);
  // A frame that carries nothing (the answer 810A) repeats nothing either.
  const isBare = telegram.readings.length + telegram.replies.length === 0;
  const isNew = settled.isNew || hasReply || isBare;
  const outcome = settled.isSuspect ? "suspect" : isNew ? "accepted" : "duplicate";
  return contactAfter(draft, uplink, outcome);
}

/** What only an uplink of now may do: answer for a command, speak of the valve, close it. */
function actOnNow(draft: Draft, telegram: Telegram, settled: Settled): boolean {
  const hasReply = takeReplies(draft, telegram);
  tellValve(draft, settled);
  followShutValve(draft);
  closeOnLeak(draft, settled);
  return hasReply;
}

function noteContact(draft: Draft, telegram: Telegram, receivedAtMs: TimestampMs): void {
  const frameAddress = telegram.address ?? draft.context.frameAddress;
  draft.context = { ...draft.context, lastReceivedAtMs: receivedAtMs, frameAddress };
  returnToNormal(draft, "R12", receivedAtMs);
  const silence = draft.context.live.R12;
  // It speaks: what the outage hid is over, whatever becomes of the others.
  if (silence?.state === "suppressed") moveAlarm(draft, silence, { kind: "release" });
  returnToNormal(draft, "PARKED", receivedAtMs);
}

function isRepetition(
  draft: Draft,
  uplink: DecodedUplink,
  first: PlacedReading | undefined,
): boolean {
  const { receivedAtMs } = uplink;
  const clockFlags = readingFlags.TIME_INVALID | readingFlags.TIME_FUTURE;
  if (first === undefined || (first.flags & clockFlags) === 0) return false;
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

function takeReplies(draft: Draft, telegram: Telegram): boolean {
  const strayBefore = draft.effects.strayReplies.length;
  for (const reply of telegram.replies) {
    moveValve(draft, { kind: "reply", reply, nowMs: draft.nowMs });
  }
  return telegram.replies.length > draft.effects.strayReplies.length - strayBefore;
}

/** Only what is newest, and a register only where it is trusted, may say that gas has stopped. */
function tellValve(draft: Draft, settled: Settled): void {
  for (const reading of settled.newest) {
    const indexMl = isTrusted(reading) ? reading.indexMl : null;
    if (reading.valve === null && draft.context.valve.outstanding === null) continue;
    const { measuredAtMs, valve } = reading;
    moveValve(draft, { kind: "reading", measuredAtMs, indexMl, valve, nowMs: draft.nowMs });
  }
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
  if (alarm === undefined || !isActive(alarm)) return;
  // A reading that does not speak of the leak is no reason to move a valve now.
  const proof = settled.readings.findLast(({ status }) => hasStatus(status ?? 0, leakBits));
  if (proof !== undefined) closeForAlarm(draft, alarm, proof);
}

function contactAfter(draft: Draft, uplink: DecodedUplink, outcome: UplinkOutcome): UplinkOutcome {
  const waits = draft.context.valve.outstanding !== null;
  if (uplink.reachable && waits) moveValve(draft, { kind: "contact", nowMs: draft.nowMs });
  return outcome;
}

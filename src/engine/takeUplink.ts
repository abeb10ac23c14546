/** One uplink from bytes to effects: whose it is, what it says, and what becomes of it. */
import { isProtocolName, type Meter } from "#domain/meter.ts";
import type { UplinkName } from "#domain/platform.ts";
import type { QuarantineReason, UplinkOutcome } from "#domain/quarantine.ts";
import { learnedAfter } from "#domain/meterFile.ts";
import { hasStatus, urgentStatus } from "#domain/status.ts";
import { emptyReading, type Telegram } from "#domain/telegram.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import { timestampMs } from "#domain/units.ts";
import { reasonOf, type DecodeFault, type Heard } from "#protocols/contract.ts";
import type { UplinkRoute } from "#ports/ledger.ts";
import { activate } from "./alarmDesk.ts";
import { nextNumber, recordDraft, type Book } from "./book.ts";
import type { Draft } from "./draft.ts";
import { meterNoOf, openUplink, problemOf, type OpenedUplink } from "./openUplink.ts";
import { draftFor, type Room } from "./room.ts";
import { stepUplink } from "./stepUplink.ts";
import { meetMeter } from "./valveDesk.ts";

export interface ReceivedUplink {
  readonly bytes: Uint8Array;
  /** -1: the envelope or the frame's address names the meter. */
  readonly meterNo: number;
  /** A protocol, or the carrier whose envelope the bytes are. */
  readonly protocol: UplinkName;
  /** The gateway that carried it, or "" for the meter itself. */
  readonly gateway: string;
  readonly receivedAtMs: number;
  readonly reachable: boolean;
}

export interface NumberedUplink extends ReceivedUplink {
  readonly seq: number;
  /** Taken from the ledger again: it may make history, and moves no valve. */
  readonly isRebuilt: boolean;
}

/** An uplink with the frame inside. */
export interface FramedUplink extends NumberedUplink {
  /** Without its envelope. */
  readonly frame: Uint8Array;
}

/** Decodes, judges and records one uplink; whatever it is, it ends as a row with an outcome. */
export function takeUplink(
  room: Room,
  book: Book,
  received: ReceivedUplink,
  isPoison: boolean,
): void {
  const got = { ...received, seq: nextNumber(book.memory, "uplink"), isRebuilt: false };
  const opened = isPoison ? "it could not be recorded" : openUplink(room, book, got);
  if (typeof opened === "string") {
    const meter = knownMeter(book, got.meterNo);
    quarantine(book, got, meter, "INTERNAL", opened);
    if (meter !== null) park(room, book, meter, opened);
    return;
  }
  judge(room, book, { ...got, frame: opened.frame }, opened);
}

function judge(room: Room, book: Book, got: FramedUplink, opened: OpenedUplink): void {
  const { decoded, addresses, name, deliveryId } = opened;
  const owner = ownerOf(book, got, opened);
  const meter = typeof owner === "string" ? knownMeter(book, got.meterNo) : owner;
  const delivery = deliveryId === null ? "" : `, delivery ${deliveryId}`;
  if (decoded === "event") {
    putUplink(book, got, meter, "accepted");
  } else if (decoded === "nobody") {
    quarantine(book, got, meter, "UNKNOWN_METER", `address ${name ?? "none"}${delivery}`);
  } else if (!decoded.ok) {
    const { fault } = decoded;
    const { heard } = fault;
    quarantine(book, got, meter, reasonOf(fault), describe(fault) + delivery);
    if (typeof owner === "string") return;
    if (heard !== undefined) hear(room, book, got, owner, telegramOf(heard));
    else if (got.reachable) contact(room, book, owner);
  } else if (typeof owner === "string") {
    quarantine(book, got, meter, owner, `address ${addresses[0] ?? name ?? "none"}${delivery}`);
  } else if (opened.protocol !== owner.protocol) {
    // Its rules for closing are those of its own protocol: another one may be read, and is not believed.
    quarantine(book, got, meter, "SCHEMA", `the meter speaks ${owner.protocol}${delivery}`);
    const heard = heardIn(decoded.value);
    if (heard.readings.length + heard.replies.length > 0) hear(room, book, got, owner, heard);
  } else {
    evaluate(room, book, got, owner, decoded.value, deliveryId);
  }
}

/** A leak is a leak in any words; an answer in other words than the order's is none, and is counted. */
function heardIn({ address, readings, replies }: Telegram): Telegram {
  const status = readings.reduce((flags, reading) => flags | (reading.status ?? 0), 0);
  const isUrgent = hasStatus(status, urgentStatus);
  const heard = isUrgent ? [{ ...emptyReading, status }] : [];
  return { address, frameId: null, readings: heard, replies };
}

function evaluate(
  room: Room,
  book: Book,
  got: FramedUplink,
  meter: Meter,
  telegram: Telegram,
  deliveryId: string | null,
): void {
  const draft = draftFor(room, book, meter);
  const outcome = tryStep(room, draft, got, telegram, deliveryId);
  if (!outcome.ok) {
    quarantine(book, got, meter, "INTERNAL", outcome.fault);
    park(room, book, meter, outcome.fault);
    return;
  }
  putUplink(book, got, meter, outcome.value);
  recordDraft(book, draft);
}

/** An uplink of the ledger that can be decoded now; its row gets its new outcome. */
export function retake(
  room: Room,
  book: Book,
  got: NumberedUplink,
  opened: OpenedUplink,
): Result<UplinkOutcome, string> {
  const { decoded, frame } = opened;
  const owner = ownerOf(book, got, opened);
  if (decoded === "event") return fail("UNSUPPORTED");
  if (decoded === "nobody") return fail("UNKNOWN_METER");
  if (typeof owner === "string") return fail(owner);
  if (!decoded.ok) return fail(describe(decoded.fault));
  if (opened.protocol !== owner.protocol) return fail(`the meter speaks ${owner.protocol}`);
  const draft = draftFor(room, book, owner);
  const outcome = tryStep(room, draft, { ...got, frame }, decoded.value);
  if (!outcome.ok) return outcome;
  book.ledger.settleUplink(got.seq, owner.no, outcome.value);
  recordDraft(book, draft);
  return outcome;
}

/**
 * The uplink is in quarantine, but its status could be read: a leak is a leak whatever the register says. Without
 * a time of its own it is judged at its receipt, and so it never moves a valve by itself.
 */
function hear(room: Room, book: Book, got: FramedUplink, meter: Meter, heard: Telegram): void {
  const draft = draftFor(room, book, meter);
  const outcome = tryStep(room, draft, got, heard);
  if (outcome.ok) recordDraft(book, draft);
  else park(room, book, meter, outcome.fault);
}

function telegramOf({ address, status, valve }: Heard): Telegram {
  const readings = [{ ...emptyReading, status, valve }];
  return { address, frameId: null, readings, replies: [] };
}

/** It cannot be read, but it is awake: a command that waits for it may leave. */
function contact(room: Room, book: Book, meter: Meter): void {
  if (!book.memory.waiting.has(meter.no)) return;
  const draft = draftFor(room, book, meter);
  meetMeter(draft);
  recordDraft(book, draft);
}

/** Our own mistake in one meter's evaluation must not silence the rest (architecture, section 2). */
export function tryStep(
  room: Room,
  draft: Draft,
  got: FramedUplink,
  telegram: Telegram,
  deliveryId: string | null = null,
): Result<UplinkOutcome, string> {
  const { frame: bytes, seq, reachable, isRebuilt } = got;
  // What comes in an envelope is in the meter's own protocol, or it is not decoded.
  const protocol = isProtocolName(got.protocol) ? got.protocol : draft.meter.protocol;
  const receivedAtMs = timestampMs(got.receivedAtMs);
  const learned = learnedAfter(draft.context.learned, telegram.learned);
  if (learned !== draft.context.learned) draft.context = { ...draft.context, learned };
  try {
    const uplink = { telegram, bytes, seq, receivedAtMs, reachable, isRebuilt, protocol };
    return ok(stepUplink(draft, { ...uplink, deliveryId }));
  } catch (error) {
    if (room.isStoreFailure(error)) throw error;
    return fail(problemOf(error));
  }
}

/** Out of the way until its next good uplink, with an alarm that says so. */
export function park(room: Room, book: Book, meter: Meter, problem: string): void {
  const draft = draftFor(room, book, meter);
  const proof = { reason: problem.slice(0, 200) };
  activate(draft, { rule: "PARKED", level: 1, proof, raisedAtMs: book.nowMs });
  recordDraft(book, draft);
}

function knownMeter(book: Book, meterNo: number): Meter | null {
  return book.memory.meters.get(meterNo) ?? null;
}

/** The meter that an uplink belongs to: by the credential, or by a name that its gateway may carry. */
function ownerOf(
  book: Book,
  got: ReceivedUplink,
  opened: OpenedUplink,
): Meter | Extract<QuarantineReason, "NOT_OWNER" | "UNKNOWN_METER"> {
  const { memory } = book;
  const { addresses, isContradiction } = opened;
  const isNamed = opened.meterNo >= 0;
  const byAddress = addresses.map((address) => meterNoOf(book, address)).find((no) => no >= 0);
  const meter = memory.meters.get(isNamed ? opened.meterNo : (byAddress ?? -1));
  if (meter === undefined) return "UNKNOWN_METER";
  const isByCredential = got.meterNo >= 0;
  const isListed = memory.gateways.get(got.gateway)?.has(meter.id) === true;
  if (isContradiction || (!isByCredential && !isListed)) return "NOT_OWNER";
  // A frame that one meter's key has proved says nothing of another one, whatever stands inside.
  if (opened.filedNo >= 0 && opened.filedNo !== meter.no) return "NOT_OWNER";
  const { frameAddress } = meter;
  const isForeign =
    isNamed && frameAddress !== null && addresses.length > 0 && !addresses.includes(frameAddress);
  return isForeign ? "NOT_OWNER" : meter;
}

/** The row of an uplink that cannot be used, with the reason. */
export function quarantine(
  book: Book,
  got: NumberedUplink,
  meter: Meter | null,
  reason: QuarantineReason,
  detail: string,
): void {
  const { protocol, receivedAtMs, seq: uplinkSeq } = got;
  const meterNo = meter?.no ?? null;
  putUplink(book, got, meter, "quarantined");
  book.ledger.putQuarantine({ uplinkSeq, meterNo, protocol, reason, detail, receivedAtMs });
  book.tally.quarantined(protocol, reason);
}

function putUplink(
  book: Book,
  got: NumberedUplink,
  meter: Meter | null,
  outcome: UplinkOutcome,
): void {
  const { seq, protocol, receivedAtMs, bytes } = got;
  const route: UplinkRoute = got.gateway === "" ? "meter" : `gateway:${got.gateway}`;
  const meterNo = meter?.no ?? null;
  book.ledger.putUplink({ seq, meterNo, route, protocol, receivedAtMs, outcome, bytes });
  book.tally.outcome(protocol, outcome);
}

/** A fault in words, for the quarantine and for people. */
export function describe(fault: DecodeFault): string {
  const { kind, heard: _heard, ...rest } = fault;
  const words = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`);
  return `${kind}: ${words.join(", ")}`.slice(0, 300);
}

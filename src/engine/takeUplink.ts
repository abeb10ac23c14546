/** One uplink from bytes to effects: whose it is, what it says, and what becomes of it. */
import type { Meter, ProtocolName } from "#domain/meter.ts";
import type { QuarantineReason, UplinkOutcome } from "#domain/quarantine.ts";
import { learnedAfter, emptyMeterFile } from "#domain/meterFile.ts";
import { emptyReading, type Telegram } from "#domain/telegram.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import { timestampMs } from "#domain/units.ts";
import { reasonOf, type DecodeFault, type Heard } from "#protocols/contract.ts";
import type { UplinkRoute } from "#ports/ledger.ts";
import { activate } from "./alarmDesk.ts";
import { nextNumber, recordDraft, type Book } from "./book.ts";
import type { Draft } from "./draft.ts";
import { draftFor, fileOf, type Room } from "./room.ts";
import { stepUplink } from "./stepUplink.ts";

export interface ReceivedUplink {
  readonly bytes: Uint8Array;
  /** -1: the frame's address names the meter. */
  readonly meterNo: number;
  readonly protocol: ProtocolName;
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
  const { decoded, addresses } = opened;
  const owner = ownerOf(book, got, addresses);
  const meter = typeof owner === "string" ? knownMeter(book, got.meterNo) : owner;
  if (!decoded.ok) {
    const { fault } = decoded;
    const { heard } = fault;
    quarantine(book, got, meter, reasonOf(fault), describe(fault));
    if (heard !== undefined && typeof owner !== "string") hear(room, book, got, owner, heard);
  } else if (typeof owner === "string") {
    quarantine(book, got, meter, owner, `address ${addresses[0] ?? "none"}`);
  } else {
    evaluate(room, book, got, owner, decoded.value);
  }
}

export interface OpenedUplink {
  readonly decoded: Result<Telegram, DecodeFault>;
  /** What the frame says of whom it comes from: behind the cipher first, then in clear. */
  readonly addresses: readonly string[];
}

/**
 * Decodes with what is on file of the meter. A decoder never throws; should one do so after all, it is our mistake
 * in one uplink, and here it ends.
 */
export function openUplink(room: Room, book: Book, got: ReceivedUplink): OpenedUplink | string {
  const protocol = room.protocols[got.protocol];
  try {
    const clear = protocol.addressOf?.(got.bytes) ?? null;
    const filed = knownMeter(book, got.meterNo >= 0 ? got.meterNo : meterNoOf(book, clear));
    const file = filed === null ? emptyMeterFile : fileOf(room, filed);
    const decoded = protocol.decode(got.bytes, file);
    const inside = (decoded.ok ? decoded.value : decoded.fault.heard)?.address ?? null;
    const addresses = [inside, clear].filter((address) => address !== null);
    return { decoded, addresses };
  } catch (error) {
    return problemOf(error);
  }
}

function meterNoOf(book: Book, address: string | null): number {
  return address === null ? -1 : (book.memory.meterNoByAddress.get(address) ?? -1);
}

function problemOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : "unknown";
}

function evaluate(
  room: Room,
  book: Book,
  got: NumberedUplink,
  meter: Meter,
  telegram: Telegram,
): void {
  const draft = draftFor(room, book, meter);
  const outcome = tryStep(room, draft, got, telegram);
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
  { decoded, addresses }: OpenedUplink,
): Result<UplinkOutcome, string> {
  const owner = ownerOf(book, got, addresses);
  if (typeof owner === "string") return fail(owner);
  if (!decoded.ok) return fail(describe(decoded.fault));
  const draft = draftFor(room, book, owner);
  const outcome = tryStep(room, draft, got, decoded.value);
  if (!outcome.ok) return outcome;
  book.ledger.settleUplink(got.seq, owner.no, outcome.value);
  recordDraft(book, draft);
  return outcome;
}

/**
 * The uplink is in quarantine, but its status could be read: a leak is a leak whatever the register says. Without
 * a time of its own it is judged at its receipt, and so it never moves a valve by itself.
 */
function hear(room: Room, book: Book, got: NumberedUplink, meter: Meter, heard: Heard): void {
  const { address, status, valve } = heard;
  const readings = [{ ...emptyReading, status, valve }];
  const draft = draftFor(room, book, meter);
  const outcome = tryStep(room, draft, got, { address, frameId: null, readings, replies: [] });
  if (outcome.ok) recordDraft(book, draft);
  else park(room, book, meter, outcome.fault);
}

/** Our own mistake in one meter's evaluation must not silence the rest (architecture, section 2). */
function tryStep(
  room: Room,
  draft: Draft,
  got: NumberedUplink,
  telegram: Telegram,
): Result<UplinkOutcome, string> {
  const { bytes, seq, reachable, isRebuilt } = got;
  const receivedAtMs = timestampMs(got.receivedAtMs);
  const learned = learnedAfter(draft.context.learned, telegram.learned);
  if (learned !== draft.context.learned) draft.context = { ...draft.context, learned };
  try {
    return ok(stepUplink(draft, { telegram, bytes, seq, receivedAtMs, reachable, isRebuilt }));
  } catch (error) {
    if (room.isStoreFailure(error)) throw error;
    return fail(problemOf(error));
  }
}

function park(room: Room, book: Book, meter: Meter, problem: string): void {
  const draft = draftFor(room, book, meter);
  const proof = { reason: problem.slice(0, 200) };
  activate(draft, { rule: "PARKED", level: 1, proof, raisedAtMs: book.nowMs });
  recordDraft(book, draft);
}

function knownMeter(book: Book, meterNo: number): Meter | null {
  return book.memory.meters.get(meterNo) ?? null;
}

/** The meter that an uplink belongs to: by the credential, or by an address that its gateway may carry. */
function ownerOf(
  book: Book,
  got: ReceivedUplink,
  addresses: readonly string[],
): Meter | Extract<QuarantineReason, "NOT_OWNER" | "UNKNOWN_METER"> {
  const { memory } = book;
  if (got.meterNo >= 0) {
    const meter = memory.meters.get(got.meterNo);
    if (meter === undefined) return "UNKNOWN_METER";
    const { frameAddress } = meter;
    const isForeign =
      frameAddress !== null && addresses.length > 0 && !addresses.includes(frameAddress);
    return isForeign ? "NOT_OWNER" : meter;
  }
  const meterNo = addresses.map((address) => meterNoOf(book, address)).find((no) => no >= 0);
  const meter = memory.meters.get(meterNo ?? -1);
  if (meter === undefined) return "UNKNOWN_METER";
  return memory.gateways.get(got.gateway)?.has(meter.id) === true ? meter : "NOT_OWNER";
}

function quarantine(
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

/** One uplink from bytes to effects: whose it is, what it says, and what becomes of it. */
import type { Meter, ProtocolName } from "#domain/meter.ts";
import type { QuarantineReason, UplinkOutcome } from "#domain/quarantine.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { Result } from "#domain/result.ts";
import { timestampMs } from "#domain/units.ts";
import { reasonOf, type DecodeFault } from "#protocols/contract.ts";
import type { UplinkRoute } from "#ports/ledger.ts";
import { activate } from "./alarmDesk.ts";
import { nextNumber, recordDraft, type Book } from "./book.ts";
import { draftFor, type Room } from "./room.ts";
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

/** Decodes, judges and records one uplink; whatever it is, it ends as a row with an outcome. */
export function takeUplink(room: Room, book: Book, got: ReceivedUplink): void {
  const seq = nextNumber(book.memory, "uplink");
  const decoded = decode(room, got);
  if (typeof decoded === "string") {
    quarantine(book, got, seq, knownMeter(book, got.meterNo), "INTERNAL", decoded);
    const meter = knownMeter(book, got.meterNo);
    if (meter !== null) park(room, book, meter, decoded);
    return;
  }
  if (!decoded.ok) {
    const { fault } = decoded;
    quarantine(book, got, seq, knownMeter(book, got.meterNo), reasonOf(fault), describe(fault));
    return;
  }
  const owner = ownerOf(book, got, decoded.value);
  if (typeof owner === "string") {
    const detail = `address ${decoded.value.address ?? "none"}`;
    quarantine(book, got, seq, knownMeter(book, got.meterNo), owner, detail);
    return;
  }
  evaluate(room, book, got, seq, owner, decoded.value);
}

/** A decoder never throws; should one do so after all, it is our mistake in one uplink, and here it ends. */
function decode(room: Room, got: ReceivedUplink): Result<Telegram, DecodeFault> | string {
  try {
    return room.protocols[got.protocol].decode(got.bytes);
  } catch (error) {
    return problemOf(error);
  }
}

function problemOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : "unknown";
}

/** Our own mistake in one meter's evaluation must not silence the rest (architecture, section 2). */
function evaluate(
  room: Room,
  book: Book,
  got: ReceivedUplink,
  seq: number,
  meter: Meter,
  telegram: Telegram,
): void {
  const draft = draftFor(room, book, meter);
  let outcome: UplinkOutcome;
  try {
    outcome = stepUplink(draft, {
      telegram,
      bytes: got.bytes,
      seq,
      receivedAtMs: timestampMs(got.receivedAtMs),
      reachable: got.reachable,
    });
  } catch (error) {
    if (room.isStoreFailure(error)) throw error;
    const problem = problemOf(error);
    quarantine(book, got, seq, meter, "INTERNAL", problem);
    park(room, book, meter, problem);
    return;
  }
  putUplink(book, got, seq, meter, outcome);
  recordDraft(book, draft);
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
  telegram: Telegram,
): Meter | Extract<QuarantineReason, "NOT_OWNER" | "UNKNOWN_METER"> {
  const { memory } = book;
  const { address } = telegram;
  if (got.meterNo >= 0) {
    const meter = memory.meters.get(got.meterNo);
    if (meter === undefined) return "UNKNOWN_METER";
    const isForeign =
      meter.frameAddress !== null && address !== null && meter.frameAddress !== address;
    return isForeign ? "NOT_OWNER" : meter;
  }
  const meter = memory.meters.get(memory.meterNoByAddress.get(address ?? "") ?? -1);
  if (meter === undefined) return "UNKNOWN_METER";
  return memory.gateways.get(got.gateway)?.has(meter.id) === true ? meter : "NOT_OWNER";
}

function quarantine(
  book: Book,
  got: ReceivedUplink,
  seq: number,
  meter: Meter | null,
  reason: QuarantineReason,
  detail: string,
): void {
  const { protocol, receivedAtMs } = got;
  const meterNo = meter?.no ?? null;
  putUplink(book, got, seq, meter, "quarantined");
  book.ledger.putQuarantine({ uplinkSeq: seq, meterNo, protocol, reason, detail, receivedAtMs });
  book.tally.quarantined(protocol, reason);
}

function putUplink(
  book: Book,
  got: ReceivedUplink,
  seq: number,
  meter: Meter | null,
  outcome: UplinkOutcome,
): void {
  const { protocol, receivedAtMs, bytes } = got;
  const route: UplinkRoute = got.gateway === "" ? "meter" : `gateway:${got.gateway}`;
  const meterNo = meter?.no ?? null;
  book.ledger.putUplink({ seq, meterNo, route, protocol, receivedAtMs, outcome, bytes });
  book.tally.outcome(protocol, outcome);
}

function describe(fault: DecodeFault): string {
  const { kind, ...rest } = fault;
  const words = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`);
  return `${kind}: ${words.join(", ")}`.slice(0, 300);
}

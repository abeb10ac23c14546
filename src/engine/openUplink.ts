/** From bytes to what they say: out of the envelope where there is one, then through the meter's own decoder. */
import type { Meter, ProtocolName } from "#domain/meter.ts";
import { isProtocolName } from "#domain/meter.ts";
import { emptyMeterFile } from "#domain/meterFile.ts";
import { isCarrierName, type CarrierName, type UplinkName } from "#domain/platform.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { timestampMs, type TimestampMs } from "#domain/units.ts";
import type { Envelope } from "#protocols/carriers/contract.ts";
import type { DecodeFault, Protocol } from "#protocols/contract.ts";
import type { Book } from "./book.ts";
import { fileOf, type Room } from "./room.ts";

export interface ReceivedBytes {
  readonly bytes: Uint8Array;
  /** -1: the envelope's or the frame's address names the meter. */
  readonly meterNo: number;
  readonly protocol: UplinkName;
  readonly receivedAtMs: number;
  readonly isRebuilt: boolean;
}

/** What is known of one frame besides what is on file of its meter. */
interface FrameHints {
  /** For times that a meter says relative to now. */
  readonly receivedAtMs: TimestampMs;
  /** Where a platform that speaks LwM2M read it. */
  readonly path: string | null;
  readonly isRebuilt: boolean;
}

export interface OpenedUplink {
  /**
   * `event`: something of a platform, in which no meter speaks. `nobody`: the envelope names a meter that is not
   * registered, and without its protocol the frame says nothing.
   */
  readonly decoded: Result<Telegram, DecodeFault> | "event" | "nobody";
  /** The frame itself, by which its repetition is known. */
  readonly frame: Uint8Array;
  /** The meter by the credential, else by the envelope; -1: only the frame can say. */
  readonly meterNo: number;
  /** The envelope names another meter than the credential. */
  readonly isContradiction: boolean;
  /** What the frame says of whom it comes from: behind the cipher first, then in clear. */
  readonly addresses: readonly string[];
  /** In which the frame was read; null: it was not read. */
  readonly protocol: ProtocolName | null;
  /** The meter whose keys and profile opened it; -1: nobody's. */
  readonly filedNo: number;
  /** What its envelope says of it. */
  readonly name: string | null;
  /** The platform's own name for this delivery. */
  readonly deliveryId: string | null;
}

/**
 * A decoder never throws; should one do so after all, it is our mistake in one uplink, and here it ends as text that
 * says so.
 */
export function openUplink(room: Room, book: Book, got: ReceivedBytes): OpenedUplink | string {
  const { bytes, meterNo, protocol } = got;
  try {
    if (isCarrierName(protocol)) return openEnvelope(room, book, got, protocol);
    const whole = { frame: bytes, meterNo, isContradiction: false, name: null, deliveryId: null };
    const hints = { ...hintsOf(got), path: null };
    return { ...whole, ...decodeFrame(room, book, bytes, meterNo, protocol, hints) };
  } catch (error) {
    return problemOf(error);
  }
}

/** What an exception says of itself. */
export function problemOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : "unknown";
}

/** By an address in a frame; -1: nobody has it. */
export function meterNoOf({ memory }: Book, address: string | null): number {
  return address === null ? -1 : (memory.meterNoByAddress.get(address) ?? -1);
}

type Read = Pick<OpenedUplink, "decoded" | "addresses" | "protocol" | "filedNo">;

const unread = { addresses: [], protocol: null, filedNo: -1 } as const;

/**
 * With what is on file of the meter: of the one that the credential or the envelope names, else of the one whose
 * address stands in clear, else of the one that the frame itself names once it is read.
 */
function decodeFrame(
  room: Room,
  book: Book,
  frame: Uint8Array,
  meterNo: number,
  protocolName: ProtocolName,
  hints: FrameHints,
): Read {
  const protocol = room.protocols[protocolName];
  const clear = protocol.addressOf?.(frame) ?? null;
  const { meters } = book.memory;
  const filed = meters.get(meterNo >= 0 ? meterNo : meterNoOf(book, clear));
  const read = decodeAs(room, frame, filed, protocol, hints);
  const inside = (read.ok ? read.value : read.fault.heard)?.address ?? null;
  const named = filed ?? meters.get(meterNoOf(book, inside));
  const decoded = named === filed ? read : decodeAs(room, frame, named, protocol, hints);
  const addresses = [inside, clear].filter((address) => address !== null);
  return { decoded, addresses, protocol: protocolName, filedNo: named?.no ?? -1 };
}

function decodeAs(
  room: Room,
  frame: Uint8Array,
  meter: Meter | undefined,
  protocol: Protocol,
  { receivedAtMs, path, isRebuilt }: FrameHints,
): Result<Telegram, DecodeFault> {
  const file = meter === undefined ? emptyMeterFile : fileOf(room, meter, isRebuilt);
  const place = path === null ? {} : { resourcePath: path };
  return protocol.decode(frame, { ...file, receivedAtMs, ...place });
}

function hintsOf({ receivedAtMs, isRebuilt }: ReceivedBytes): Omit<FrameHints, "path"> {
  return { receivedAtMs: timestampMs(receivedAtMs), isRebuilt };
}

function openEnvelope(
  room: Room,
  book: Book,
  got: ReceivedBytes,
  carrier: CarrierName,
): OpenedUplink {
  const opened = room.carriers[carrier].open(got.bytes);
  if (!opened.ok) {
    const { bytes: frame, meterNo } = got;
    const said = { ...unread, decoded: opened, name: null, deliveryId: null };
    return { frame, meterNo, isContradiction: false, ...said };
  }
  const envelope = opened.value;
  const { deliveryId, inner } = envelope;
  const named = meterNoIn(book, envelope);
  const meterNo = got.meterNo >= 0 ? got.meterNo : named;
  const meter = book.memory.meters.get(meterNo);
  const isContradiction = got.meterNo >= 0 && contradicts(envelope, named, meter);
  const frame = inner ?? got.bytes;
  const name = envelope.meterId ?? envelope.address;
  const whole = { ...unread, frame, meterNo, isContradiction, name, deliveryId };
  if (inner === null) return { ...whole, decoded: "event" };
  if (meter === undefined && name !== null) return { ...whole, decoded: "nobody" };
  const protocol = protocolOf(envelope, meter);
  if (!protocol.ok) return { ...whole, decoded: protocol };
  const hints = { ...hintsOf(got), path: envelope.path };
  return { ...whole, ...decodeFrame(room, book, inner, meterNo, protocol.value, hints) };
}

/** Our id before the platform's name, and that before an address in the frame; -1: none of them is known. */
function meterNoIn({ memory }: Book, { meterId, address }: Envelope): number {
  if (meterId !== null) return memory.meterNoById.get(meterId) ?? -1;
  if (address === null) return -1;
  const carried = memory.meterNoByCarrierAddress.get(address.toLowerCase());
  return carried ?? memory.meterNoByAddress.get(address) ?? -1;
}

/** A name of another meter, or one that is not the registered one. */
function contradicts(
  { meterId, address }: Envelope,
  named: number,
  meter: Meter | undefined,
): boolean {
  if (meter === undefined) return false;
  if (named >= 0 || meterId !== null) return named !== meter.no;
  return address !== null && meter.carrierAddress !== null;
}

/** The meter's own protocol; a gateway that says another is programmed for another meter. */
function protocolOf(
  { protocol }: Envelope,
  meter: Meter | undefined,
): Result<ProtocolName, DecodeFault> {
  if (meter !== undefined) {
    return protocol === null || protocol === meter.protocol
      ? ok(meter.protocol)
      : fail({ kind: "schema", path: "protocol", problem: `the meter speaks ${meter.protocol}` });
  }
  if (protocol !== null && isProtocolName(protocol)) return ok(protocol);
  return fail({
    kind: "schema",
    path: "protocol",
    problem: "names neither a meter nor a protocol",
  });
}

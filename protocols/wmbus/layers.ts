/** The layers between link and records: extended link layer (8C to 8F) and authentication (90). */
import { fail, ok, type Result } from "#domain/result.ts";
import { code, hex, u16le, u8 } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import type { MbusAddress } from "#protocols/mbus/header.ts";
import { linkAddress, keyBytes } from "#protocols/mbus/security.ts";
import { crc16 } from "./checksum.ts";
import { ctr } from "./security.ts";

const communication = { communicationControl: code({}), accessNumber: u8 };
const session = { sessionNumber: hex(4), payloadChecksum: u16le };
const receiver = { receiverManufacturer: u16le, receiverAddress: hex(6) };

const extendedOne = layout("wmbus.extendedLink 8C", communication);
const extendedTwo = layout("wmbus.extendedLink 8D", { ...communication, ...session });
const extendedThree = layout("wmbus.extendedLink 8E", { ...communication, ...receiver });
const extendedFour = layout("wmbus.extendedLink 8F", { ...communication, ...receiver, ...session });

const checksumBytes = 2;
/** Bits 31 to 29 of the session number: 0 plain, 1 AES-128 in CTR. */
const sessionPlain = 0;
const sessionCtr = 1;
/** Repeaters change these two bits of the communication control, so they do not count in the cipher. */
const repeaterBits = 0x12;

/** A layer read: the bytes, deciphered where they were ciphered, and where the next CI stands. */
export interface LayerRead {
  readonly bytes: Uint8Array;
  readonly at: number;
  /** A cipher was opened with the meter's key. */
  readonly isOpened: boolean;
}

interface Whole {
  readonly bytes: Uint8Array;
  /** Where the layer's fields begin, behind its CI. */
  readonly at: number;
}

/** Whether a CI begins an extended link layer that is read here. */
export function isExtendedLink(ci: number): boolean {
  return ci >= 0x8c && ci <= 0x8f;
}

/** The extended link layer. `sender` is that of the link layer: the cipher takes it in. */
export function readExtendedLink(
  ci: number,
  { bytes, at }: Whole,
  sender: MbusAddress,
  key: Uint8Array | undefined,
  trace: FieldTrace[] | null,
): Result<LayerRead, DecodeFault> {
  if (ci === 0x8c || ci === 0x8e) {
    const plain = ci === 0x8c ? extendedOne : extendedThree;
    const read = plain.decode(bytes, at, trace);
    return read.ok ? ok({ bytes, at: at + plain.sizeBytes, isOpened: false }) : read;
  }
  const ciphered = ci === 0x8d ? extendedTwo : extendedFour;
  // The payload's checksum is ciphered too, so it is explained after it has been opened.
  const read = ciphered.decode(bytes, at, null);
  if (!read.ok) return read;
  const next = at + ciphered.sizeBytes;
  const checksumAt = next - checksumBytes;
  const opened = openSession(read.value, { bytes, at: checksumAt }, sender, key);
  if (!opened.ok) return opened;
  ciphered.decode(opened.value.bytes, at, trace);
  return ok({ ...opened.value, at: next });
}

interface Session {
  readonly communicationControl: number;
  readonly sessionNumber: string;
}

function openSession(
  { communicationControl, sessionNumber }: Session,
  { bytes, at }: Whole,
  sender: MbusAddress,
  key: Uint8Array | undefined,
): Result<Omit<LayerRead, "at">, DecodeFault> {
  const number = Buffer.from(sessionNumber, "hex");
  const mode = (number[3] ?? 0) >> 5;
  const wrong = checksumFault(bytes, at);
  const plain = { bytes, isOpened: false };
  if (mode === sessionPlain) return wrong === null ? ok(plain) : fail(wrong);
  if (mode !== sessionCtr) {
    return fail({ kind: "unsupported", what: `extended link encryption ${mode}` });
  }
  if (key === undefined) {
    // Some receivers have the key themselves and hand on the frame with its session unchanged.
    return wrong === null ? ok(plain) : fail({ kind: "keyMissing", keyName: "key" });
  }
  if (key.length !== keyBytes) return fail({ kind: "keyMissing", keyName: "key" });
  const control = communicationControl & ~repeaterBits;
  const block = [...linkAddress.encode(sender), control, ...number, 0, 0, 0];
  const opened = new Uint8Array(bytes);
  opened.set(ctr(key, Uint8Array.from(block), bytes.subarray(at)), at);
  // Under a wrong key this checksum cannot be right.
  const isRight = checksumFault(opened, at) === null;
  return isRight ? ok({ bytes: opened, isOpened: true }) : fail({ kind: "notAuthentic" });
}

/** The checksum covers all behind it. */
function checksumFault(bytes: Uint8Array, at: number): DecodeFault | null {
  const actual = (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  const expected = crc16(bytes, at + checksumBytes, bytes.length);
  return actual === expected ? null : { kind: "checksumMismatch", expected, actual };
}

/** What the authentication layer says: enough to check it, once the keys are known. */
export interface Authentication {
  /** Message counter as on the wire; null: the layer has none. */
  readonly counter: Uint8Array | null;
  /** null: the layer has none. */
  readonly mac: Uint8Array | null;
  /** What is signed: control, counter and length, then all from `signedAt` on. */
  readonly signedFields: Uint8Array;
  readonly signedAt: number;
}

const fragmentControl = layout("wmbus.authentication", { layerBytes: u8, fragmentControl: u16le });
const moreFragmentsBit = 0x4000;
const messageControlBit = 0x2000;
const lengthBit = 0x1000;
const counterBit = 0x0800;
const macBit = 0x0400;
const keyInformationBit = 0x0200;

/** Bytes of the MAC by the low bits of the message control. */
const macBytes: Readonly<Record<number, number>> = { 3: 2, 4: 4, 5: 8, 6: 12, 7: 16 };
const macTypeMask = 0x0f;

/** The authentication and fragmentation layer, behind its CI. */
export function readAuthentication(
  { bytes, at }: Whole,
  trace: FieldTrace[] | null,
): Result<Authentication, DecodeFault> {
  const head = fragmentControl.decode(bytes, at, trace);
  if (!head.ok) return head;
  const { layerBytes, fragmentControl: flags } = head.value;
  const end = at + 1 + layerBytes;
  if (end > bytes.length) {
    return fail({ kind: "truncated", neededBytes: end, availableBytes: bytes.length });
  }
  if ((flags & moreFragmentsBit) !== 0) {
    return fail({ kind: "unsupported", what: "message in several fragments" });
  }
  let next = at + fragmentControl.sizeBytes;
  const take = (name: string, isThere: boolean, sizeBytes: number): Uint8Array => {
    const part = bytes.subarray(next, next + (isThere ? sizeBytes : 0));
    if (part.length > 0) {
      const value = Buffer.from(part).toString("hex").toUpperCase();
      trace?.push({ name, from: next, to: next + part.length, value, unit: null });
    }
    next += isThere ? sizeBytes : 0;
    return part;
  };
  const control = take("messageControl", (flags & messageControlBit) !== 0, 1);
  take("keyInformation", (flags & keyInformationBit) !== 0, 2);
  const counter = take("messageCounter", (flags & counterBit) !== 0, 4);
  const macType = (control[0] ?? 0) & macTypeMask;
  const hasMac = (flags & macBit) !== 0;
  const sizeBytes = macBytes[macType];
  if (hasMac && sizeBytes === undefined) {
    return fail({ kind: "unsupported", what: `authentication type ${macType}` });
  }
  const mac = take("mac", hasMac, sizeBytes ?? 0);
  const length = take("messageLength", (flags & lengthBit) !== 0, 2);
  if (next !== end) return fail({ kind: "wrongLength", field: "wmbus.authentication", atByte: at });
  return ok({
    counter: counter.length === 0 ? null : counter,
    mac: hasMac ? mac : null,
    signedFields: Uint8Array.from([...control, ...counter, ...length]),
    signedAt: end,
  });
}

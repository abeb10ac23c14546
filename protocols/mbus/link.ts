/** The link layer of wired M-Bus: where a frame begins and ends, and that it arrived whole. */
import { fail, ok, type Result } from "#domain/result.ts";
import { code, fixed, u8 } from "#protocols/codec/field.ts";
import { layout, sum8 } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

/** The byte that says "received", a frame of its own. */
const acknowledgeByte = 0xe5;
const shortStart = 0x10;
const longStart = 0x68;
const endByte = 0x16;
/** L counts C, A and CI at least. */
const countedBytesMin = 3;

/** Bit 6 of C: the master speaks. */
const fromMasterBit = 0x40;

const control = code({
  0x08: "answer with user data",
  0x18: "answer with user data, busy",
  0x28: "answer with user data, alarm waiting",
  0x38: "answer with user data, alarm waiting, busy",
  0x40: "initialise (SND_NKE)",
  0x53: "send user data (SND_UD)",
  0x73: "send user data (SND_UD), count bit",
  0x5a: "ask for alarm (REQ_UD1)",
  0x7a: "ask for alarm (REQ_UD1), count bit",
  0x5b: "ask for user data (REQ_UD2)",
  0x7b: "ask for user data (REQ_UD2), count bit",
});

const linkAddress = code({
  0x00: "not configured",
  0xfd: "selected meter",
  0xfe: "whoever listens",
  0xff: "all meters",
});

/**  68 L L 68 | C A CI | records .. | CS 16
 *             '------ L bytes -----'
 * @see EN 13757-2, frame format FT 1.2 */
const longHead = layout("mbus.long", {
  start: fixed(longStart),
  countedBytes: u8,
  countedBytesAgain: u8,
  startAgain: fixed(longStart),
  control,
  address: linkAddress,
  controlInformation: code({
    0x50: "application reset",
    0x51: "data to the meter",
    0x52: "selection of a meter",
    0x70: "application error",
    0x71: "alarm",
    0x72: "records after a long header",
    0x73: "two registers of fixed structure",
    0x78: "records",
    0x7a: "records after a short header",
  }),
});

const shortHead = layout("mbus.short", { start: fixed(shortStart), control, address: linkAddress });
const tail = layout("mbus.tail", { checksum: code({}), end: fixed(endByte) });
/** Start, L, L and start again are not counted by L. */
const bytesBeforeControl = 4;

/** A frame that arrived whole. A long frame's content stands between `contentAt` and `contentEnd`. */
export type LinkFrame =
  | { readonly kind: "acknowledge"; readonly end: number }
  | {
      readonly kind: "short";
      readonly control: number;
      readonly address: number;
      readonly end: number;
    }
  | {
      readonly kind: "long";
      readonly control: number;
      readonly address: number;
      readonly controlInformation: number;
      readonly contentAt: number;
      readonly contentEnd: number;
      readonly end: number;
    };

/** Whether a control field was written by a master. */
export function isFromMaster(controlField: number): boolean {
  return (controlField & fromMasterBit) !== 0;
}

/** The frame that begins at a byte; `end` is the byte after it. */
export function decodeLinkFrame(
  bytes: Uint8Array,
  at: number,
  trace: FieldTrace[] | null,
): Result<LinkFrame, DecodeFault> {
  const first = bytes[at];
  if (first === acknowledgeByte) {
    trace?.push({ name: "acknowledge", from: at, to: at + 1, value: "E5H", unit: null });
    return ok({ kind: "acknowledge", end: at + 1 });
  }
  if (first === shortStart) {
    const head = shortHead.decode(bytes, at, trace);
    if (!head.ok) return head;
    const end = checkTail(bytes, at + 1, at + shortHead.sizeBytes);
    return end.ok ? ok({ kind: "short", ...head.value, end: end.value }) : end;
  }
  const head = longHead.decode(bytes, at, trace);
  if (!head.ok) return head;
  const { countedBytes, countedBytesAgain, controlInformation } = head.value;
  if (countedBytes !== countedBytesAgain || countedBytes < countedBytesMin) {
    return fail({ kind: "wrongLength", field: "mbus.long.countedBytes", atByte: at + 1 });
  }
  const contentEnd = at + bytesBeforeControl + countedBytes;
  const end = checkTail(bytes, at + bytesBeforeControl, contentEnd);
  if (!end.ok) return end;
  const contentAt = at + longHead.sizeBytes;
  const { control: controlField, address } = head.value;
  return ok({
    kind: "long",
    control: controlField,
    address,
    controlInformation,
    contentAt,
    contentEnd,
    end: end.value,
  });
}

/** The last two bytes of a frame, for people. */
export function explainTail(frame: LinkFrame, bytes: Uint8Array, trace: FieldTrace[]): void {
  if (frame.kind !== "acknowledge") tail.decode(bytes, frame.end - tail.sizeBytes, trace);
}

function checkTail(bytes: Uint8Array, from: number, to: number): Result<number, DecodeFault> {
  const neededBytes = to + tail.sizeBytes;
  if (bytes.length < neededBytes) {
    return fail({ kind: "truncated", neededBytes, availableBytes: bytes.length });
  }
  const read = tail.decode(bytes, to, null);
  if (!read.ok) return read;
  const expected = sum8(bytes, from, to);
  const actual = read.value.checksum;
  return actual === expected
    ? ok(neededBytes)
    : fail({ kind: "checksumMismatch", expected, actual });
}

/** A frame of control and address alone. */
export function encodeShortFrame(controlField: number, address: number): Uint8Array {
  const head = shortHead.encode({ start: shortStart, control: controlField, address });
  return closed(head, 1);
}

/** A frame around its content. */
export function encodeLongFrame(
  controlField: number,
  address: number,
  controlInformation: number,
  content: Uint8Array,
): Uint8Array {
  const countedBytes = countedBytesMin + content.length;
  const head = longHead.encode({
    start: longStart,
    countedBytes,
    countedBytesAgain: countedBytes,
    startAgain: longStart,
    control: controlField,
    address,
    controlInformation,
  });
  return closed(Buffer.concat([head, content]), bytesBeforeControl);
}

function closed(front: Uint8Array, summedFrom: number): Uint8Array {
  const checksum = sum8(front, summedFrom, front.length);
  return Uint8Array.from([...front, ...tail.encode({ checksum, end: endByte })]);
}

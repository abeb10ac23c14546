/** The envelope of CAT-1: it looks like CJ/T 188, but byte 10 is the control code and byte 15 the length. */
import { fail, ok, type Result } from "#domain/result.ts";
import { bcdLe, code, fixed, u16be, u8 } from "#protocols/codec/field.ts";
import { greeting } from "#protocols/codec/frameStream.ts";
import { layout, sum8 } from "#protocols/codec/layout.ts";
import { endByte, faultOfWhole, sumTail } from "#protocols/codec/sumTail.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

const startByte = 0x68;

/** Control codes; the high bit is set where the meter speaks. */
export const controls = {
  report: 0x97,
  reportAnswer: 0x17,
  read: 0x01,
  readAnswer: 0x81,
  write: 0x04,
  writeAnswer: 0x84,
} as const;

/** Byte 9 of everything this side sends; a meter sends it back as it got it, so 01 occurs in answers. */
const deviceType = 0x03;

/**  A3 45 A3 C5 00 00 | 68 T A0..A6 dev C | instruction kind m | data .. | CS 16
 *   once a connection   '----------- head, 16 bytes ---------'  m bytes
 * @see CAT-1 valve and remote reading protocol V1.0 (Shenzhen Jia Ronghua), frame format */
const head = layout("cat1.head", {
  start: fixed(startByte),
  meterType: code({
    0x10: "cold water",
    0x11: "hot water",
    0x12: "drinking water",
    0x13: "reclaimed water",
    0x30: "gas",
  }),
  /** As printed on the meter: 14 digits; low byte first on the wire. */
  address: bcdLe(7),
  deviceType: code({}),
  control: code({
    [controls.report]: "report",
    [controls.reportAnswer]: "answer to a report",
    [controls.read]: "read",
    [controls.readAnswer]: "answer to a read",
    [controls.write]: "write",
    [controls.writeAnswer]: "answer to a write",
  }),
  /** The server's number of the order; 0 in reports, and in some refusals. */
  instruction: u16be,
  /** In reports and their answers: why the meter called. Else 0. */
  reportingType: u16be,
  dataBytes: u8,
});

const tail = sumTail("cat1.tail");

/** A frame that arrived whole. `dataAt` and `dataBytes` delimit its data. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly meterType: number;
  /** 14 digits as printed on the meter. */
  readonly address: string;
  readonly deviceType: number;
  readonly control: number;
  readonly instruction: number;
  readonly reportingType: number;
  readonly dataAt: number;
  readonly dataBytes: number;
}

/** What a frame is written from; the device type is ours unless a simulated meter mirrors another. */
export type FrameHead = Pick<
  Frame,
  "meterType" | "address" | "control" | "instruction" | "reportingType"
> & { readonly deviceType?: number };

/** The frame that these bytes are, no more and no less, but for the greeting of a connection. */
export function decodeFrame(
  bytes: Uint8Array,
  trace: FieldTrace[] | null,
): Result<Frame, DecodeFault> {
  const startAt = startOf(bytes);
  const read = head.decode(bytes, startAt, trace);
  if (!read.ok) return read;
  const { start: _, dataBytes, ...values } = read.value;
  const dataAt = startAt + head.sizeBytes;
  const tailAt = dataAt + dataBytes;
  const lengthField = "cat1.head.dataBytes";
  const place = { startAt, tailAt, lengthAt: dataAt - 1, lengthField };
  const fault = faultOfWhole(bytes, tail, place);
  if (fault !== null) return fail(fault);
  return ok({ bytes, ...values, dataAt, dataBytes });
}

/** A meter speaks: D7 of the control code. */
export function isAnswer(control: number): boolean {
  return (control & 0x80) !== 0;
}

/** Whose frame it is; null: these bytes are no whole frame. */
export function addressOf(bytes: Uint8Array): string | null {
  const whole = decodeFrame(bytes, null);
  return whole.ok ? whole.value.address : null;
}

/** The last two bytes, for people. */
export function explainTail({ bytes, dataAt, dataBytes }: Frame, trace: FieldTrace[]): void {
  tail.decode(bytes, dataAt + dataBytes, trace);
}

/** Where 68H is expected: after the greeting of a connection, if there is one. */
export function startOf(bytes: Uint8Array): number {
  const isGreeted = greeting.every((byte, at) => bytes[at] === byte);
  return isGreeted ? greeting.length : 0;
}

/** A frame around its data. */
export function encodeFrame(values: FrameHead, data: Uint8Array): Uint8Array {
  const front = head.encode({ start: startByte, deviceType, ...values, dataBytes: data.length });
  const body = Buffer.concat([front, data]);
  const checksum = sum8(body, 0, body.length);
  return new Uint8Array(Buffer.concat([body, tail.encode({ checksum, end: endByte })]));
}

/** A frame as a person would name it. */
export function describe({ control, dataBytes }: Frame): string {
  return `control ${control.toString(16).toUpperCase()}H with ${dataBytes} bytes of data`;
}

/** The envelope of CJ/T 188: where a frame begins and ends, and that it arrived whole. */
import { fail, ok, type Result } from "#domain/result.ts";
import { code, fixed, hexLe, u8 } from "#protocols/codec/field.ts";
import { layout, sum8 } from "#protocols/codec/layout.ts";
import { endByte, faultOfWhole, sumTail } from "#protocols/codec/sumTail.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

/** The wake-up bytes before a frame; the standard says 2 to 4, the field 0 to 4. */
const preambleByte = 0xfe;
const preambleBytesMax = 4;

/**  FE.. | 68 T A0..A6 C L | DI0 DI1 SER payload | CS 16
 *        '------- head ----' '------ L bytes ----' tail
 * @see CJ/T 188-2004, frame format */
const head = layout("cjt188.head", {
  start: fixed(0x68),
  meterType: code({
    0x10: "cold water",
    0x11: "hot water",
    0x12: "drinking water",
    0x13: "reclaimed water",
    0x20: "heat",
    0x21: "cooling",
    0x22: "heat and cooling",
    0x30: "gas",
    0x40: "electricity",
    0xaa: "any",
  }),
  /** As printed on the meter, A6 first: 4 digits of manufacturer, 10 of serial number. */
  address: hexLe(7),
  control: code({
    0x01: "read data",
    0x03: "read address",
    0x04: "write data",
    0x15: "write address",
    0x2a: "write data (vendor)",
    0x81: "answer to read data",
    0x83: "answer to read address",
    0x84: "answer to write data",
    0xaa: "answer to write data (vendor)",
    0xc1: "abnormal answer to read data",
    0xc4: "abnormal answer to write data",
  }),
  dataBytes: u8,
});

const tail = sumTail("cjt188.tail");

/** A frame that arrived whole. `dataAt` and `dataBytes` delimit DI, SER and payload. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly meterType: number;
  /** 14 digits as printed on the meter. */
  readonly address: string;
  readonly control: number;
  readonly dataAt: number;
  readonly dataBytes: number;
}

/** The frame that these bytes are, no more and no less. */
export function decodeFrame(
  bytes: Uint8Array,
  trace: FieldTrace[] | null,
): Result<Frame, DecodeFault> {
  const startAt = startOf(bytes);
  const read = head.decode(bytes, startAt, trace);
  if (!read.ok) return read;
  const { meterType, address, control, dataBytes } = read.value;
  const dataAt = startAt + head.sizeBytes;
  const tailAt = dataAt + dataBytes;
  const lengthField = "cjt188.head.dataBytes";
  const place = { startAt, tailAt, lengthAt: dataAt - 1, lengthField };
  const fault = faultOfWhole(bytes, tail, place);
  if (fault !== null) return fail(fault);
  return ok({ bytes, meterType, address: address.toUpperCase(), control, dataAt, dataBytes });
}

/** The last two bytes, for people. */
export function explainTail({ bytes, dataAt, dataBytes }: Frame, trace: FieldTrace[]): void {
  tail.decode(bytes, dataAt + dataBytes, trace);
}

/** Where 68H is expected: after the preamble. */
export function startOf(bytes: Uint8Array): number {
  let at = 0;
  while (at < preambleBytesMax && bytes[at] === preambleByte) at += 1;
  return at;
}

/** A frame around its data. */
export function encodeFrame(
  { meterType, address, control }: Pick<Frame, "meterType" | "address" | "control">,
  data: Uint8Array,
  preambleBytes = 0,
): Uint8Array {
  const start = new Uint8Array(preambleBytes).fill(preambleByte);
  const front = head.encode({ start: 0x68, meterType, address, control, dataBytes: data.length });
  const body = Buffer.concat([front, data]);
  const checksum = sum8(body, 0, body.length);
  return new Uint8Array(Buffer.concat([start, body, tail.encode({ checksum, end: endByte })]));
}

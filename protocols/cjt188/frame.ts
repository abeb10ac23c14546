/** The envelope of CJ/T 188: where a frame begins and ends, and that it arrived whole. */
import { fail, ok, type Result } from "#domain/result.ts";
import { code, fixed, hexLe, u8, type Field } from "#protocols/codec/field.ts";
import { layout, sum8 } from "#protocols/codec/layout.ts";
import { endByte, faultOfWhole, sumTail } from "#protocols/codec/sumTail.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

/** The wake-up bytes before a frame; the standard says 2 to 4, the field 0 to 4. */
const preambleByte = 0xfe;
const preambleBytesMax = 4;

/** D7 of the control code: the meter speaks. */
const answerBit = 0x80;
/** D6: the answer is abnormal. */
const abnormalBit = 0x40;
/** D5: in 2004 a code of the maker, in 2018 "more frames follow". Either way the frame stands for itself. */
const makersBit = 0x20;

/** Functions of the control code, D4 to D0. */
export const functions = {
  readData: 0x01,
  readAddress: 0x03,
  writeData: 0x04,
  readKeyVersion: 0x09,
  writeAddress: 0x15,
  writeMotorSync: 0x16,
  /** A maker's own way to write data: with D5, so 2A and AA. */
  writeDataVendor: 0x0a,
} as const;

const functionNames: Readonly<Record<number, string>> = {
  [functions.readData]: "read data",
  [functions.readAddress]: "read address",
  [functions.writeData]: "write data",
  [functions.readKeyVersion]: "read key version",
  [functions.writeAddress]: "write address",
  [functions.writeMotorSync]: "write motor sync",
  [functions.writeDataVendor]: "write data (vendor)",
};

/** What a control code asks for or answers, whatever its upper bits say. */
export function functionOf(control: number): number {
  return control & 0x1f;
}

/** A meter speaks. */
export function isAnswer(control: number): boolean {
  return (control & answerBit) !== 0;
}

/** A meter refuses. */
export function isAbnormal(control: number): boolean {
  return isAnswer(control) && (control & abnormalBit) !== 0;
}

const controlField: Field<number> = {
  ...u8,
  print(control) {
    const who = isAnswer(control) ? "answer to " : "";
    const how = isAbnormal(control) ? "abnormal " : "";
    const name = functionNames[functionOf(control)] ?? "unknown function";
    const isVendor = functionOf(control) === functions.writeDataVendor;
    const more = (control & makersBit) !== 0 && !isVendor ? ", D5: maker's or more follows" : "";
    return `${control.toString(16).toUpperCase().padStart(2, "0")}H ${how}${who}${name}${more}`;
  },
};

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
  control: controlField,
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

/** Any meter that hears it. */
export const broadcastAddress = "AAAAAAAAAAAAAA";

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

/** Whose frame it is; null: the broadcast address is nobody's. */
export function ownerOf({ address }: Frame): string | null {
  return address === broadcastAddress ? null : address;
}

/** DI as on the wire; empty when the frame is too short to have one. */
export function diOf({ bytes, dataAt, dataBytes }: FrameData): string {
  if (dataBytes < 2) return "";
  return Buffer.from(bytes.subarray(dataAt, dataAt + 2)).toString("hex");
}

export type FrameData = Pick<Frame, "bytes" | "dataAt" | "dataBytes">;

/** A frame as a person would name it. */
export function describe(frame: Frame): string {
  const control = frame.control.toString(16).toUpperCase().padStart(2, "0");
  const kind = isAnswer(frame.control) ? "answer" : "request";
  return `${kind} ${control}H with DI ${diOf(frame).toUpperCase()} and L ${frame.dataBytes}`;
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

/** HDLC frames: where one ends, that it arrived whole, and who speaks to whom. */
import { fail, ok, type Result } from "#domain/result.ts";
import { crc16X25 } from "#protocols/codec/crc16.ts";
import { tooShort } from "#protocols/codec/lengthOctets.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

/** A frame that arrived whole. */
export interface HdlcFrame {
  readonly kind: FrameKind;
  /** More of the same information field follows in the next frame. */
  readonly isSegmented: boolean;
  /** Upper and lower address; one where there is only one. */
  readonly destination: readonly number[];
  readonly source: readonly number[];
  readonly control: number;
  readonly informationFrom: number;
  readonly informationTo: number;
  /** The first of the two stands only before information. */
  readonly headerChecksum: number | null;
  readonly frameChecksum: number;
  /** What stood before it was damaged, or no frame: what it continues may be lost. */
  readonly isAfterLoss: boolean;
}

export type FrameKind = (typeof kinds)[number][1] | "I" | "RR" | "RNR";

/** The byte before and after a frame. */
export const hdlcFlag = 0x7e;

const formatType = 0xa0;
const segmentationBit = 0x08;
const checksumBytes = 2;
const pollFinalBit = 0x10;

/** Control bytes without the poll/final bit. @see ISO/IEC 13239 */
const kinds = [
  [0x83, "SNRM"],
  [0x63, "UA"],
  [0x43, "DISC"],
  [0x0f, "DM"],
  [0x87, "FRMR"],
  [0x03, "UI"],
] as const;

/** Damaged frames of one payload that are passed over; more are no link. */
const damagedFramesMax = 64;

/**  7E | A0 length | destination | source | control | HCS | information | FCS | 7E
 *       '----------------------- length bytes ---------------------------'
 * HCS stands only before information. Frames may follow each other and share a flag. A payload may begin
 * or end inside a frame, or hold noise: the frames that are whole count, and those behind a loss say so.
 * @see IEC 62056-46 */
export function readHdlc(
  bytes: Uint8Array,
  trace: FieldTrace[] | null,
): Result<readonly HdlcFrame[], DecodeFault> {
  const frames: HdlcFrame[] = [];
  let firstFault: DecodeFault | null = null;
  let damaged = 0;
  let isAfterLoss = false;
  let at = 0;
  while (at < bytes.length) {
    const startAt = at + 1;
    const isFlag = bytes[at] === hdlcFlag;
    if (isFlag && (bytes[startAt] === hdlcFlag || startAt === bytes.length)) {
      at = startAt;
      continue;
    }
    const frame = isFlag ? readFrame(bytes, startAt, trace) : noFlag(at);
    if (frame.ok) {
      frames.push({ ...frame.value.frame, isAfterLoss });
      isAfterLoss = false;
      // The closing flag may open the next frame.
      at = frame.value.endAt;
      continue;
    }
    firstFault ??= frame.fault;
    damaged += 1;
    if (damaged > damagedFramesMax) return fail(firstFault);
    isAfterLoss = true;
    const nextAt = bytes.indexOf(hdlcFlag, startAt);
    at = nextAt < 0 ? bytes.length : nextAt;
  }
  if (frames.length > 0) return ok(frames);
  return firstFault === null ? tooShort(bytes, bytes.length + 1) : fail(firstFault);
}

function noFlag(atByte: number): Result<never, DecodeFault> {
  return fail({ kind: "unexpectedValue", field: "hdlc.flag", atByte });
}

/** Whether a frame may begin somewhere in the bytes: a flag, and the type of its format. */
export function mayHoldHdlc(bytes: Uint8Array): boolean {
  return bytes.some(
    (byte, at) => byte === hdlcFlag && ((bytes[at + 1] ?? 0) & 0xf0) === formatType,
  );
}

interface FrameAndEnd {
  readonly frame: Omit<HdlcFrame, "isAfterLoss">;
  readonly endAt: number;
}

function readFrame(
  bytes: Uint8Array,
  from: number,
  trace: FieldTrace[] | null,
): Result<FrameAndEnd, DecodeFault> {
  const [first = 0, second = 0] = bytes.subarray(from, from + 2);
  const endAt = from + ((first & 0x07) << 8) + second;
  if (endAt >= bytes.length) return tooShort(bytes, endAt + 1);
  if ((first & 0xf0) !== formatType) {
    return fail({ kind: "unexpectedValue", field: "hdlc.format", atByte: from });
  }
  if (bytes[endAt] !== hdlcFlag) {
    return fail({ kind: "wrongLength", field: "hdlc.length", atByte: from });
  }
  const informationTo = endAt - checksumBytes;
  const destination = readAddress(bytes, from + 2);
  const source = readAddress(bytes, destination.nextAt);
  const controlAt = source.nextAt;
  const headerTo = controlAt + 1;
  if (destination.parts.length === 0 || source.parts.length === 0) {
    return fail({ kind: "unexpectedValue", field: "hdlc.address", atByte: from + 2 });
  }
  if (headerTo > informationTo) {
    return fail({ kind: "wrongLength", field: "hdlc.length", atByte: from });
  }
  const frameSum = checksumAt(bytes, from, informationTo);
  if (!frameSum.ok) return frameSum;
  const hasInformation = headerTo < informationTo;
  const headerSum = hasInformation ? checksumAt(bytes, from, headerTo) : ok(null);
  if (!headerSum.ok) return headerSum;
  const informationFrom = hasInformation ? headerTo + checksumBytes : headerTo;
  const control = bytes[controlAt] ?? 0;
  const kind = kindOf(control);
  if (kind === undefined || informationFrom > informationTo) {
    return fail({ kind: "unexpectedValue", field: "hdlc.control", atByte: controlAt });
  }
  if (trace !== null) {
    const line = (name: string, start: number, end: number, value: string): void => {
      trace.push({ name, from: start, to: end, value, unit: null });
    };
    line("hdlc length", from, from + 2, String(endAt - from));
    line("destination", from + 2, destination.nextAt, destination.parts.join("/"));
    line("source", destination.nextAt, controlAt, source.parts.join("/"));
    line("control", controlAt, headerTo, kind);
    if (hasInformation) line("header checksum", headerTo, informationFrom, "right");
    line("frame checksum", informationTo, endAt, "right");
  }
  const frame = {
    kind,
    isSegmented: (first & segmentationBit) !== 0,
    destination: destination.parts,
    source: source.parts,
    control,
    informationFrom,
    informationTo,
    headerChecksum: headerSum.value,
    frameChecksum: frameSum.value,
  };
  return ok({ frame, endAt });
}

/** One, two or four bytes of seven bits each; the last one is odd. Two halves: upper, lower. No parts: none. */
function readAddress(
  bytes: Uint8Array,
  at: number,
): { readonly parts: readonly number[]; readonly nextAt: number } {
  const digits: number[] = [];
  for (let i = at; i < at + 4 && i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    digits.push(byte >> 1);
    if ((byte & 1) === 1) break;
  }
  const nextAt = at + digits.length;
  const isEnded = ((bytes[nextAt - 1] ?? 0) & 1) === 1;
  if (digits.length === 3 || !isEnded) return { parts: [], nextAt };
  const [a = 0, b = 0, c = 0, d = 0] = digits;
  if (digits.length === 4) return { parts: [a * 128 + b, c * 128 + d], nextAt };
  return { parts: digits, nextAt };
}

/** The checksum behind the bytes, low byte first, when it is theirs. */
function checksumAt(bytes: Uint8Array, from: number, to: number): Result<number, DecodeFault> {
  const expected = crc16X25(bytes, from, to);
  const [low = 0, high = 0] = bytes.subarray(to, to + checksumBytes);
  const actual = high * 256 + low;
  if (actual !== expected) return fail({ kind: "checksumMismatch", expected, actual });
  return ok(actual);
}

function kindOf(control: number): FrameKind | undefined {
  if ((control & 1) === 0) return "I";
  const named = kinds.find(([code]) => code === (control & ~pollFinalBit));
  if (named !== undefined) return named[1];
  if ((control & 0x0f) === 0x01) return "RR";
  return (control & 0x0f) === 0x05 ? "RNR" : undefined;
}

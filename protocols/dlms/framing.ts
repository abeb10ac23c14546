/** What lies around an APDU: HDLC, the wrapper of TCP and UDP, the LLC head alone, or nothing. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { tooShort } from "#protocols/codec/lengthOctets.ts";
import { isApduTag } from "./apdu.ts";
import { hdlcFlag, mayHoldHdlc, readHdlc, type HdlcFrame } from "./hdlc.ts";

/** The largest payload that is looked at. */
export const payloadBytesMax = 64 * 1024;

/** An APDU taken out of its frames, and where its bytes stood. */
export interface Unwrapped {
  readonly apdu: Uint8Array;
  /** The place in the payload of a byte of the APDU. */
  readonly placeOf: (offset: number) => number;
}

/** The most frames of one APDU; the largest windows carry a few dozen. */
const segmentsMax = 256;
/** LLC: E6 E6 00 to the meter, E6 E7 00 from it. */
const llcBytes = 3;
const llcFirst = 0xe6;
const llcSeconds: ReadonlySet<number> = new Set([0xe6, 0xe7]);

/** Every APDU of a payload. */
export function unwrap(
  bytes: Uint8Array,
  trace: FieldTrace[] | null,
): Result<readonly Unwrapped[], DecodeFault> {
  if (bytes.length > payloadBytesMax) {
    return fail({ kind: "tooLarge", limitBytes: payloadBytesMax });
  }
  if (bytes.length === 0) return tooShort(bytes, 1);
  const [first = 0] = bytes;
  const isWrapper = first === 0 && bytes[1] === wrapperVersion;
  const isNoise = first !== llcFirst && !isWrapper && !isApduTag(first);
  if (first === hdlcFlag || (isNoise && mayHoldHdlc(bytes))) {
    const frames = readHdlc(bytes, trace);
    return frames.ok ? ofHdlc(bytes, frames.value) : frames;
  }
  if (isWrapper) return ofWrapper(bytes, trace);
  const from = first === llcFirst ? llcBytes : 0;
  if (from > 0 && !isLlc(bytes, 0)) {
    return fail({ kind: "unexpectedValue", field: "llc", atByte: 0 });
  }
  return ok([piece(bytes, from, bytes.length)]);
}

function isLlc(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === llcFirst && llcSeconds.has(bytes[at + 1] ?? 0) && bytes[at + 2] === 0;
}

function piece(bytes: Uint8Array, from: number, to: number): Unwrapped {
  return { apdu: bytes.subarray(from, to), placeOf: (offset) => from + offset };
}

/** Segments are joined before anything is read: one APDU may be ciphered across them. */
function ofHdlc(
  bytes: Uint8Array,
  frames: readonly HdlcFrame[],
): Result<readonly Unwrapped[], DecodeFault> {
  const found: Unwrapped[] = [];
  let segments: HdlcFrame[] = [];
  let isAfterLoss = false;
  let isOrphan = false;
  for (const frame of frames) {
    isAfterLoss ||= frame.isAfterLoss;
    if (frame.kind !== "I" && frame.kind !== "UI") continue;
    if (isAfterLoss) {
      segments = [];
      isAfterLoss = false;
      isOrphan = !isLlc(bytes, frame.informationFrom);
    }
    if (isOrphan) {
      // The rest of an APDU whose beginning is lost.
      isOrphan = frame.isSegmented;
      continue;
    }
    segments.push(frame);
    if (segments.length > segmentsMax)
      return fail({ kind: "tooLarge", limitBytes: payloadBytesMax });
    if (frame.isSegmented) continue;
    const joined = join(bytes, segments);
    if (!joined.ok) return joined;
    found.push(joined.value);
    segments = [];
  }
  if (found.length > 0) return ok(found);
  const isCut = segments.length > 0 || frames.some(({ isAfterLoss }) => isAfterLoss);
  if (isCut) return tooShort(bytes, bytes.length + 1);
  const list = frames.map(({ kind }) => kind).join(" ");
  return fail({ kind: "unsupported", what: `HDLC ${list}` });
}

function join(bytes: Uint8Array, segments: readonly HdlcFrame[]): Result<Unwrapped, DecodeFault> {
  const [first] = segments;
  const firstAt = first?.informationFrom ?? 0;
  if (!isLlc(bytes, firstAt)) {
    return fail({ kind: "unexpectedValue", field: "llc", atByte: firstAt });
  }
  const parts = segments.map(({ informationFrom, informationTo }, index) => {
    const from = index === 0 ? informationFrom + llcBytes : informationFrom;
    return { from, part: bytes.subarray(from, informationTo) };
  });
  const apdu = new Uint8Array(Buffer.concat(parts.map(({ part }) => part)));
  function placeOf(offset: number): number {
    let rest = offset;
    for (const { from, part } of parts) {
      if (rest < part.length) return from + rest;
      rest -= part.length;
    }
    return bytes.length;
  }
  return ok({ apdu, placeOf });
}

const wrapperVersion = 1;
const wrapperBytes = 8;

/**  0001 | source port 2 | destination port 2 | length 2 | APDU
 * @see IEC 62056-47 */
function ofWrapper(
  bytes: Uint8Array,
  trace: FieldTrace[] | null,
): Result<readonly Unwrapped[], DecodeFault> {
  const found: Unwrapped[] = [];
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const from = at + wrapperBytes;
    if (from > bytes.length) return tooShort(bytes, from);
    if (view.readUInt16BE(at) !== wrapperVersion) {
      return fail({ kind: "unexpectedValue", field: "wrapper.version", atByte: at });
    }
    const to = from + view.readUInt16BE(at + 6);
    if (to > bytes.length) return tooShort(bytes, to);
    const ports = `${view.readUInt16BE(at + 2)} to ${view.readUInt16BE(at + 4)}`;
    trace?.push({ name: "wrapper ports", from: at, to: at + 6, value: ports, unit: null });
    trace?.push({
      name: "wrapper length",
      from: at + 6,
      to: from,
      value: String(to - from),
      unit: null,
    });
    found.push(piece(bytes, from, to));
    at = to;
  }
  return ok(found);
}

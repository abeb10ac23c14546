/**
 * Which kind of frame begins with this 68, and how long it is. Five families share the first byte and
 * the last (16); a frame is one of them only when its own length leads to a right checksum *and* to 16.
 * What a frame says is its protocol's business: here only shape, length and checksum count.
 */
import { sum8 } from "./layout.ts";
import { endByte } from "./sumTail.ts";

/** Families that share the first and the last byte, by the names that people know them under. */
export const frameFamilies = {
  mbus: "M-Bus long frame",
  dl645: "DL/T 645 frame",
  diaphragm: "diaphragm gas meter frame",
  cjt188: "CJ/T 188 frame",
  cat1: "CAT-1 frame",
} as const;
export type FrameFamily = keyof typeof frameFamilies;

/** What begins at a place: a whole frame, perhaps one whose end is not here yet, or none. */
export type FrameStart =
  | { readonly kind: "whole"; readonly family: FrameFamily; readonly sizeBytes: number }
  | { readonly kind: "arriving" }
  | { readonly kind: "none" };

/** The longest frame that is waited for; a length beyond it is a lie. */
export const streamFrameBytesMax = 1_024;

export const startByte = 0x68;

type ByteAt = (offset: number) => number;
type Mark = readonly [offset: number, fits: (byte: number) => boolean];

/** How a family's frame is recognised. Offsets count from its 68. */
interface Shape {
  readonly family: FrameFamily;
  /** What every frame of the family has. */
  readonly marks: readonly Mark[];
  /** Bytes up to the end of the length. */
  readonly headBytes: number;
  /** `noLength`: there is no such frame. */
  readonly frameBytes: (byteAt: ByteAt) => number;
  /** The checksum leaves out the bytes before this one. */
  readonly sumFrom: number;
}

const is = (wanted: number) => (byte: number) => byte === wanted;
const isOneOf = (wanted: readonly number[]) => (byte: number) => wanted.includes(byte);
const noLength = 0;
const mbusDataBytesMin = 3;
/** Time, kind of meter, identifier and sequence. */
const diaphragmDataBytesMin = 10;
const isCat1Control = isOneOf([0x97, 0x17, 0x01, 0x81, 0x04, 0x84]);

/** In the order in which a frame that fits two shapes is taken. */
const shapes: readonly Shape[] = [
  {
    family: "mbus",
    marks: [[3, is(startByte)]],
    headBytes: 4,
    // The length stands twice; two that differ are none.
    frameBytes: (byteAt) =>
      byteAt(1) === byteAt(2) && byteAt(1) >= mbusDataBytesMin ? byteAt(1) + 6 : noLength,
    sumFrom: 4,
  },
  {
    family: "dl645",
    marks: [[7, is(startByte)]],
    headBytes: 10,
    frameBytes: (byteAt) => byteAt(9) + 12,
    sumFrom: 0,
  },
  {
    family: "diaphragm",
    marks: [[7, is(startByte)]],
    headBytes: 11,
    frameBytes(byteAt) {
      const dataBytes = byteAt(9) + 256 * byteAt(10);
      return dataBytes >= diaphragmDataBytesMin ? dataBytes + 13 : noLength;
    },
    sumFrom: 0,
  },
  {
    family: "cjt188",
    // No byte of its head is certain: makers put into T and C what they like.
    marks: [],
    headBytes: 11,
    frameBytes: (byteAt) => byteAt(10) + 13,
    sumFrom: 0,
  },
  {
    family: "cat1",
    marks: [[10, isCat1Control]],
    headBytes: 16,
    frameBytes: (byteAt) => byteAt(15) + 18,
    sumFrom: 0,
  },
];

/**
 * What begins at a byte. `sumOf` gives the sum modulo 256 of a stretch of bytes; who asks at many places
 * brings one that does not add the same bytes again.
 */
export function startsWith68(
  bytes: Uint8Array,
  at = 0,
  sumOf: (from: number, to: number) => number = (from, to) => sum8(bytes, from, to),
): FrameStart {
  if (bytes[at] !== startByte) return { kind: "none" };
  const byteAt = (offset: number) => bytes[at + offset] ?? 0;
  const present = bytes.length - at;
  let isArriving = false;
  for (const { family, marks, headBytes, frameBytes, sumFrom } of shapes) {
    if (!marks.every(([offset, fits]) => offset >= present || fits(byteAt(offset)))) continue;
    const sizeBytes = present < headBytes ? headBytes : frameBytes(byteAt);
    if (sizeBytes === noLength || sizeBytes > streamFrameBytesMax) continue;
    if (present < headBytes || present < sizeBytes) {
      isArriving = true;
      continue;
    }
    const isEnded = byteAt(sizeBytes - 1) === endByte;
    const sumAt = sizeBytes - 2;
    if (isEnded && byteAt(sumAt) === sumOf(at + sumFrom, at + sumAt)) {
      return { kind: "whole", family, sizeBytes };
    }
  }
  return { kind: isArriving ? "arriving" : "none" };
}

/** The family of which these bytes are one frame, no more and no less; undefined: they are none. */
export function familyOf(bytes: Uint8Array): FrameFamily | undefined {
  const start = startsWith68(bytes);
  return start.kind === "whole" && start.sizeBytes === bytes.length ? start.family : undefined;
}

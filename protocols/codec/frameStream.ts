/**
 * Frames out of a stream of bytes, for the families that begin with 68 and end with 16. What a frame
 * is worth is its protocol's business: here only its shape, its length and its checksum count.
 */

/** Families that share the first and the last byte. */
export type StreamProtocol = "mbus" | "dl645" | "diaphragm" | "cjt188" | "cat1";

/** One frame, without what wakes a meter up. */
export interface StreamFrame {
  readonly protocol: StreamProtocol;
  readonly bytes: Uint8Array;
}

/** What a stretch of a stream holds. */
export interface FrameSplit {
  readonly frames: readonly StreamFrame[];
  /** Bytes that may be the beginning of a frame: to be put before the next ones. */
  readonly rest: Uint8Array;
  /** Bytes that belong to no frame; FE runs and the CAT-1 greeting are no noise. */
  readonly noiseBytes: number;
}

/** The longest frame that is waited for; a length beyond it is a lie. */
export const streamFrameBytesMax = 1_024;

const startByte = 0x68;
const endByte = 0x16;
const wakeUpByte = 0xfe;
const greeting = [0xa3, 0x45, 0xa3, 0xc5, 0x00, 0x00];

type Mark = readonly [offset: number, fits: (byte: number) => boolean];

/** How a family's frame is recognised. Offsets count from its 68. */
interface Shape {
  readonly protocol: StreamProtocol;
  /** What every frame of the family has. */
  readonly marks: readonly Mark[];
  /** What a beginning must have besides, to be waited for; a whole frame is taken without. */
  readonly likely: readonly Mark[];
  /** Bytes up to the end of the length. */
  readonly headBytes: number;
  readonly frameBytes: (byteAt: (offset: number) => number) => number;
  /** The checksum leaves out the bytes before this one. */
  readonly sumFrom: number;
}

const is = (wanted: number) => (byte: number) => byte === wanted;
const isOneOf = (wanted: readonly number[]) => (byte: number) => wanted.includes(byte);
const noLength = 0;
/** Functions of CJ/T 188, whoever speaks, and its dialect 2A. */
const isCjt188Control = (byte: number) =>
  isOneOf([0x01, 0x03, 0x04, 0x09, 0x15, 0x16])(byte & 0x1f) || (byte & 0x3f) === 0x2a;
/** 10 water, 20 heat, 30 gas, 40 others; AA any. */
const isCjt188Type = (byte: number) => byte === 0xaa || (byte >= 0x10 && byte <= 0x49);
const isCat1Control = isOneOf([0x97, 0x17, 0x01, 0x81, 0x04, 0x84]);
/** Fixed as 03; meters give back the 01 that some servers send. */
const isCat1Device = isOneOf([0x01, 0x03]);

/** In the order in which a frame that fits two shapes is taken. Reference, section 1.10. */
const shapes: readonly Shape[] = [
  {
    protocol: "mbus",
    marks: [[3, is(startByte)]],
    likely: [],
    headBytes: 4,
    // The length stands twice; two that differ are none.
    frameBytes: (byteAt) => (byteAt(1) === byteAt(2) && byteAt(1) >= 3 ? byteAt(1) + 6 : noLength),
    sumFrom: 4,
  },
  {
    protocol: "dl645",
    marks: [[7, is(startByte)]],
    likely: [],
    headBytes: 10,
    frameBytes: (byteAt) => byteAt(9) + 12,
    sumFrom: 0,
  },
  {
    protocol: "diaphragm",
    marks: [[7, is(startByte)]],
    likely: [],
    headBytes: 11,
    frameBytes: (byteAt) => byteAt(9) + 256 * byteAt(10) + 13,
    sumFrom: 0,
  },
  {
    protocol: "cjt188",
    marks: [],
    likely: [
      [1, isCjt188Type],
      [9, isCjt188Control],
    ],
    headBytes: 11,
    frameBytes: (byteAt) => byteAt(10) + 13,
    sumFrom: 0,
  },
  {
    protocol: "cat1",
    marks: [[10, isCat1Control]],
    likely: [[9, isCat1Device]],
    headBytes: 16,
    frameBytes: (byteAt) => byteAt(15) + 18,
    sumFrom: 0,
  },
];

/**
 * Every whole frame in the bytes, in order. After noise or a damaged frame it goes on at the next 68.
 * While a frame may still be arriving, all from its 68 on is `rest`; when the line has fallen silent
 * (`isEnded`) nothing is waited for any longer. Linear in the bytes.
 */
export function splitFrames(buffer: Uint8Array, isEnded = false): FrameSplit {
  const sums = runningSums(buffer);
  const frames: StreamFrame[] = [];
  let noiseBytes = 0;
  let at = 0;
  while (at < buffer.length) {
    const found = buffer[at] === startByte ? frameAt(buffer, sums, at) : undefined;
    if (found === "arriving" && !isEnded) break;
    if (found !== undefined && found !== "arriving") {
      frames.push(found);
      at += found.bytes.length;
    } else if (isGreeting(buffer, at)) {
      at += greeting.length;
    } else {
      if (buffer[at] !== wakeUpByte) noiseBytes += 1;
      at += 1;
    }
  }
  return { frames, rest: buffer.slice(at), noiseBytes };
}

/** The frame that begins here; "arriving" when its end may not be here yet; else undefined. */
function frameAt(
  buffer: Uint8Array,
  sums: Uint8Array,
  at: number,
): StreamFrame | "arriving" | undefined {
  const byteAt = (offset: number) => buffer[at + offset] ?? 0;
  const present = buffer.length - at;
  const have = (marks: readonly Mark[]) =>
    marks.every(([offset, fits]) => offset >= present || fits(byteAt(offset)));
  let isArriving = false;
  for (const { protocol, marks, likely, headBytes, frameBytes, sumFrom } of shapes) {
    if (!have(marks)) continue;
    const neededBytes = present < headBytes ? headBytes : frameBytes(byteAt);
    if (neededBytes === noLength || neededBytes > streamFrameBytesMax) continue;
    if (present < headBytes || present < neededBytes) {
      isArriving ||= have(likely);
      continue;
    }
    const sum = ((sums[at + neededBytes - 2] ?? 0) - (sums[at + sumFrom] ?? 0)) & 0xff;
    const isWhole = byteAt(neededBytes - 1) === endByte && byteAt(neededBytes - 2) === sum;
    if (isWhole) return { protocol, bytes: buffer.slice(at, at + neededBytes) };
  }
  return isArriving ? "arriving" : undefined;
}

/** The sum modulo 256 of all bytes before each place: any checksum is then one subtraction. */
function runningSums(buffer: Uint8Array): Uint8Array {
  const sums = new Uint8Array(buffer.length + 1);
  for (const [place, byte] of buffer.entries()) sums[place + 1] = (sums[place] ?? 0) + byte;
  return sums;
}

function isGreeting(buffer: Uint8Array, at: number): boolean {
  return greeting.every((byte, offset) => buffer[at + offset] === byte);
}

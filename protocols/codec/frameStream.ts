/**
 * Frames out of a stream of bytes, for the families that begin with 68 and end with 16. Which frame
 * begins where is decided in `startsWith68.ts`; here it is about what comes between and at the end.
 */
import { startByte, startsWith68, type FrameFamily } from "./startsWith68.ts";

/** One frame, without what wakes a meter up. */
export interface StreamFrame {
  readonly protocol: FrameFamily;
  readonly bytes: Uint8Array;
}

/** One piece of a stream; noise reaches without a gap from frame to frame. */
export type StreamPart =
  | ({ readonly kind: "frame" } & StreamFrame)
  | { readonly kind: "greeting" }
  | { readonly kind: "noise"; readonly bytes: Uint8Array };

/** What a stretch of a stream holds. */
export interface FrameSplit {
  readonly frames: readonly StreamFrame[];
  /** Bytes that may be the beginning of a frame: to be put before the next ones. */
  readonly rest: Uint8Array;
  /** How often a CAT-1 meter said that it begins a connection. */
  readonly greetings: number;
  /** Bytes that belong to no frame; FE runs and greetings are no noise. */
  readonly noiseBytes: number;
}

const wakeUpByte = 0xfe;

/** What a CAT-1 meter sends once, before its first frame on a connection. */
export const greeting = Uint8Array.of(0xa3, 0x45, 0xa3, 0xc5, 0x00, 0x00);

/**
 * Every whole frame in the bytes, in order. After noise or a damaged frame it goes on at the next 68.
 * While a frame or a greeting may still be arriving, all from there on is `rest`, which is shorter than
 * the longest frame; when the line has fallen silent (`isEnded`) nothing is waited for any longer.
 * Linear in the bytes.
 */
export function splitFrames(buffer: Uint8Array, isEnded = false): FrameSplit {
  const { parts, rest } = splitParts(buffer, isEnded);
  const frames: StreamFrame[] = [];
  let greetings = 0;
  let noiseBytes = 0;
  for (const part of parts) {
    if (part.kind === "frame") frames.push({ protocol: part.protocol, bytes: part.bytes });
    else if (part.kind === "greeting") greetings += 1;
    else noiseBytes += part.bytes.filter((byte) => byte !== wakeUpByte).length;
  }
  return { frames, rest, greetings, noiseBytes };
}

/** The same as frames and what stood between them, for a line on which a damaged frame must be kept. */
export function splitParts(
  buffer: Uint8Array,
  isEnded: boolean,
): { readonly parts: readonly StreamPart[]; readonly rest: Uint8Array } {
  const sumOf = runningSums(buffer);
  const parts: StreamPart[] = [];
  let noiseFrom: number | null = null;
  const endNoise = (to: number): void => {
    if (noiseFrom !== null) parts.push({ kind: "noise", bytes: buffer.slice(noiseFrom, to) });
    noiseFrom = null;
  };
  let at = 0;
  while (at < buffer.length) {
    const start =
      buffer[at] === startByte ? startsWith68(buffer, at, sumOf) : greetingAt(buffer, at);
    if (start.kind === "arriving" && !isEnded) break;
    if (start.kind === "greeting") {
      endNoise(at);
      parts.push({ kind: "greeting" });
      at += greeting.length;
    } else if (start.kind === "whole") {
      endNoise(at);
      const end = at + start.sizeBytes;
      parts.push({ kind: "frame", protocol: start.family, bytes: buffer.slice(at, end) });
      at = end;
    } else {
      if (buffer[at] !== wakeUpByte) noiseFrom ??= at;
      at += 1;
    }
  }
  endNoise(at);
  return { parts, rest: buffer.slice(at) };
}

/** The shortest frame of all families: an M-Bus long frame without data. */
const frameBytesMin = 9;

/** What of some noise may have been a frame, without what wakes up the next; null: nothing. */
export function damagedFrame(noise: Uint8Array): Uint8Array | null {
  const from = noise.indexOf(startByte);
  const to = noise.findLastIndex((byte) => byte !== wakeUpByte) + 1;
  return from >= 0 && to - from >= frameBytesMin ? noise.slice(from, to) : null;
}

/** The sum modulo 256 of any stretch, at the price of one subtraction. */
function runningSums(buffer: Uint8Array): (from: number, to: number) => number {
  const sums = new Uint8Array(buffer.length + 1);
  for (const [place, byte] of buffer.entries()) sums[place + 1] = (sums[place] ?? 0) + byte;
  return (from, to) => ((sums[to] ?? 0) - (sums[from] ?? 0)) & 0xff;
}

function greetingAt(
  buffer: Uint8Array,
  at: number,
): { readonly kind: "greeting" | "arriving" | "none" } {
  const present = buffer.subarray(at, at + greeting.length);
  if (!present.every((byte, offset) => byte === greeting[offset])) return { kind: "none" };
  return { kind: present.length === greeting.length ? "greeting" : "arriving" };
}

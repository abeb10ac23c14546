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
  const sumOf = runningSums(buffer);
  const frames: StreamFrame[] = [];
  let greetings = 0;
  let noiseBytes = 0;
  let at = 0;
  while (at < buffer.length) {
    const start =
      buffer[at] === startByte ? startsWith68(buffer, at, sumOf) : greetingAt(buffer, at);
    if (start.kind === "arriving" && !isEnded) break;
    if (start.kind === "greeting") {
      greetings += 1;
      at += greeting.length;
    } else if (start.kind === "whole") {
      const end = at + start.sizeBytes;
      frames.push({ protocol: start.family, bytes: buffer.slice(at, end) });
      at = end;
    } else {
      if (buffer[at] !== wakeUpByte) noiseBytes += 1;
      at += 1;
    }
  }
  return { frames, rest: buffer.slice(at), greetings, noiseBytes };
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

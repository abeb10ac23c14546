/** The end of a frame of the 68..16 family: its length leads there, and the sum of all before it is right. */
import type { DecodeFault } from "#protocols/contract.ts";
import { code, fixed } from "./field.ts";
import { layout, sum8 } from "./layout.ts";

export const endByte = 0x16;

/** CS 16, under the name of the frame that it ends. */
export function sumTail(name: string) {
  return layout(name, { checksum: code({}), end: fixed(endByte) });
}

/** Where a frame begins, where its own length puts the tail, and which field said so. */
export interface TailPlace {
  readonly startAt: number;
  readonly tailAt: number;
  readonly lengthAt: number;
  readonly lengthField: string;
}

/** What is wrong with the frame as a whole; null: these bytes are it, no more and no less. */
export function faultOfWhole(
  bytes: Uint8Array,
  tail: ReturnType<typeof sumTail>,
  { startAt, tailAt, lengthAt, lengthField }: TailPlace,
): DecodeFault | null {
  const neededBytes = tailAt + tail.sizeBytes;
  if (bytes.length < neededBytes && bytes.at(-1) !== endByte) {
    return { kind: "truncated", neededBytes, availableBytes: bytes.length };
  }
  // An end byte where the length does not put it: the length lies.
  if (bytes.length !== neededBytes) {
    return { kind: "wrongLength", field: lengthField, atByte: lengthAt };
  }
  const end = tail.decode(bytes, tailAt, null);
  if (!end.ok) return end.fault;
  const expected = sum8(bytes, startAt, tailAt);
  const actual = end.value.checksum;
  return actual === expected ? null : { kind: "checksumMismatch", expected, actual };
}

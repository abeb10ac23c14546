/** Lengths as BER and A-XDR write them: one octet below 80H, else 81H to 84H and as many octets. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";

/** A length and the byte behind it. */
export interface LengthOctets {
  readonly length: number;
  readonly nextAt: number;
}

const shortFormMax = 0x7f;
const lengthBytesMax = 4;

/** The length that begins at a byte; how much of it is really there is the caller's question. */
export function readLength(bytes: Uint8Array, at: number): Result<LengthOctets, DecodeFault> {
  const first = bytes[at];
  if (first === undefined) return tooShort(bytes, at + 1);
  if (first <= shortFormMax) return ok({ length: first, nextAt: at + 1 });
  const count = first & shortFormMax;
  if (count === 0 || count > lengthBytesMax) {
    return fail({ kind: "wrongLength", field: "length", atByte: at });
  }
  const nextAt = at + 1 + count;
  if (nextAt > bytes.length) return tooShort(bytes, nextAt);
  let length = 0;
  for (let i = at + 1; i < nextAt; i += 1) length = length * 256 + (bytes[i] ?? 0);
  return ok({ length, nextAt });
}

/** The bytes end before they should. */
export function tooShort(bytes: Uint8Array, neededBytes: number): Result<never, DecodeFault> {
  return fail({ kind: "truncated", neededBytes, availableBytes: bytes.length });
}

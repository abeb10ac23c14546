/** The meter's own word as a witness: a status bit is a level, not an event (architecture 5.3). */
import type { Proof } from "#domain/alarm.ts";
import { hasStatus, statusToNames, type StatusFlags } from "#domain/status.ts";

/** What the meter last said about a group of bits; a reading without a status leaves it as it was. */
export type BitLevel = 0 | 1;

export function followBit(
  before: BitLevel,
  status: StatusFlags | null,
  bits: StatusFlags,
): BitLevel {
  if (status === null) return before;
  return hasStatus(status, bits) ? 1 : 0;
}

/** The words that the meter used, e.g. "magnet tilt"; empty where it withdrew them. */
export function statusProof(status: StatusFlags | null, bits: StatusFlags): Proof {
  return { by: "status", status: statusToNames((status ?? 0) & bits).join(" ") };
}

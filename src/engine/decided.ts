/** Registers that a person has put right where the meter's own went back: the fold goes on from them. */
import type { TimestampMs, VolumeMl } from "#domain/units.ts";
import {
  judgeRegister,
  type RegisterSettings,
  type RegisterVerdict,
} from "#screening/judgeRegister.ts";
import type { FoldState } from "./fold.ts";

export interface DecidedRegister {
  readonly atMs: TimestampMs;
  readonly indexMl: VolumeMl;
}

/** So many of a meter, the newest: a register that goes back more often is a meter to be exchanged. */
export const decidedRemembered = 4;

/** By the person's word; what passed since the last register that was believed nobody knows. */
export function judgeDecided(decided: DecidedRegister, indexMl: VolumeMl): RegisterVerdict {
  const isTrusted = indexMl === decided.indexMl;
  return { state: decided, flags: 0, isTrusted, consumedMl: null, doubtedMl: null, resumed: null };
}

/**
 * Whether the person's word explains why the register stands back (R8): what the meter says now must follow from it. A
 * word that does not fit, an estimate for a bill that is too high, would make the rules blind until it is passed.
 */
export function explainsBack(
  settings: RegisterSettings,
  { register, rules }: FoldState,
  decided: DecidedRegister,
): boolean {
  const lower = register?.lower;
  if (rules.R8.raised === 0 || register === null || lower === undefined) return false;
  if (decided.atMs < register.atMs || decided.atMs > lower.atMs) return false;
  return judgeRegister(settings, decided, lower.atMs, lower.indexMl).isTrusted;
}

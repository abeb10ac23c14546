/**
 * Meters that the look of every second may pass over, and until when: nothing about their silence can change before
 * that unless their context, the registry or the rules do. Derived, and made anew after each of these.
 */
import type { RuleRecord } from "#domain/ruleDocument.ts";

export interface Calm {
  /** By meter number; absent or 0: look. */
  readonly untilMs: number[];
  /** What it was made for. */
  registryVersion: number;
  rules: RuleRecord | null;
  /** A clock that is set back takes the list with it. */
  lookedAtMs: number;
}

export function newCalm(): Calm {
  return { untilMs: [], registryVersion: -1, rules: null, lookedAtMs: -Infinity };
}

/** The list as it may be used now: empty when registry or rules are not those that it was made for. */
export function calmNow(
  calm: Calm,
  now: Pick<Calm, "registryVersion" | "rules" | "lookedAtMs">,
): number[] {
  const isOther = calm.registryVersion !== now.registryVersion || calm.rules !== now.rules;
  if (isOther || now.lookedAtMs < calm.lookedAtMs) calm.untilMs.length = 0;
  Object.assign(calm, now);
  return calm.untilMs;
}

/** Its context is another one: whoever looks next must look. */
export function stir({ untilMs }: Calm, meterNo: number): void {
  if (meterNo < untilMs.length) untilMs[meterNo] = 0;
}

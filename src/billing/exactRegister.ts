/** A register that was read at the very instant that is asked for: nearly all are at a boundary of gas days. */
import type { InstantRegister, MeterExchange, RegisterDecision } from "#domain/billing.ts";
import type { Quality } from "#domain/reading.ts";
import { dayMs } from "#domain/units.ts";

interface Read {
  readonly measuredAtMs: number;
  readonly indexMl: number;
  readonly quality: Quality;
}

interface Said {
  readonly exchanges: readonly MeterExchange[];
  readonly decisions: readonly RegisterDecision[];
}

/** The register that was read last, where it was read then, was judged, and no person has a word on it; else null. */
export function readThen(last: Read | null, said: Said, atMs: number): InstantRegister | null {
  // What came too late to be judged may contradict what came before it.
  if (last === null || last.measuredAtMs !== atMs || last.quality === "raw") return null;
  // A person's word changes what the registers after it are worth.
  const isSaid =
    said.exchanges.some((exchange) => exchange.atMs >= atMs - dayMs) || said.decisions.length > 0;
  return isSaid ? null : exactly(last);
}

export function exactly({ measuredAtMs, indexMl, quality }: Read): InstantRegister {
  return { atMs: measuredAtMs, measuredAtMs, indexMl, quality, method: "exact", inputs: null };
}

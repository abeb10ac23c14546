/** How long to wait before the next attempt. */
import type { Rng } from "#ports/rng.ts";
import type { NotifyLimits } from "./limits.ts";

/** Doubles with each attempt; between half and all of it, so that many do not return in the same second. */
export function waitMs(
  attempts: number,
  limits: Pick<NotifyLimits, "firstWaitMs" | "longestWaitMs">,
  rng: Pick<Rng, "bytes">,
): number {
  const ceilingMs = Math.min(limits.firstWaitMs * 2 ** (attempts - 1), limits.longestWaitMs);
  const share = ((rng.bytes(1)[0] ?? 0) / 255 + 1) / 2;
  return Math.round(ceilingMs * share);
}

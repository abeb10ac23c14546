/** Looks for registers at gas-day boundaries that nobody read, and has them asked of the meters' memory. */
import { hourMs, minuteMs } from "#domain/units.ts";
import type { BillingQueries } from "#ports/billingQueries.ts";
import type { Clock } from "#ports/clock.ts";
import type { Observer } from "#ports/observer.ts";
import type { Desk } from "#ports/requests.ts";

const gapWatchLimits = Object.freeze({
  /** A round over all meters; between two, commands have time to be answered. */
  everyMs: 6 * hourMs,
  /** The first round: when meters have come back after a restart. */
  firstAfterMs: 10 * minuteMs,
  metersPerLook: 100,
});

export interface GapWatchParts {
  readonly billing: Pick<BillingQueries, "missingRegisters">;
  readonly desk: Desk;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** A timer around `lookForGaps`. */
export function startGapWatch(parts: GapWatchParts): { stop(): Promise<void> } {
  let isStopped = false;
  let round: Promise<unknown> = Promise.resolve();
  const look = (): void => {
    round = round.then(() => lookForGaps(parts, () => isStopped));
  };
  const first = setTimeout(look, gapWatchLimits.firstAfterMs);
  const timer = setInterval(look, gapWatchLimits.everyMs);
  return {
    async stop() {
      isStopped = true;
      clearTimeout(first);
      clearInterval(timer);
      await round;
    },
  };
}

/** One round; returns how many steps it asked for. */
export async function lookForGaps(
  { billing, desk, clock, observer }: GapWatchParts,
  isStopped: () => boolean = () => false,
): Promise<number> {
  let asked = 0;
  let cursor: string | null = null;
  try {
    do {
      const page: Awaited<ReturnType<typeof billing.missingRegisters>> =
        await billing.missingRegisters(clock.nowMs(), cursor, gapWatchLimits.metersPerLook);
      for (const { meterId, atMs, isFilled } of page.items) {
        const reason = "a register at the gas-day boundary is missing";
        const result = await desk.ask({
          actor: { label: "gap watch", role: "engineer" },
          ask: { kind: "register.request", meterId, atMs, isFilled, reason },
          idempotency: null,
          source: "process",
        });
        asked += 1;
        if (result.ok || result.refusal.kind !== "not-allowed-in-state") continue;
        observer.note("gaps.full", { limit: "requestedMax" });
        return asked;
      }
      cursor = page.next;
    } while (cursor !== null && !isStopped());
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    observer.note("gaps.failed", { reason });
  }
  return asked;
}

/** A metering point's meters one after the other, as the fold sees them: each register is judged beside its own. */
import type { MeterExchange } from "#domain/billing.ts";
import type { Meter } from "#domain/meter.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { judgeRegister, registerSettings, type RegisterState } from "#screening/judgeRegister.ts";

/** As much of an exchange as the fold needs. */
export type FoldExchange = Pick<MeterExchange, "atMs" | "closingMl" | "openingMl" | "former">;

/** No metering point gets more meters within the time that can be folded again. */
export const exchangesRemembered = 4;

/** What the meter was at that time. */
export function meterAt(
  meter: Meter,
  exchanges: readonly FoldExchange[] | undefined,
  atMs: number,
): Meter {
  const next = exchanges?.find((exchange) => atMs <= exchange.atMs);
  return next === undefined ? meter : { ...meter, ...next.former };
}

export interface ThroughExchange {
  readonly register: RegisterState;
  /** Passed the former meters after their last trusted register. */
  readonly carriedMl: number;
}

/** A closing register that does not follow was entered beside a false one that was believed: then nobody knows. */
function leftMl(before: RegisterState, { atMs, closingMl, former }: FoldExchange): number {
  const settings = registerSettings(former);
  const verdict = judgeRegister(settings, before, timestampMs(atMs), volumeMl(closingMl));
  return verdict.isTrusted ? (verdict.consumedMl ?? 0) : 0;
}

/** The last trusted register for a reading of that time: the new meter's own, once there is one. */
export function throughExchange(
  exchanges: readonly FoldExchange[] | undefined,
  register: RegisterState,
  atMs: number,
): ThroughExchange {
  let through: ThroughExchange = { register, carriedMl: 0 };
  if (exchanges === undefined) return through;
  for (const exchange of exchanges) {
    const before = through.register;
    const isBetween = exchange.atMs < atMs && (before === null || before.atMs < exchange.atMs);
    if (!isBetween) continue;
    through = {
      register: { atMs: timestampMs(exchange.atMs), indexMl: volumeMl(exchange.openingMl) },
      carriedMl: through.carriedMl + leftMl(before, exchange),
    };
  }
  return through;
}

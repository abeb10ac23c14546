/** What the checks on use look at, from a meter's registers and the positions that its valve reported. */
import type { ValvePosition } from "#domain/telegram.ts";
import { sizeLimits } from "#domain/meter.ts";
import type { UseInterval } from "#screening/useChecks.ts";
import type { Period } from "./consumption.ts";
import { registerAt, type PlacedRegister } from "./instantRegister.ts";
import type { RegisterChain } from "./registerChain.ts";

/**
 * Between neighbouring registers of one meter, also where only a part of the stretch lies in the period. One whose time
 * is ours is passed over: when its gas flowed is not known.
 */
export function intervalsOf(
  { points, segments }: RegisterChain,
  { fromMs, toMs }: Period,
): readonly UseInterval[] {
  const timed = points.filter(({ isOurTime }) => !isOurTime);
  return timed.flatMap((point, place) => {
    const before = timed[place - 1];
    if (before === undefined || point.atMs <= fromMs || before.atMs >= toMs) return [];
    const size = segments[point.segment]?.kind.size;
    if (point.atMs === before.atMs || size === undefined) return [];
    const ml = point.passedMl - before.passedMl;
    const { qmaxMlPerHour } = sizeLimits(size);
    return [{ fromMs: before.atMs, toMs: point.atMs, ml, qmaxMlPerHour }];
  });
}

/** For how long of the period the valve was not known to be shut; reports in time order. */
export function notShutMs(
  reports: readonly { readonly measuredAtMs: number; readonly valve: ValvePosition | null }[],
  { fromMs, toMs }: Period,
): number {
  let openMs = 0;
  let sinceMs = fromMs;
  let isShut = false;
  for (const { measuredAtMs, valve } of reports) {
    if (valve === null || measuredAtMs > toMs) continue;
    const atMs = Math.max(measuredAtMs, fromMs);
    if (!isShut) openMs += atMs - sinceMs;
    sinceMs = atMs;
    isShut = valve === "closed";
  }
  return isShut ? openMs : openMs + toMs - sinceMs;
}

/** Good enough to compare with, over roll-overs and exchanges; null: an end is not known to within `nearMs`. */
export function usedIn(
  chain: RegisterChain,
  { fromMs, toMs }: Period,
  nearMs: number,
): number | null {
  const opening = registerAt(chain, fromMs, "opening", null);
  const closing = registerAt(chain, toMs, "closing", null);
  const isNear = (placed: PlacedRegister): boolean =>
    placed.register.method !== "last-before" ||
    placed.register.atMs - placed.register.measuredAtMs <= nearMs;
  if (opening === null || closing === null || !isNear(opening) || !isNear(closing)) return null;
  return closing.passedMl - opening.passedMl;
}

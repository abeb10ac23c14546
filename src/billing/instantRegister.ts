/** The register at an instant that may lie between two readings (gas-domain 4.1, estimation). */
import type { EstimateInputs, InstantRegister } from "#domain/billing.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import type { ChainPoint, RegisterChain } from "./registerChain.ts";

const estimateLimits = Object.freeze({
  /** A gap up to this is bridged by a line. */
  lineWithinMs: 2 * hourMs,
  /** A longer one gets the shape of the same weekdays and hours of so many weeks before it. */
  shapeWeeks: 3,
});

/** The meter's own past, for the shape of a long gap. */
export type PastChain = (fromMs: number, toMs: number) => RegisterChain;

/** A register with its place in the chain. */
export interface PlacedRegister {
  readonly register: InstantRegister;
  readonly passedMl: number;
  readonly segment: number;
  /** Between these two the volume is not measured; null: it is. */
  readonly unmeasured: { readonly fromMs: number; readonly toMs: number } | null;
  /** One of the registers behind it has our time in place of the meter's. */
  readonly isOurTime: boolean;
}

/** `opening`: at the instant of an exchange the new meter's register, else the former one's. */
export type InstantSide = "opening" | "closing";

/** null: nothing is known at or before the instant. */
export function registerAt(
  chain: RegisterChain,
  atMs: number,
  side: InstantSide,
  past: PastChain | null,
): PlacedRegister | null {
  const { points } = chain;
  const nextPlace = upperBound(points, atMs);
  const before =
    points[nextPlace - 1]?.atMs === atMs && side === "closing"
      ? firstOf(points, nextPlace - 1)
      : points[nextPlace - 1];
  if (before === undefined) return null;
  const next = points[nextPlace];
  const { indexMl, quality, passedMl, segment, isOurTime } = before;
  if (before.isHeld && before.atMs === atMs) return heldAt(points, nextPlace - 1, before);
  const common = { atMs, measuredAtMs: before.atMs };
  if (before.atMs === atMs || next === undefined) {
    const method = before.atMs === atMs ? "exact" : "last-before";
    const register: InstantRegister = { ...common, indexMl, quality, method, inputs: null };
    return { register, passedMl, segment, unmeasured: null, isOurTime };
  }
  const range = chain.segments[segment]?.kind.registerRangeMl ?? Infinity;
  const { flowedMl, by, weeks } = bridge(before, next, atMs, past);
  const inputs: EstimateInputs = {
    fromMs: before.atMs,
    toMs: next.atMs,
    fromIndexMl: before.indexMl,
    toIndexMl: next.indexMl,
    passedMl: next.passedMl - before.passedMl,
    by,
    weeks,
  };
  const isKnown = by === "unmoved";
  return {
    register: {
      ...common,
      indexMl: (indexMl + flowedMl) % range,
      quality: isKnown ? quality : "estimated",
      method: by === "unmoved" || by === "line" ? "interpolated" : "estimated",
      inputs,
    },
    passedMl: passedMl + flowedMl,
    segment,
    unmeasured: isKnown ? null : { fromMs: before.atMs, toMs: next.atMs },
    isOurTime: isOurTime || next.isOurTime,
  };
}

/** What the meter showed is two quanta less at most, so the register is the one before it. */
function heldAt(points: readonly ChainPoint[], place: number, held: ChainPoint): PlacedRegister {
  const { atMs, indexMl, quality, passedMl, segment, isOurTime } = held;
  const fromMs = points[place - 1]?.atMs ?? atMs;
  const inputs: EstimateInputs = {
    fromMs,
    toMs: atMs,
    fromIndexMl: indexMl,
    toIndexMl: indexMl,
    passedMl: 0,
    by: "held",
    weeks: 0,
  };
  const read = { atMs, measuredAtMs: fromMs, indexMl, quality };
  const register: InstantRegister = { ...read, method: "interpolated", inputs };
  return { register, passedMl, segment, unmeasured: null, isOurTime };
}

/** Of the points of one instant the first: at an exchange, the former meter's. */
function firstOf(points: readonly ChainPoint[], last: number): ChainPoint | undefined {
  let place = last;
  while (place > 0 && points[place - 1]?.atMs === points[last]?.atMs) place -= 1;
  return points[place];
}

interface Bridge {
  /** Volume from the register before the gap to the instant. */
  readonly flowedMl: number;
  readonly by: EstimateInputs["by"];
  readonly weeks: number;
}

/** Whatever the shape, the whole gap comes to the difference of its registers. */
function bridge(from: ChainPoint, to: ChainPoint, atMs: number, past: PastChain | null): Bridge {
  const passedMl = to.passedMl - from.passedMl;
  if (passedMl === 0) return { flowedMl: 0, by: "unmoved", weeks: 0 };
  const spanMs = to.atMs - from.atMs;
  const line = share(passedMl, atMs - from.atMs, spanMs);
  if (spanMs <= estimateLimits.lineWithinMs) return { flowedMl: line, by: "line", weeks: 0 };
  const shape = past === null ? null : weekdayShape(from.atMs, to.atMs, atMs, past);
  if (shape === null) return { flowedMl: line, by: "long-line", weeks: 0 };
  const flowedMl = share(passedMl, shape.untilMl, shape.wholeMl);
  return { flowedMl, by: "same-weekday", weeks: shape.weeks };
}

/** `amount * part / whole`, exactly, rounded down. */
function share(amount: number, part: number, whole: number): number {
  return Number((BigInt(amount) * BigInt(Math.round(part))) / BigInt(Math.round(whole)));
}

/**
 * What passed in the same stretch of the weeks before, up to the instant and in all. Exactly seven days earlier,
 * so in the week of a change of the clocks the shape is an hour off; the sum is right all the same.
 */
function weekdayShape(fromMs: number, toMs: number, atMs: number, past: PastChain) {
  const spanMs = toMs - fromMs;
  const weekMs = 7 * dayMs;
  // A gap of more than a week has no same weekdays of its own before it.
  if (spanMs > weekMs) return null;
  const chain = past(fromMs - estimateLimits.shapeWeeks * weekMs - hourMs, fromMs);
  let untilMl = 0;
  let wholeMl = 0;
  let weeks = 0;
  for (let week = 1; week <= estimateLimits.shapeWeeks; week += 1) {
    const shiftMs = week * weekMs;
    const [start, middle, end] = [fromMs, atMs, toMs].map((instant) =>
      measuredAt(chain, instant - shiftMs),
    );
    const isKnown = typeof start === "number" && typeof middle === "number";
    if (!isKnown || typeof end !== "number") continue;
    untilMl += middle - start;
    wholeMl += end - start;
    weeks += 1;
  }
  return wholeMl > 0 ? { untilMl, wholeMl, weeks } : null;
}

/** The volume up to an instant where it was measured or lies within a short gap; else null. */
function measuredAt({ points }: RegisterChain, atMs: number): number | null {
  const place = upperBound(points, atMs);
  const before = points[place - 1];
  if (before === undefined) return null;
  if (before.atMs === atMs) return before.passedMl;
  const next = points[place];
  if (next === undefined || next.atMs - before.atMs > estimateLimits.lineWithinMs) return null;
  const passedMl = next.passedMl - before.passedMl;
  return before.passedMl + share(passedMl, atMs - before.atMs, next.atMs - before.atMs);
}

/** The place of the first point after the instant. */
export function upperBound(points: readonly ChainPoint[], atMs: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.atMs ?? Infinity) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

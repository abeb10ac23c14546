/** What passed a metering point between two instants, over the segments of its registers. */
import type {
  BaseVolume,
  BillingFlag,
  Consumption,
  InstantRegister,
  MeterConversion,
  VolumeSegment,
} from "#domain/billing.ts";
import type { Quality } from "#domain/reading.ts";
import { baseVolume } from "./baseVolume.ts";
import { registerAt, upperBound, type PastChain, type PlacedRegister } from "./instantRegister.ts";
import type { ChainFinding, RegisterChain } from "./registerChain.ts";

export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ConsumptionInput {
  readonly meterId: string;
  readonly area: string;
  readonly period: Period;
  /** From before the period to behind it, as far as there is anything. */
  readonly chain: RegisterChain;
  readonly past: PastChain | null;
  /** The register at an instant is being asked of the meter, or will be. */
  readonly isAwaited: (register: InstantRegister) => boolean;
  /** Findings of the checks on use. */
  readonly findings: readonly BillingFlag[];
  readonly conversions: readonly MeterConversion[];
}

/** With one of these a person should look before a bill is made. */
const reviewFlags: ReadonlySet<BillingFlag> = new Set([
  "no-register",
  "no-opening",
  "closing-not-reached",
  "awaiting-meter",
  "opening-conflict",
  "closing-conflict",
  "restarted",
  "jump",
  "rollover-unseen",
  "exchange-mismatch",
  "edited-below",
  "base-incomplete",
  "clock",
  "spike",
  "high-use",
  "low-use",
  "zero-use",
]);

/** The determinant of one period; nothing in it depends on when it is worked out, only on what is known. */
export function consumptionOf(input: ConsumptionInput): Consumption {
  const { meterId, area, period, chain, past } = input;
  const opening = registerAt(chain, period.fromMs, "opening", past);
  const closing = registerAt(chain, period.toMs, "closing", past);
  const { conversions } = input;
  const base =
    opening === null || closing === null
      ? null
      : baseVolume({ chain, opening, closing, conversions });
  const flags = [...flagsOf(input, opening, closing), ...baseFlags(base)].sort();
  const volumeMl =
    opening === null || closing === null ? null : closing.passedMl - opening.passedMl;
  const openConflicts = chain.openConflicts.filter(
    (atMs) => atMs >= period.fromMs && atMs <= period.toMs,
  ).length;
  const estimatedMillionths = estimatedShare(period, opening, closing);
  const isReview = flags.some((flag) => reviewFlags.has(flag));
  return {
    meterId,
    area,
    ...period,
    opening: opening?.register ?? null,
    closing: closing?.register ?? null,
    volumeMl,
    segments: segmentsOf(chain, period, opening, closing),
    base,
    quality: qualityOf(flags, estimatedMillionths, [opening, closing], isReview),
    estimatedMillionths,
    openConflicts,
    flags,
    standing: isReview ? "review" : "ready",
  };
}

/** It is about something of the period: an instant in it, or a stretch that reaches into it. */
export function touches({ atMs, sinceMs = atMs }: ChainFinding, { fromMs, toMs }: Period): boolean {
  return atMs > fromMs && sinceMs <= toMs;
}

function baseFlags(base: BaseVolume | null): readonly BillingFlag[] {
  if (base === null) return [];
  if (base.volumeMl === null) return ["base-incomplete"];
  return base.isEstimated ? ["base-estimated"] : [];
}

function flagsOf(
  { chain, period, isAwaited, findings }: ConsumptionInput,
  opening: PlacedRegister | null,
  closing: PlacedRegister | null,
): readonly BillingFlag[] {
  const { fromMs, toMs } = period;
  const flags = new Set<BillingFlag>(findings);
  for (const finding of chain.findings) if (touches(finding, period)) flags.add(finding.flag);
  if (closing === null) flags.add("no-register");
  else if (opening === null) flags.add("no-opening");
  if (closing?.register.method === "last-before") flags.add("closing-not-reached");
  for (const [placed, word] of [
    [opening, "opening"],
    [closing, "closing"],
  ] as const) {
    if (placed?.isOurTime === true) flags.add("clock");
    const isEstimated = (placed?.unmeasured ?? null) !== null;
    if (isEstimated) flags.add(`${word}-estimated`);
    const isUnknown = isEstimated || (word === "closing" && flags.has("closing-not-reached"));
    if (isUnknown && placed !== null && isAwaited(placed.register)) flags.add("awaiting-meter");
  }
  // Only a register that was looked for and is in dispute matters here; the others are `conflict`.
  if (chain.openConflicts.includes(fromMs)) flags.add("opening-conflict");
  if (chain.openConflicts.includes(toMs)) flags.add("closing-conflict");
  return [...flags];
}

/** The part of the period that lies in gaps at its ends; gaps within it come to the difference of registers. */
function estimatedShare(
  { fromMs, toMs }: Period,
  opening: PlacedRegister | null,
  closing: PlacedRegister | null,
): number {
  const until = Math.min(opening?.unmeasured?.toMs ?? fromMs, toMs);
  const since = Math.max(closing?.unmeasured?.fromMs ?? toMs, fromMs);
  const openMs = until - fromMs;
  const closeMs = toMs - Math.max(since, until);
  return Math.round((Math.min(openMs + closeMs, toMs - fromMs) * 1_000_000) / (toMs - fromMs));
}

/** The least that one of its parts is worth. */
function qualityOf(
  flags: readonly BillingFlag[],
  estimatedMillionths: number,
  ends: readonly (PlacedRegister | null)[],
  isReview: boolean,
): Quality {
  if (isReview) return "suspect";
  if (estimatedMillionths > 0) return "estimated";
  const isEdited = ends.some((end) => end?.register.quality === "edited");
  return isEdited || flags.includes("exchange") || flags.includes("edited")
    ? "edited"
    : "validated";
}

function segmentsOf(
  chain: RegisterChain,
  { fromMs, toMs }: Period,
  opening: PlacedRegister | null,
  closing: PlacedRegister | null,
): readonly VolumeSegment[] {
  if (opening === null || closing === null) return [];
  const { points } = chain;
  const parts: VolumeSegment[] = [];
  const inside = points.slice(upperBound(points, fromMs), upperBound(points, toMs));
  for (let segment = opening.segment; segment <= closing.segment; segment += 1) {
    const own = inside.filter((point) => point.segment === segment);
    const isFirst = segment === opening.segment;
    const isLast = segment === closing.segment;
    const start = isFirst ? opening : endOf(own[0]);
    const end = isLast ? closing : endOf(own.at(-1));
    if (start === null || end === null) continue;
    parts.push({
      fromMs: isFirst ? fromMs : start.register.atMs,
      toMs: isLast ? toMs : end.register.atMs,
      openingMl: start.register.indexMl,
      closingMl: end.register.indexMl,
      volumeMl: end.passedMl - start.passedMl,
      rollovers: rolloversBetween(start, end, chain, segment),
      serial: chain.segments[segment]?.serial ?? null,
    });
  }
  return parts;
}

type SegmentEnd = Pick<PlacedRegister, "passedMl"> & {
  readonly register: { readonly atMs: number; readonly indexMl: number };
};

function endOf(point: RegisterChain["points"][number] | undefined): SegmentEnd | null {
  if (point === undefined) return null;
  const { atMs, indexMl, passedMl } = point;
  return { passedMl, register: { atMs, indexMl } };
}

/** From the sum itself, so that a round that an estimate lies beside is counted where it belongs. */
function rolloversBetween(
  start: SegmentEnd,
  end: SegmentEnd,
  chain: RegisterChain,
  segment: number,
): number {
  const range = chain.segments[segment]?.kind.registerRangeMl ?? Infinity;
  const shownMl = end.register.indexMl - start.register.indexMl;
  return Math.round((end.passedMl - start.passedMl - shownMl) / range);
}

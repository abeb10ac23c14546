/**
 * Volume at base conditions: V_b = V_m · (P_m/P_b) · (T_b/T_m) · (Z_b/Z_m), with whole numbers to the end. The raw
 * volume stays as it is; what it was converted by stands beside every converted value.
 */
import type { BasePart, BaseVolume, Conversion, MeterConversion } from "#domain/billing.ts";
import { registerAt, type PlacedRegister } from "./instantRegister.ts";
import type { RegisterChain } from "./registerChain.ts";

const million = 1_000_000n;

/** Rounded half away from zero to the millilitre; the factor in millionths is for people, nothing is made from it. */
export function atBase(volumeMl: number, conversion: Conversion) {
  const above =
    BigInt(conversion.gasPressurePa) *
    BigInt(conversion.baseTemperatureCentiK) *
    BigInt(conversion.compressibilityMillionths);
  const below =
    BigInt(conversion.basePressurePa) * BigInt(conversion.gasTemperatureCentiK) * million;
  return {
    volumeMl: rounded(BigInt(volumeMl) * above, below),
    factorMillionths: rounded(above * million, below),
  };
}

function rounded(above: bigint, below: bigint): number {
  const half = below / 2n;
  return Number((above < 0n ? above - half : above + half) / below);
}

export interface BaseInput {
  readonly chain: RegisterChain;
  readonly opening: PlacedRegister;
  readonly closing: PlacedRegister;
  /** In the order of their beginnings, the newest of one instant last. */
  readonly conversions: readonly MeterConversion[];
}

/**
 * The period cut where another conversion begins. null: none is in force in it. A stretch without one makes the whole
 * incomplete, for a converted part and a raw part cannot be added.
 */
export function baseVolume({ chain, opening, closing, conversions }: BaseInput): BaseVolume | null {
  const [fromMs, toMs] = [opening.register.atMs, closing.register.atMs];
  const known = conversions.filter((one) => one.fromMs < toMs);
  if (known.length === 0) return null;
  const cuts = [...new Set(known.map((one) => one.fromMs))].filter((atMs) => atMs > fromMs);
  const instants = [fromMs, ...cuts, toMs];
  const parts: BasePart[] = [];
  let isEstimated = false;
  let before = opening;
  for (const [place, untilMs] of instants.slice(1).entries()) {
    const sinceMs = instants[place] ?? fromMs;
    const end = untilMs === toMs ? closing : registerAt(chain, untilMs, "closing", null);
    const conversion = known.findLast((one) => one.fromMs <= sinceMs);
    if (end === null || conversion === undefined) return { volumeMl: null, parts: [], isEstimated };
    const rawMl = end.passedMl - before.passedMl;
    const { gasPressurePa, gasTemperatureCentiK, basePressurePa } = conversion;
    const { baseTemperatureCentiK, compressibilityMillionths, method } = conversion;
    const used = {
      gasPressurePa,
      gasTemperatureCentiK,
      basePressurePa,
      baseTemperatureCentiK,
      compressibilityMillionths,
      method,
    };
    parts.push({ fromMs: sinceMs, toMs: untilMs, rawMl, ...atBase(rawMl, used), conversion: used });
    isEstimated ||= untilMs !== toMs && end.unmeasured !== null;
    before = end;
  }
  const volumeMl = parts.reduce((sum, part) => sum + part.volumeMl, 0);
  return { volumeMl, parts, isEstimated };
}

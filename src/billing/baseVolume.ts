/**
 * Volume at base conditions: V_b = V_m · (P_m/P_b) · (T_b/T_m) · (Z_b/Z_m), with whole numbers to the end. The raw
 * volume stays as it is; what it was converted by stands beside every converted value.
 */

/** What a volume is converted by. Pressures are absolute. */
export interface Conversion {
  readonly gasPressurePa: number;
  readonly gasTemperatureCentiK: number;
  readonly basePressurePa: number;
  readonly baseTemperatureCentiK: number;
  /** Z_b/Z_m, the ratio of the compressibility factors, in millionths. */
  readonly compressibilityMillionths: number;
  /** How the ratio was found: a standard's name, or "fixed". */
  readonly method: string;
}

export interface BaseVolume {
  readonly volumeMl: number;
  /** V_b/V_m in millionths, rounded, for people; the volume was not made from it. */
  readonly factorMillionths: number;
  readonly conversion: Conversion;
}

/** Chinese practice: 20 °C and 101.325 kPa. Others are as usual elsewhere, so they are said with every value. */
export const defaultBase = Object.freeze({
  basePressurePa: 101_325,
  baseTemperatureCentiK: 29_315,
});

const million = 1_000_000n;

/** Rounded half away from zero to the millilitre. */
export function baseVolume(volumeMl: number, conversion: Conversion): BaseVolume {
  const above =
    BigInt(conversion.gasPressurePa) *
    BigInt(conversion.baseTemperatureCentiK) *
    BigInt(conversion.compressibilityMillionths);
  const below =
    BigInt(conversion.basePressurePa) * BigInt(conversion.gasTemperatureCentiK) * million;
  return {
    volumeMl: rounded(BigInt(volumeMl) * above, below),
    factorMillionths: rounded(above * million, below),
    conversion,
  };
}

function rounded(above: bigint, below: bigint): number {
  const half = below / 2n;
  return Number((above < 0n ? above - half : above + half) / below);
}

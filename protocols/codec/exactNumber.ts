/**
 * Numbers of any encoding, exact: whole numbers to 64 bits and beyond, decimals as they stood on the
 * wire, and of binary floats the digits that were meant.
 */
import type { VolumeRegister } from "#domain/telegram.ts";
import { volumeFromCount, volumeMl } from "#domain/units.ts";

/** `coefficient * 10^exponent`. */
export interface ExactDecimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** A number as JavaScript has it, and as it is. */
export interface ExactNumber {
  readonly kind: "number";
  /** A whole number beyond the safe integers is a string of its digits. */
  readonly value: number | string;
  readonly decimal: ExactDecimal;
}

const decimalPattern = /^(-?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** More digits than any double has. */
const digitsMax = 400;
/** Beyond this a power of ten is not written out. */
const exponentMax = 400;

/** A number from its digits; undefined when they are none, or no float could hold it. */
export function exactFromText(text: string): ExactNumber | undefined {
  const [, whole = "", fraction = "", power = "0"] = decimalPattern.exec(text) ?? [];
  const value = Number(text);
  const exponent = Number(power) - fraction.length;
  const isHuge = Math.abs(exponent) > exponentMax || text.length > digitsMax;
  if (whole === "" || isHuge || !Number.isFinite(value)) return undefined;
  const decimal = trimmed({ coefficient: BigInt(whole + fraction), exponent });
  const isPlain = fraction === "" && power === "0";
  // Adding 0 turns -0 into 0.
  return { kind: "number", value: isPlain ? plainNumber(decimal.coefficient) : value + 0, decimal };
}

/** A whole number of any size. */
export function exactFromInteger(coefficient: bigint): ExactNumber {
  return { kind: "number", value: plainNumber(coefficient), decimal: { coefficient, exponent: 0 } };
}

/** A float of 2, 4 or 8 bytes; its decimal is the shortest that rounds to the same float in as many. */
export function exactFromFloat(value: number, sizeBytes: number): ExactNumber | undefined {
  if (!Number.isFinite(value)) return undefined;
  const number = exactFromText(shortest(value, sizeBytes));
  return number === undefined ? undefined : { ...number, value: value + 0 };
}

function plainNumber(integer: bigint): number | string {
  const value = Number(integer);
  return Number.isSafeInteger(value) ? value : String(integer);
}

function shortest(value: number, sizeBytes: number): string {
  if (sizeBytes === 8) return String(value);
  const round = sizeBytes === 4 ? Math.fround : Math.f16round;
  for (let digits = 1; digits < 10; digits += 1) {
    const text = value.toPrecision(digits);
    if (round(Number(text)) === value) return text;
  }
  return String(value);
}

function trimmed({ coefficient, exponent }: ExactDecimal): ExactDecimal {
  let rest = coefficient;
  let power = exponent;
  while (power < 0 && rest % 10n === 0n) {
    rest /= 10n;
    power += 1;
  }
  return { coefficient: rest, exponent: power };
}

/** The decimal in units of `10^-decimals`, rounded; undefined beyond a safe integer. */
export function scaleExact(
  { coefficient, exponent }: ExactDecimal,
  decimals: number,
): number | undefined {
  const shift = exponent + decimals;
  const factor = 10n ** BigInt(Math.abs(shift));
  const half = coefficient < 0n ? -factor / 2n : factor / 2n;
  const count = Number(shift < 0 ? (coefficient + half) / factor : coefficient * factor);
  return Number.isSafeInteger(count) ? count : undefined;
}

const mlDecimals = 6;

/** Cubic metres as a register, rounded to millilitres; undefined: no register holds that much. */
export function registerOf(decimal: ExactDecimal): VolumeRegister | undefined {
  const ml = scaleExact(decimal, mlDecimals);
  if (ml === undefined) return undefined;
  const exponent = Math.min(decimal.exponent, 0);
  const count = scaleExact(decimal, -exponent);
  const isExact = count !== undefined && volumeFromCount(count, exponent) === ml;
  const wire = isExact ? { count, exponent } : { count: ml, exponent: -mlDecimals };
  return { ml: volumeMl(ml), ...wire };
}

/** Values of resources, exact: whole numbers to 64 bits, decimals as they stood on the wire. */
import {
  formatInstant,
  secondMs,
  volumeFromCount,
  volumeMl,
  type TimestampMs,
} from "#domain/units.ts";
import type { VolumeRegister } from "#domain/telegram.ts";
import { believableInstant } from "#protocols/codec/calendar.ts";

/** `coefficient * 10^exponent`. */
export interface ExactDecimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** A value by its kind. `missing`: the wire says that there is none (NaN, no such number). */
export type Value =
  | {
      readonly kind: "number";
      /** A whole number beyond the safe integers is a string of its digits. */
      readonly value: number | string;
      readonly decimal: ExactDecimal;
    }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "link"; readonly value: string }
  /** Null: never set. */
  | { readonly kind: "time"; readonly value: TimestampMs | null }
  | { readonly kind: "missing" };

/** No value. */
export const missing: Value = { kind: "missing" };

const decimalPattern = /^(-?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** More digits than any number of the standard has. */
const digitsMax = 400;
/** Beyond this a power of ten is not written out. */
const exponentMax = 400;

/** A number from its digits; missing when no float could hold it. */
export function numberFromText(text: string): Value {
  const [, whole = "", fraction = "", power = "0"] = decimalPattern.exec(text) ?? [];
  const value = Number(text);
  const exponent = Number(power) - fraction.length;
  const isHuge = Math.abs(exponent) > exponentMax || text.length > digitsMax;
  if (whole === "" || isHuge || !Number.isFinite(value)) return missing;
  const decimal = trimmed({ coefficient: BigInt(whole + fraction), exponent });
  const isPlain = fraction === "" && power === "0";
  return { kind: "number", value: isPlain ? plainNumber(decimal.coefficient) : value + 0, decimal };
}

/** A whole number, of any size. */
export function numberFromInteger(coefficient: bigint): Value {
  return { kind: "number", value: plainNumber(coefficient), decimal: { coefficient, exponent: 0 } };
}

function plainNumber(integer: bigint): number | string {
  const value = Number(integer);
  return Number.isSafeInteger(value) ? value : String(integer);
}

/** A binary float; its decimal is the shortest that this many bytes round to the same float. */
export function numberFromFloat(value: number, sizeBytes: number): Value {
  if (!Number.isFinite(value)) return missing;
  const number = numberFromText(shortest(value, sizeBytes));
  return number.kind === "number" ? { ...number, value: value + 0 } : number;
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
function scaled({ coefficient, exponent }: ExactDecimal, decimals: number) {
  const shift = exponent + decimals;
  const factor = 10n ** BigInt(Math.abs(shift));
  const half = coefficient < 0n ? -factor / 2n : factor / 2n;
  const count = Number(shift < 0 ? (coefficient + half) / factor : coefficient * factor);
  return Number.isSafeInteger(count) ? count : undefined;
}

const mlDecimals = 6;

/** A register; a float finer than a millilitre is rounded to one. Undefined: no register holds it. */
export function registerOf(decimal: ExactDecimal): VolumeRegister | undefined {
  const ml = scaled(decimal, mlDecimals);
  if (ml === undefined) return undefined;
  const exponent = Math.min(decimal.exponent, 0);
  const count = scaled(decimal, -exponent);
  const isExact = count !== undefined && volumeFromCount(count, exponent) === ml;
  return {
    ml: volumeMl(ml),
    ...(isExact ? { count, exponent } : { count: ml, exponent: -mlDecimals }),
  };
}

/** Seconds since 1970 as an instant; 0 and less say that the clock was never set. */
export function instantFromSeconds(seconds: ExactDecimal): TimestampMs | null {
  const atMs = scaled(seconds, 3);
  return atMs === undefined || atMs <= 0 ? null : (believableInstant(atMs) ?? null);
}

/** Milliseconds of a decimal of seconds. */
export function millisecondsOf(seconds: ExactDecimal): number | undefined {
  return scaled(seconds, Math.log10(secondMs));
}

/** As a person would write it. */
export function printValue(value: Value): string {
  if (value.kind === "missing") return "missing";
  if (value.kind === "bytes") return Buffer.from(value.value).toString("hex").toUpperCase();
  if (value.kind !== "time") return String(value.value);
  return value.value === null ? "no date" : formatInstant(value.value);
}

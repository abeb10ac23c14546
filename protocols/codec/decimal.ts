/** Decimals as an integer and a power of ten: exact, as they stood on the wire. */

/** `count * 10^exponent`. */
export interface Decimal {
  readonly count: number;
  readonly exponent: number;
}

/** The decimal in digits, exact, with as many decimals as it was given: 1234500 and -3 is "1234.500". */
export function printDecimal({ count, exponent }: Decimal): string {
  const sign = count < 0 ? "-" : "";
  const digits = String(Math.abs(count));
  if (exponent >= 0) return count === 0 ? "0" : sign + digits + "0".repeat(exponent);
  const padded = digits.padStart(1 - exponent, "0");
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

/** The decimal in units of `10^-decimals`, rounded; undefined beyond a safe integer. Not for registers. */
export function scaleDecimal({ count, exponent }: Decimal, decimals: number): number | undefined {
  const shift = exponent + decimals;
  // Dividing is right to the last digit where multiplying by 10^-n would not be.
  const scaled = Math.round(shift < 0 ? count / 10 ** -shift : count * 10 ** shift);
  // Adding 0 turns -0 into 0.
  return Number.isSafeInteger(scaled) ? scaled + 0 : undefined;
}

/** The decimal as a whole number; undefined when it is none, or beyond a safe integer. */
export function wholeNumber({ count, exponent }: Decimal): number | undefined {
  if (exponent < 0 && count % 10 ** -exponent !== 0) return undefined;
  return scaleDecimal({ count, exponent }, 0);
}

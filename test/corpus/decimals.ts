/** Decimals of one unit in another, exactly: integers all the way. */

const publishedDecimals = 6n;

/**
 * Whether a value, in our smaller unit, is the number that a publisher prints in his: `divisor` of ours are one of
 * his. His floating point is printed with six decimals, so ours is rounded there, half away from zero, and then
 * compared digit for digit.
 */
export function isInUnit(told: string, divisor: number, wanted: number): boolean {
  const ours = fractionOf(told);
  const theirs = fractionOf(plainText(wanted));
  if (ours === undefined || theirs === undefined) return false;
  const scale = 10n ** publishedDecimals;
  const denominator = ours.denominator * BigInt(divisor);
  const rounded = divideRounded(ours.numerator * scale, denominator);
  return rounded === divideRounded(theirs.numerator * scale, theirs.denominator);
}

interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

function fractionOf(text: string): Fraction | undefined {
  const [, sign = "", whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  return {
    numerator: BigInt(`${sign}${whole}${fraction}`),
    denominator: 10n ** BigInt(fraction.length),
  };
}

/** A number of JSON without an exponent. */
function plainText(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(Number(publishedDecimals)) : text;
}

function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const isNegative = numerator < 0n;
  const size = isNegative ? -numerator : numerator;
  const rounded = (2n * size + denominator) / (2n * denominator);
  return isNegative ? -rounded : rounded;
}

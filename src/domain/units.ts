/** Quantities as branded integers in the smallest unit; a decimal appears only at an edge, as a string. */
import type { Brand } from "./ids.ts";

/** An accumulated volume at measurement conditions, in whole millilitres; a safe integer. */
export type VolumeMl = Brand<number, "VolumeMl">;
/** An instant, in milliseconds since 1970-01-01T00:00:00Z. */
export type TimestampMs = Brand<number, "TimestampMs">;

export const secondMs = 1_000;
export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
const mlPerM3 = 1_000_000;

/** A safe integer of millilitres. The caller has checked that it is one. */
export function volumeMl(value: number): VolumeMl {
  return value as VolumeMl;
}

export function timestampMs(value: number): TimestampMs {
  return value as TimestampMs;
}

/** `count * 10^exponent` cubic metres as whole millilitres; undefined when that is not a safe integer. */
export function volumeFromCount(count: number, exponent: number): VolumeMl | undefined {
  const shift = exponent + 6;
  if (shift < 0) {
    const divisor = 10 ** -shift;
    return count % divisor === 0 ? safeVolume(count / divisor) : undefined;
  }
  return safeVolume(count * 10 ** shift);
}

function safeVolume(ml: number): VolumeMl | undefined {
  return Number.isSafeInteger(ml) ? (ml as VolumeMl) : undefined;
}

/** Cubic metres with three decimals at least, exact: 1234567000 ml is "1234.567", 1 ml is "0.000001". */
export function formatM3(ml: number): string {
  const negative = ml < 0;
  const abs = Math.abs(ml);
  const whole = Math.trunc(abs / mlPerM3);
  const fraction = String(abs % mlPerM3).padStart(6, "0");
  const trimmed = fraction.endsWith("000") ? fraction.slice(0, 3) : fraction.replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}.${trimmed}`;
}

/** RFC 3339 in UTC. */
export function formatInstant(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** Values of resources by their kinds. */
import { formatInstant, type TimestampMs } from "#domain/units.ts";
import { believableInstant } from "#protocols/codec/calendar.ts";
import {
  exactFromFloat,
  exactFromText,
  scaleExact,
  type ExactDecimal,
  type ExactNumber,
} from "#protocols/codec/exactNumber.ts";

/** A value by its kind. `missing`: the wire says that there is none (NaN, no such number). */
export type Value =
  | ExactNumber
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "link"; readonly value: string }
  /** Null: never set. */
  | { readonly kind: "time"; readonly value: TimestampMs | null }
  | { readonly kind: "missing" };

/** No value. */
export const missing: Value = { kind: "missing" };

/** A number from its digits; missing when no float could hold it. */
export function numberFromText(text: string): Value {
  return exactFromText(text) ?? missing;
}

/** A binary float of so many bytes; missing when it is not finite. */
export function numberFromFloat(value: number, sizeBytes: number): Value {
  return exactFromFloat(value, sizeBytes) ?? missing;
}

const msDecimals = 3;

/** Seconds since 1970 as an instant; 0 and less say that the clock was never set. */
export function instantFromSeconds(seconds: ExactDecimal): TimestampMs | null {
  const atMs = millisecondsOf(seconds);
  return atMs === undefined || atMs <= 0 ? null : (believableInstant(atMs) ?? null);
}

/** Milliseconds of a decimal of seconds. */
export function millisecondsOf(seconds: ExactDecimal): number | undefined {
  return scaleExact(seconds, msDecimals);
}

/** As a person would write it. */
export function printValue(value: Value): string {
  if (value.kind === "missing") return "missing";
  if (value.kind === "bytes") return Buffer.from(value.value).toString("hex").toUpperCase();
  if (value.kind !== "time") return String(value.value);
  return value.value === null ? "no date" : formatInstant(value.value);
}

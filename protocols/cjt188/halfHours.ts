/** The half-hourly values inside a 9097 report, as readings of the day before its freeze. */
import { emptyReading, type DecodedReading } from "#domain/telegram.ts";
import { dayMs, minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import type { ValuesOfLayout } from "#protocols/codec/layout.ts";
import type { report } from "./layouts.ts";
import { localOffsetMs, volumeExponent } from "./quantities.ts";

const halfHourMs = 30 * minuteMs;
const litreExponent = -3;
const mlPerLitre = 1_000;
/** A decrement that was never written. */
const noDecrement = 0xffff;

/**
 * The freeze register is the one of 00:00 of the report's day, and each decrement leads half an hour
 * further back: R(23:30) = freeze - first, R(23:00) = R(23:30) - second, and so on to 00:30.
 *
 * Why this way round: there are 47 values, labelled 23:30 … 00:30, between two midnights. Were a value
 * the consumption that *ended* at its label, the half hour to 24:00 would be missing and the freeze
 * register could not be the one of 00:00 that the document says it is.
 *
 * Whatever makes the story uncertain (no date, another freeze hour, a freeze above the present
 * register, a register below zero) gives no readings: the values stay in the explanation.
 */
export function halfHourReadings(values: ValuesOfLayout<typeof report>): DecodedReading[] {
  const { measuredAt, freezeHour, freezeCount, current, decrements } = values;
  const exponent = volumeExponent(current.unit);
  if (measuredAt === null || freezeHour !== 0 || freezeCount === null) return [];
  if (exponent === undefined || current.count === null || freezeCount > current.count) return [];
  const freezeAtMs = measuredAt - ((measuredAt + localOffsetMs) % dayMs);
  let ml = freezeCount * 10 ** (exponent + 6);
  const readings = [registerAt(freezeAtMs, ml, exponent)];
  for (const [index, litres] of decrements.entries()) {
    if (litres === noDecrement) break;
    ml -= litres * mlPerLitre;
    if (ml < 0) return [];
    const atMs = freezeAtMs - (index + 1) * halfHourMs;
    readings.push(registerAt(atMs, ml, Math.min(exponent, litreExponent)));
  }
  return readings;
}

function registerAt(atMs: number, ml: number, exponent: number): DecodedReading {
  const volume = { ml: volumeMl(ml), count: ml / 10 ** (exponent + 6), exponent };
  return { ...emptyReading, measuredAtMs: timestampMs(atMs), volume };
}

/**
 * The truth about a month of gas: what really passed each meter, hour by hour, and what its dial really showed. Written
 * without a look at the product's code, with whole litres as bigint; the reference for every volume is a plain sum.
 */
import type { Chance } from "../support/random.ts";

/** One metering point. Hours count from the beginning of the first gas day; some lie before it. */
export interface TruePoint {
  readonly id: string;
  /** The dial shows litres below this and then begins at zero. */
  readonly dialLitres: bigint;
  /** What the dial showed at the first hour. */
  readonly startLitres: bigint;
  readonly firstHour: number;
  /** Litres that passed in the hour after `firstHour`, and so on. */
  readonly flows: readonly bigint[];
  readonly exchange: TrueExchange | null;
}

/** In the middle of an hour one meter was taken down and another put up. */
export interface TrueExchange {
  /** Between this hour and the next. */
  readonly hour: number;
  /** Of that hour's litres, those that passed the former meter. */
  readonly beforeLitres: bigint;
  readonly openingLitres: bigint;
}

/** The reference: what passed between two hours, whatever hung there. */
export function trueLitres(point: TruePoint, fromHour: number, toHour: number): bigint {
  let sum = 0n;
  for (let hour = fromHour; hour < toHour; hour += 1) {
    sum += point.flows[hour - point.firstHour] ?? 0n;
  }
  return sum;
}

/** What the dial at that point showed on the hour. */
export function dialAt(point: TruePoint, hour: number): bigint {
  const { exchange, firstHour, startLitres, dialLitres } = point;
  if (exchange === null || hour <= exchange.hour) {
    return (startLitres + trueLitres(point, firstHour, hour)) % dialLitres;
  }
  const rest = trueLitres(point, exchange.hour, hour) - exchange.beforeLitres;
  return (exchange.openingLitres + rest) % dialLitres;
}

/** What the former meter's dial showed when it was taken down. */
export function closingDial(point: TruePoint, exchange: TrueExchange): bigint {
  return (dialAt(point, exchange.hour) + exchange.beforeLitres) % point.dialLitres;
}

/** A household by chance: quiet nights, cooking, heating; sometimes a whole month away. */
export function pointByChance(chance: Chance, id: string, hours: number, first: number): TruePoint {
  const isAway = chance.once(25);
  const heatsLitres = chance.whole(0, 1_500);
  const flows = Array.from({ length: hours }, (_, place) => {
    const clock = (((place + first) % 24) + 24) % 24;
    if (isAway || (clock < 6 && !chance.once(10))) return 0n;
    const cooking = [7, 12, 18, 19].includes(clock) ? chance.whole(0, 400) : 0;
    return BigInt(cooking + chance.whole(0, heatsLitres));
  });
  const dialLitres = chance.pick([10_000_000n, 100_000_000n]);
  const isNearEnd = chance.once(3);
  const startLitres = isNearEnd
    ? dialLitres - BigInt(chance.whole(1, 60_000))
    : BigInt(chance.whole(50_000, 9_000_000));
  const exchangeHour = chance.whole(30, hours + first - 30);
  const flow = flows[exchangeHour - first] ?? 0n;
  const exchange = chance.once(8)
    ? {
        hour: exchangeHour,
        beforeLitres: flow / 2n,
        openingLitres: BigInt(chance.whole(0, 40_000)),
      }
    : null;
  return { id, dialLitres, startLitres, firstHour: first, flows, exchange };
}

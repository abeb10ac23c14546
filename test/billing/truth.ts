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
  /** In their order. */
  readonly exchanges: readonly TrueExchange[];
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
  const { exchanges, firstHour, startLitres, dialLitres } = point;
  const last = exchanges.findLast((exchange) => exchange.hour < hour);
  if (last === undefined) return (startLitres + trueLitres(point, firstHour, hour)) % dialLitres;
  const rest = trueLitres(point, last.hour, hour) - last.beforeLitres;
  return (last.openingLitres + rest) % dialLitres;
}

/** What the meter that hangs there at `end` remembers of an hour; before it was put up, its opening register. */
export function rememberedDial(point: TruePoint, hour: number, end: number): bigint {
  const own = point.exchanges.findLast((exchange) => exchange.hour < end);
  return own !== undefined && hour <= own.hour ? own.openingLitres : dialAt(point, hour);
}

/** What the former meter's dial showed when it was taken down. */
export function closingDial(point: TruePoint, exchange: TrueExchange): bigint {
  return (dialAt(point, exchange.hour) + exchange.beforeLitres) % point.dialLitres;
}

/** A day, from midnight on, whose highest hour stands out as no household's does. */
export function hasSpike({ flows, firstHour }: TruePoint, days: number): boolean {
  return Array.from({ length: days }, (_, day) => {
    const start = day * 24 - firstHour;
    const hours = flows.slice(start, start + 24).toSorted((a, b) => Number(b - a));
    const [highest = 0n, , third = 0n] = hours;
    return highest >= 3_000n && (highest - third) * 10n > third * 18n;
  }).includes(true);
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
  // Somebody fills a heating system, or a valve was left open: five cubic metres in an hour.
  if (chance.once(15)) flows[chance.whole(0, hours - 1)] = 5_000n;
  const once = chance.whole(30, hours + first - 60);
  const exchangeHours = chance.once(8)
    ? [once, ...(chance.once(3) ? [once + chance.whole(3, 29)] : [])]
    : [];
  const exchanges = exchangeHours.map((hour) => ({
    hour,
    beforeLitres: (flows[hour - first] ?? 0n) / 2n,
    openingLitres: BigInt(chance.whole(0, 40_000)),
  }));
  return { id, dialLitres, startLitres, firstHour: first, flows, exchanges };
}

/** Chance that can be repeated: the same seed gives the same story. */

export interface Chance {
  /** From 0 up to, but not including, 1. */
  readonly next: () => number;
  /** A whole number from `min` to `max`, both included. */
  readonly whole: (min: number, max: number) => number;
  /** True once in so many times. */
  readonly once: (inTimes: number) => boolean;
  /** One of these. */
  readonly pick: <Item>(items: readonly [Item, ...(readonly Item[])]) => Item;
  /** One of these, or undefined where there are none. */
  readonly any: <Item>(items: readonly Item[]) => Item | undefined;
}

/** Mulberry32 (T. Ettinger, public domain): 32 bits of state are plenty for a story. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    whole,
    once: (inTimes) => next() * inTimes < 1,
    pick: (items) => items[whole(0, items.length - 1)] ?? items[0],
    any: (items) => items[whole(0, items.length - 1)],
  };
}

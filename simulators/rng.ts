/** Seeded randomness: the same seed gives the same district. Not for secrets. */

export interface SeededRng {
  /** From 0 up to but not including 1. */
  next(): number;
  between(low: number, high: number): number;
  /** Whole number, both ends included. */
  whole(low: number, high: number): number;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  chance(probability: number): boolean;
}

/** One stream of numbers per list of seeds, e.g. (district, meter, day). */
export function seededRng(...seeds: readonly number[]): SeededRng {
  let state = seeds.reduce(mix, 0x9e3779b9);
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    return scramble(state) / 0x1_0000_0000;
  };
  const between = (low: number, high: number): number => low + (high - low) * next();
  const whole = (low: number, high: number): number => Math.floor(between(low, high + 1));
  return {
    next,
    between,
    whole,
    pick: (items) => items[whole(0, items.length - 1)] ?? items[0],
    chance: (probability) => next() < probability,
  };
}

function mix(hash: number, seed: number): number {
  return scramble((hash ^ Math.imul(seed | 0, 0x85ebca6b)) >>> 0);
}

/** The output function of mulberry32 (public domain): every bit of the state reaches every bit of the result. */
function scramble(state: number): number {
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}

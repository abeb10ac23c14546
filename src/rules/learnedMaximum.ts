/**
 * The largest value of the last one to two periods, in three numbers: a younger and an older bucket. What a site has
 * done before is usual there; a baseline for the rules that learn.
 */
export interface LearnedMaximum {
  /** Start of the younger bucket; null: nothing learned yet. */
  readonly fromMs: number | null;
  readonly younger: number;
  /** null: there is none yet. */
  readonly older: number | null;
}

export const nothingLearned: LearnedMaximum = Object.freeze({
  fromMs: null,
  younger: 0,
  older: null,
});

/** The memory as time has aged it; the same object while no bucket is full. */
function aged(memory: LearnedMaximum, bucketMs: number, nowMs: number): LearnedMaximum {
  const ageMs = memory.fromMs === null ? Infinity : nowMs - memory.fromMs;
  if (memory.fromMs === null || ageMs >= 2 * bucketMs) {
    return { fromMs: nowMs, younger: 0, older: null };
  }
  if (ageMs < bucketMs) return memory;
  return { fromMs: memory.fromMs + bucketMs, younger: 0, older: memory.younger };
}

/** Adds one value; the same object when it changes nothing. */
export function learnMaximum(
  memory: LearnedMaximum,
  bucketMs: number,
  nowMs: number,
  value: number,
): LearnedMaximum {
  const now = aged(memory, bucketMs, nowMs);
  return value > now.younger ? { ...now, younger: value } : now;
}

/** The largest value known; null while the memory is younger than `armAfterMs`. */
export function learnedMaximum(
  { fromMs, younger, older }: LearnedMaximum,
  armAfterMs: number,
  nowMs: number,
): number | null {
  if (older !== null) return Math.max(older, younger);
  return fromMs !== null && nowMs - fromMs >= armAfterMs ? younger : null;
}

/** One run over a decoder: as many inputs as asked, each from the seed, and what they showed. */
import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { chanceOf, type Chance } from "../support/random.ts";
import { anyBytes, flipped, joined, mutated, spliced } from "./bytes.ts";
import type { FuzzInput } from "./seeds.ts";
import type { FuzzTarget } from "./targets.ts";

export interface FuzzOptions {
  readonly count: number;
  readonly seed: number;
  /** Slower is a failure; Infinity where nobody measures. */
  readonly limitMicros: number;
  /** Told now and then how many inputs there were. */
  readonly onProgress?: (done: number) => void;
}

/** An input over which a decoder failed. */
export interface FuzzFailure {
  readonly kind: "thrown" | "slow" | "wrong" | "polluted";
  readonly what: string;
  readonly input: FuzzInput;
}

export interface FuzzReport {
  readonly decoder: string;
  readonly count: number;
  readonly seed: number;
  readonly perSecond: number;
  /** How often each answer came. */
  readonly answers: Readonly<Record<string, number>>;
  readonly slowest: { readonly micros: number; readonly input: FuzzInput } | null;
  readonly heapGrowthBytes: number;
  readonly failures: readonly FuzzFailure[];
}

/** One input in so many is explained too: that is slower, and walks the same way. */
const deepEvery = 8;
const progressEvery = 4_096;
/** More than these are not kept: a broken decoder fails over everything. */
const failuresMax = 100;
const warmUpShare = 0.1;

export function runFuzz(target: FuzzTarget, options: FuzzOptions): FuzzReport {
  const { count, seed, limitMicros } = options;
  const chance = chanceOf(seed ^ hashOf(target.name));
  const answers = new Map<string, number>();
  const failures: FuzzFailure[] = [];
  const prototypeBefore = prototypeNames();
  let slowest: FuzzReport["slowest"] = null;
  let heapBefore = 0;
  const startedMs = performance.now();
  for (let round = 0; round < count; round += 1) {
    if (round === Math.floor(count * warmUpShare)) heapBefore = heapBytes();
    const input = nextInput(chance, target);
    const isDeep = round % deepEvery === 0;
    const beganMs = performance.now();
    const outcome = takeSafely(target, input, isDeep);
    let micros = (performance.now() - beganMs) * 1_000;
    if (micros > Math.min(limitMicros, slowest?.micros ?? 0)) {
      micros = remeasured(target, input, isDeep, micros);
      if (micros > (slowest?.micros ?? 0)) slowest = { micros, input };
    }
    const failure = "kind" in outcome ? outcome : slowFailure(micros, limitMicros, input);
    if (failure !== null && failures.length < failuresMax) failures.push(failure);
    const answer = "answer" in outcome ? outcome.answer : outcome.kind;
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    if (round % progressEvery === 0) options.onProgress?.(round);
    if (round % progressEvery === 0 && prototypeNames() !== prototypeBefore) {
      failures.push({ kind: "polluted", what: prototypeNames(), input });
      break;
    }
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const heapGrowthBytes = Math.max(0, heapBytes() - heapBefore);
  return {
    decoder: target.name,
    count,
    seed,
    perSecond: Math.round(count / seconds),
    answers: Object.fromEntries([...answers].toSorted(([, a], [, b]) => b - a)),
    slowest,
    heapGrowthBytes,
    failures,
  };
}

/** Noise, a changed frame, the same mended, two frames joined, or a generated one, sometimes with a bit wrong. */
function nextInput(chance: Chance, target: FuzzTarget): FuzzInput {
  const seed = chance.any(target.seeds) ?? { bytes: new Uint8Array(), file: {} };
  const { file } = seed;
  switch (chance.whole(0, 6)) {
    case 0:
      return { bytes: noise(chance, seed.bytes), file };
    case 1:
      return { bytes: mutated(chance, seed.bytes), file };
    case 2:
      return { bytes: target.mend(chance, mutated(chance, seed.bytes), seed), file };
    case 3:
      return {
        bytes: spliced(chance, seed.bytes, chance.any(target.seeds)?.bytes ?? seed.bytes),
        file,
      };
    default: {
      const bytes = target.generate(chance, seed);
      const isFlipped = chance.once(4) && bytes.length > 0;
      const bit = isFlipped ? chance.whole(0, 8 * bytes.length - 1) : 0;
      return { bytes: isFlipped ? flipped(bytes, bit) : bytes, file };
    }
  }
}

/** Short, sometimes longer than a frame, and rarely as long as an uplink may be. */
function noise(chance: Chance, frame: Uint8Array): Uint8Array {
  if (chance.once(longEvery) && frame.length > 0) {
    const times = Math.floor(longBytes / frame.length);
    return joined(...Array.from({ length: times }, () => frame));
  }
  return anyBytes(chance, chance.whole(0, chance.once(4) ? 300 : 60));
}

const longEvery = 4_000;
const longBytes = 60_000;

type Outcome = { readonly answer: string } | FuzzFailure;

function takeSafely(target: FuzzTarget, input: FuzzInput, isDeep: boolean): Outcome {
  try {
    const { answer, trouble } = target.take(input, isDeep);
    return trouble === null ? { answer } : { kind: "wrong", what: trouble, input };
  } catch (cause) {
    const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return { kind: "thrown", what, input };
  }
}

const measuredAgain = 3;

/** The collector and a busy machine make outliers: only what takes that much of the processor each time is slow. */
function remeasured(
  target: FuzzTarget,
  input: FuzzInput,
  isDeep: boolean,
  firstMicros: number,
): number {
  let least = firstMicros;
  for (let time = 0; time < measuredAgain; time += 1) {
    const before = process.threadCpuUsage();
    takeSafely(target, input, isDeep);
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

function slowFailure(micros: number, limitMicros: number, input: FuzzInput): FuzzFailure | null {
  if (micros <= limitMicros) return null;
  return { kind: "slow", what: `${Math.round(micros)} µs`, input };
}

/** Does this input still fail in this way? */
export function failsAs(target: FuzzTarget, kind: FuzzFailure["kind"], input: FuzzInput): boolean {
  const outcome = takeSafely(target, input, true);
  return "kind" in outcome && outcome.kind === kind;
}

function prototypeNames(): string {
  return Object.getOwnPropertyNames(Object.prototype).join();
}

let collect: (() => void) | null = null;

/** Bytes in use after a collection. */
function heapBytes(): number {
  if (collect === null) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  return process.memoryUsage().heapUsed;
}

/** Another story for each decoder from the same seed. */
function hashOf(text: string): number {
  let hash = 0;
  for (const character of text) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return hash;
}

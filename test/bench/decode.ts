/** Bytes to telegrams on one core: frames a second and microseconds a frame for each protocol, without explanations. */
import { performance } from "node:perf_hooks";
import { candidateOf, decoderNames, type DecoderName } from "#decode/candidates.ts";
import { seedsIn, type FuzzInput } from "../fuzz/seeds.ts";
import { startProgress } from "./progress.ts";
import { round } from "./quantiles.ts";
import type { Report } from "./report.ts";

export interface DecodeOptions {
  /** Of each protocol, warming up not counted. */
  readonly seconds: number;
}

/** Each protocol is measured so often, and the middle is told: a neighbour's burst is not the decoder's. */
const roundsPerProtocol = 5;
const warmUpShare = 0.2;
/** The clock is read once in so many frames. */
const batchFrames = 256;

/** A line for each protocol; the frames are the cards that decode, one after the other. */
export async function runDecode({ seconds }: DecodeOptions): Promise<readonly Report[]> {
  let done = 0;
  const stopProgress = startProgress("decode", "protocols", () => done);
  const reports: Report[] = [];
  for (const name of decoderNames) {
    reports.push(measure(name, seconds));
    done += 1;
    // Progress is told between two protocols.
    await new Promise((resolve) => setImmediate(resolve));
  }
  stopProgress();
  return reports;
}

function measure(name: DecoderName, seconds: number): Report {
  const { decoder } = candidateOf(name);
  const frames = seedsIn(name).filter(({ bytes, file }) => decoder.decode(bytes, file).ok);
  const meanBytes = frames.reduce((sum, { bytes }) => sum + bytes.length, 0) / frames.length;
  const decode = (frame: FuzzInput) => decoder.decode(frame.bytes, frame.file).ok;
  decodeFor(frames, decode, seconds * warmUpShare);
  const rounds = Array.from({ length: roundsPerProtocol }, () =>
    decodeFor(frames, decode, seconds / roundsPerProtocol),
  ).toSorted((one, other) => one.perSecond - other.perSecond);
  const { perSecond, cpuMicros } = rounds[rounds.length >> 1] ?? { perSecond: 0, cpuMicros: 0 };
  return {
    scenario: "decode",
    protocol: name,
    seconds,
    frames: frames.length,
    meanBytes: Math.round(meanBytes),
    framesPerSecond: Math.round(perSecond),
    microsPerFrame: round(1_000_000 / perSecond),
    cpuMicrosPerFrame: round(cpuMicros),
    slowestRound: Math.round(rounds[0]?.perSecond ?? 0),
    fastestRound: Math.round(rounds.at(-1)?.perSecond ?? 0),
  };
}

/** What one round came to; the processor's time beside the clock's shows whether the machine was busy. */
function decodeFor(
  frames: readonly FuzzInput[],
  decode: (frame: FuzzInput) => boolean,
  seconds: number,
): { readonly perSecond: number; readonly cpuMicros: number } {
  let decoded = 0;
  let next = 0;
  const before = process.threadCpuUsage();
  const startedMs = performance.now();
  let elapsedMs = 0;
  while (elapsedMs < seconds * 1_000) {
    for (let count = 0; count < batchFrames; count += 1) {
      const frame = frames[next];
      if (frame !== undefined && decode(frame)) decoded += 1;
      next = next + 1 < frames.length ? next + 1 : 0;
    }
    elapsedMs = performance.now() - startedMs;
  }
  const { user, system } = process.threadCpuUsage(before);
  return { perSecond: (decoded * 1_000) / elapsedMs, cpuMicros: (user + system) / decoded };
}

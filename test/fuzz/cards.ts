/** A failing input, made small and written down as a card, so that it is tried again for ever. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FrameFile } from "#decode/candidates.ts";
import { failsAs, type FuzzFailure } from "./run.ts";
import type { FuzzInput } from "./seeds.ts";
import type { FuzzTarget } from "./targets.ts";

const attemptsMax = 2_000;

/** The same failure with fewer bytes: pieces are taken out as long as it stays. */
export function minimised(target: FuzzTarget, { kind, input }: FuzzFailure): FuzzInput {
  if (kind === "slow" || kind === "polluted") return input;
  let least = input;
  let attempts = 0;
  for (let size = least.bytes.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= least.bytes.length && attempts < attemptsMax; attempts += 1) {
      const kept = [...least.bytes.subarray(0, at), ...least.bytes.subarray(at + size)];
      const candidate = { ...least, bytes: Uint8Array.from(kept) };
      if (failsAs(target, kind, candidate)) least = candidate;
      else at += size;
    }
  }
  return least;
}

/** The card's file. */
export function writeCard(
  directory: string,
  decoder: string,
  failure: FuzzFailure,
  { bytes, file }: FuzzInput,
): string {
  const hex = Buffer.from(bytes).toString("hex");
  const options = inHex(file);
  const card = {
    title: `${decoder}: ${failure.kind}: ${failure.what.slice(0, 120)}`,
    source: "found by npm run fuzz",
    licence: "Apache-2.0",
    oracle: "no input may make a decoder throw, take long, or say two things",
    decoder,
    hex,
    options,
    expect: { never: failure.kind },
  };
  const name = createHash("sha256")
    .update(JSON.stringify([decoder, hex, options]))
    .digest("hex");
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${decoder}-${failure.kind}-${name.slice(0, 8)}.json`);
  writeFileSync(path, `${JSON.stringify(card, null, 2)}\n`);
  return path;
}

function inHex(file: FrameFile): Readonly<Record<string, unknown>> {
  const text = (value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
  return Object.fromEntries(Object.entries(file).map(([name, value]) => [name, text(value)]));
}

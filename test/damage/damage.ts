/** Every way to cut a frame short and to turn one bit of it, and what a decoder makes of each. */
import { isDeepStrictEqual } from "node:util";
import type { Telegram } from "#domain/telegram.ts";
import type { FrameDecoder, FrameFile } from "#decode/candidates.ts";
import { flipped } from "../fuzz/bytes.ts";

/** A frame that was changed and decoded to something else without anybody noticing. */
export interface SilentlyWrong {
  readonly damage: string;
  readonly told: Telegram;
}

/** What became of all the damaged frames of one. */
export interface DamageReport {
  readonly refused: number;
  /** The damage did not touch what the frame says: a wake-up byte, a byte of the receiver. */
  readonly equal: number;
  /** Cut exactly behind a whole frame of several: that frame stands for itself. */
  readonly betweenFrames: number;
  readonly wrong: readonly SilentlyWrong[];
}

/** Cuts at which whole frames end, where a capture holds several behind each other. */
export type Boundaries = (bytes: Uint8Array) => readonly number[];

export function damageAll(
  decoder: FrameDecoder,
  bytes: Uint8Array,
  file: FrameFile,
  boundariesOf: Boundaries = () => [],
): DamageReport {
  const whole = decoder.decode(bytes, file);
  if (!whole.ok) throw new TypeError("only a frame that decodes can be damaged");
  const boundaries = boundariesOf(bytes);
  let [refused, equal, betweenFrames] = [0, 0, 0];
  const wrong: SilentlyWrong[] = [];
  const judge = (damage: string, damaged: Uint8Array): void => {
    const result = decoder.decode(damaged, file);
    if (!result.ok) refused += 1;
    else if (isEqual(result.value, whole.value)) equal += 1;
    else if (boundaries.includes(damaged.length) && damage.startsWith("cut")) betweenFrames += 1;
    else wrong.push({ damage, told: result.value });
  };
  for (let length = 0; length < bytes.length; length += 1) {
    judge(`cut to ${length}`, bytes.slice(0, length));
  }
  for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
    judge(`bit ${bit & 7} of byte ${bit >> 3}`, flipped(bytes, bit));
  }
  return { refused, equal, betweenFrames, wrong };
}

/** What a frame teaches for later is no part of what it says. */
function isEqual(one: Telegram, other: Telegram): boolean {
  const { learned: _one, ...told } = one;
  const { learned: _other, ...wanted } = other;
  return isDeepStrictEqual(told, wanted);
}

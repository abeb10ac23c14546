/** Which protocol bytes are: every decoder is asked, and what none can read is told with every answer. */
import type { Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { splitFrames, type StreamFrame } from "#protocols/codec/frameStream.ts";
import { reasonOf, type DecodeFault, type FieldTrace } from "#protocols/contract.ts";
import { candidateOf, decoderNames, type DecoderName, type FrameFile } from "./candidates.ts";
import type { FrameInput } from "./frameText.ts";

/** What one decoder said of the bytes. */
export interface Opinion {
  readonly protocol: DecoderName;
  readonly looksLike: boolean;
  readonly decoded: Result<Telegram, DecodeFault>;
}

/** The bytes as they were taken, by the decoder that was named or guessed. */
export interface Answer {
  readonly input: FrameInput;
  readonly protocol: DecoderName;
  /** The protocol was not named. */
  readonly isGuess: boolean;
  /** No frame of the protocol is recognised in the bytes: its table says nothing. */
  readonly isLost: boolean;
  readonly decoded: Result<Telegram, DecodeFault>;
  readonly fields: readonly FieldTrace[];
  /** What every decoder that was asked said; the one that was taken comes first. */
  readonly opinions: readonly Opinion[];
}

/** The fault of a frame that was understood so far says more than that of one that was not. */
const understood = new Set(["KEY", "AUTH", "REPLAY"]);

/** The best answer over all ways to read the input. */
export function answerTo(
  inputs: readonly FrameInput[],
  named: DecoderName | undefined,
  file: FrameFile,
): Answer | undefined {
  const answers = inputs.map((input) => answerOf(input, named, file));
  return answers.toSorted((one, other) => rankOf(other) - rankOf(one))[0];
}

function answerOf(input: FrameInput, named: DecoderName | undefined, file: FrameFile): Answer {
  const asked = named === undefined ? decoderNames : [named];
  const opinions = asked
    .map((protocol): Opinion => {
      const candidate = candidateOf(protocol);
      const decoded = candidate.decoder.decode(input.bytes, file);
      return { protocol, looksLike: candidate.looksLike(input.bytes, file), decoded };
    })
    .toSorted((one, other) => worthOf(other) - worthOf(one));
  const [best] = opinions;
  const protocol = best?.protocol ?? "json";
  const decoded = best?.decoded ?? candidateOf(protocol).decoder.decode(input.bytes, file);
  const { fields } = candidateOf(protocol).decoder.explain(input.bytes, file);
  const isGuess = named === undefined;
  const isLost = isGuess && !decoded.ok && best?.looksLike !== true;
  return { input, protocol, isGuess, isLost, decoded, fields, opinions };
}

/**
 * Decoded and right by its marks is worth most. Marks without a decoded frame count for more than a frame that
 * was decoded without them: the decoders that have no checksum read sense into much.
 */
function worthOf({ decoded, looksLike }: Opinion): number {
  if (decoded.ok) return looksLike ? 6 : 3;
  const isUnderstood = understood.has(reasonOf(decoded.fault));
  return (looksLike ? 4 : 0) + (isUnderstood ? 1 : 0);
}

function rankOf({ opinions }: Answer): number {
  const [best] = opinions;
  return best === undefined ? 0 : worthOf(best);
}

/** Frames that stand inside bytes which are no frame as a whole: after noise, or several behind each other. */
export interface Inside {
  readonly noiseBytes: number;
  readonly frames: readonly StreamFrame[];
  /** Of those that have a decoder. */
  readonly answers: readonly Answer[];
}

/** What is found of them; null: nothing but, at most, the bytes as a whole. */
export function answersInside({ form, bytes }: FrameInput, file: FrameFile): Inside | null {
  const { frames, noiseBytes } = splitFrames(bytes, true);
  const [first] = frames;
  const isOne = frames.length === 1 && first?.bytes.length === bytes.length;
  const isKnown = first?.protocol !== "dl645" && first?.protocol !== "diaphragm";
  if (frames.length === 0 || (isOne && isKnown)) return null;
  const answers = frames.flatMap((frame) => {
    const { protocol } = frame;
    if (protocol === "dl645" || protocol === "diaphragm") return [];
    const answer = answerOf({ form, bytes: frame.bytes }, protocol, file);
    return [{ ...answer, isGuess: true }];
  });
  return { noiseBytes, frames, answers };
}

/** Nothing is left over, and everything decodes. */
export function isWhole({ noiseBytes, frames, answers }: Inside): boolean {
  const isAllDecoded = answers.every(({ decoded }) => decoded.ok);
  return noiseBytes === 0 && answers.length === frames.length && isAllDecoded;
}

/** CAT-1 in a stream of bytes: where its frames are, whose they are, and what ends an exchange. */
import type { ProtocolName } from "#domain/meter.ts";
import { damagedFrame, splitParts } from "#protocols/codec/frameStream.ts";
import { streamFrameBytesMax } from "#protocols/codec/startsWith68.ts";
import { addressOf } from "./frame.ts";
import { encodeCat1ReportAnswer } from "./requests.ts";

/** Frames of other families that begin with 68 come through as well: to be kept, as what cannot be used. */
export const cat1Stream = {
  protocol: "cat1" satisfies ProtocolName,
  frameBytesMax: streamFrameBytesMax,
  split(buffer: Uint8Array, isEnded: boolean) {
    const { parts, rest } = splitParts(buffer, isEnded);
    return { parts: parts.filter((part) => part.kind !== "greeting"), rest };
  },
  damaged: damagedFrame,
  addressOf,
  /** Of every report, also one that cannot be read; of nothing else. */
  answer(frame: Uint8Array): Uint8Array | null {
    const answer = encodeCat1ReportAnswer(frame, "sleep");
    return answer.ok ? answer.value : null;
  },
} as const;

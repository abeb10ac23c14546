/** Frames that come in an envelope of a platform: the envelope is opened first, and the frame in it is guessed. */
import { isProtocolName } from "#domain/meter.ts";
import type { CarrierName } from "#domain/platform.ts";
import type { Envelope } from "#protocols/carriers/contract.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import type { DecoderName, FrameFile } from "./candidates.ts";
import type { FrameInput } from "./frameText.ts";
import { answerTo, type Answer } from "./guess.ts";

/** One envelope, and what the frame in it says. */
export interface OpenedEnvelope {
  readonly carrier: CarrierName;
  readonly envelope: Envelope;
  /** null: the platform tells an event, and no meter speaks. */
  readonly answer: Answer | null;
}

const beginsAsObject = /^\s*\{/;

/** The envelopes that an input is, by the first carrier that can open it; null: it is none. */
export function envelopesIn(
  { bytes }: FrameInput,
  named: DecoderName | undefined,
  file: FrameFile,
): readonly OpenedEnvelope[] | null {
  if (!beginsAsObject.test(Buffer.from(bytes.subarray(0, 64)).toString("latin1"))) return null;
  for (const carrier of Object.values(carrierByName)) {
    const parts = carrier.split(bytes);
    if (!parts.ok) continue;
    const opened = parts.value.flatMap((part) => {
      const envelope = carrier.open(part);
      return envelope.ok ? [envelope.value] : [];
    });
    if (opened.length === 0 || opened.length < parts.value.length) continue;
    return opened.map((envelope) => {
      const answer = answerInside(envelope, named, file);
      return { carrier: carrier.name, envelope, answer };
    });
  }
  return null;
}

function answerInside(
  { inner, protocol, path }: Envelope,
  named: DecoderName | undefined,
  file: FrameFile,
): Answer | null {
  if (inner === null) return null;
  const said = protocol !== null && isProtocolName(protocol) ? protocol : undefined;
  const place = path === null ? {} : { path };
  return (
    answerTo([{ form: "envelope", bytes: inner }], named ?? said, { ...file, ...place }) ?? null
  );
}

/** Every frame decodes; an event has none. */
export function isAllDecoded(opened: readonly OpenedEnvelope[]): boolean {
  return opened.every(({ answer }) => answer === null || answer.decoded.ok);
}

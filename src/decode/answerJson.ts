/** The same answer for programs; numbers with their units in the names, as everywhere in the API. */
import { statusToNames } from "#domain/status.ts";
import type { DecodedReading } from "#domain/telegram.ts";
import { formatInstant, formatM3 } from "#domain/units.ts";
import { reasonOf } from "#protocols/contract.ts";
import type { OpenedEnvelope } from "./envelopes.ts";
import { faultWords, reasonWords } from "./faultWords.ts";
import type { Answer, Inside, Opinion } from "./guess.ts";
import type { Language } from "./words.ts";

/** One object; bigints as text. */
export function answerJson(answer: Answer, inside: Inside | null, language: Language): string {
  const frames = inside?.frames.map((frame) => ({ ...frame, bytes: hexOf(frame.bytes) }));
  const answers = inside?.answers.map((one) => answerObject(one, language));
  const noiseBytes = inside?.noiseBytes ?? null;
  const insideObject = inside === null ? null : { noiseBytes, frames, answers };
  const value = { ...answerObject(answer, language), inside: insideObject };
  return printed(value);
}

/** Envelopes, each with what it holds. */
export function envelopesJson(opened: readonly OpenedEnvelope[], language: Language): string {
  const envelopes = opened.map(({ carrier, envelope, answer }) => {
    const inner = envelope.inner === null ? null : hexOf(envelope.inner);
    const inside = answer === null ? null : answerObject(answer, language);
    return { carrier, ...envelope, inner, answer: inside };
  });
  return printed({ envelopes });
}

function printed(value: unknown): string {
  const asText = (_key: string, one: unknown) => (typeof one === "bigint" ? String(one) : one);
  return JSON.stringify(value, asText, 2);
}

function answerObject(answer: Answer, language: Language) {
  const { input, protocol, isGuess, isLost, decoded, fields, opinions } = answer;
  const fault = decoded.ok ? null : decoded.fault;
  const reason = fault === null ? null : reasonOf(fault);
  const telegram = decoded.ok ? decoded.value : null;
  return {
    protocol: isLost ? null : protocol,
    isGuess,
    input: { form: input.form, bytes: input.bytes.length, hex: hexOf(input.bytes) },
    fields: isLost ? [] : fields.map((field) => ({ ...field, raw: rawOf(input.bytes, field) })),
    address: telegram?.address ?? null,
    readings: telegram?.readings.map(readingJson) ?? [],
    replies: telegram?.replies ?? [],
    telegram,
    reason,
    fault,
    explanation:
      fault === null || reason === null
        ? null
        : {
            what: faultWords(fault)[language],
            means: reasonWords[reason].means[language],
            next: reasonWords[reason].next[language],
          },
    opinions: decoded.ok ? [] : opinions.map(opinionJson),
  };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function rawOf(bytes: Uint8Array, { from, to }: { from: number; to: number }): string {
  return hexOf(bytes.subarray(from, to));
}

function opinionJson({ protocol, looksLike, decoded }: Opinion) {
  return {
    protocol,
    looksLike,
    reason: decoded.ok ? null : reasonOf(decoded.fault),
    fault: decoded.ok ? null : decoded.fault,
  };
}

function readingJson(reading: DecodedReading) {
  const { measuredAtMs, volume, status, flowMlPerHour, ...rest } = reading;
  return {
    measuredAt: measuredAtMs === null ? null : formatInstant(measuredAtMs),
    volumeM3: volume === null ? null : formatM3(volume.ml),
    flowM3h: flowMlPerHour === null ? null : formatM3(flowMlPerHour),
    ...rest,
    status: status === null ? null : statusToNames(status),
  };
}

/** CJ/T 188-2004 as a protocol. What a meter may send and what it means is in `answers.ts`. */
import { hasStatus, statusToNames, urgentStatus } from "#domain/status.ts";
import { fail, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { DecodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { answerBit, describe, profileOf, readAnswer } from "./answers.ts";
import { decodeFrame, explainTail, startOf, type Frame } from "./frame.ts";
import { metering, meteringShort, report } from "./layouts.ts";
import { encodeCjt188Command } from "./requests.ts";
import { statusOf } from "./status.ts";

/** CJ/T 188-2004: frames of meters in, closing orders out. */
export const cjt188Protocol: Protocol = {
  name: "cjt188",
  hasWeakChecksum: true,
  decode: (bytes) => read(bytes, null),
  explain(bytes) {
    const fields: FieldTrace[] = [];
    const telegram = read(bytes, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  mayBeUrgent,
  encodeCommand: encodeCjt188Command,
};

function read(bytes: Uint8Array, trace: FieldTrace[] | null): Result<Telegram, DecodeFault> {
  const whole = decodeFrame(bytes, trace);
  if (!whole.ok) return whole;
  const frame = whole.value;
  if ((frame.control & answerBit) === 0) {
    return fail({ kind: "unsupported", what: describe(frame) });
  }
  const telegram = readAnswer(frame, trace);
  if (telegram.ok && trace !== null) {
    explainStatus(frame, trace);
    explainTail(frame, trace);
  }
  return telegram;
}

const readAnswered = 0x81;
/** Where ST0 stands within the data, by L. */
const statusOffsets = new Map(
  [metering, meteringShort, report].map((data) => [data.sizeBytes, data.offsetOf("status")]),
);

/** Reads two bytes at a known place. An answer that is no ordinary reading is urgent as it is. */
function mayBeUrgent(bytes: Uint8Array): boolean {
  const startAt = startOf(bytes);
  const control = bytes[startAt + 9] ?? 0;
  if (control !== readAnswered) return (control & answerBit) !== 0;
  const dataBytes = bytes[startAt + 10] ?? 0;
  const offset = statusOffsets.get(dataBytes);
  if (offset === undefined) return false;
  const dataAt = startAt + 11;
  const meterType = bytes[startAt + 1] ?? 0;
  const profile = profileOf({ bytes, meterType, dataAt, dataBytes });
  const first = bytes[dataAt + offset] ?? 0;
  const second = bytes[dataAt + offset + 1] ?? 0;
  return hasStatus(statusOf(profile, first, second).flags, urgentStatus);
}

/** Adds what the status bytes mean for this meter behind the bytes themselves. */
function explainStatus(frame: Frame, trace: FieldTrace[]): void {
  const index = trace.findIndex(({ name }) => name === "status");
  const raw = trace[index];
  if (raw === undefined) return;
  const [first = 0, second = 0] = frame.bytes.subarray(raw.from, raw.to);
  const { valve, flags } = statusOf(profileOf(frame), first, second);
  const meanings = { valve, flags: statusToNames(flags).join(" ") };
  const lines = Object.entries(meanings).map(([name, value]) => ({ ...raw, name, value }));
  trace.splice(index + 1, 0, ...lines);
}

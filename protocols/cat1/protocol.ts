/** CAT-1 over TCP as a protocol. What a meter may send and what it means is in `answers.ts`. */
import { statusToNames } from "#domain/status.ts";
import { fail, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { u16be } from "#protocols/codec/field.ts";
import type { DecodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { readAnswer } from "./answers.ts";
import { controls, decodeFrame, describe, explainTail, startOf } from "./frame.ts";
import { encodeCat1Command } from "./requests.ts";
import { mayBeAlarm, reasonsOf, statusOf } from "./status.ts";

/** CAT-1: frames of meters in, closing orders out. Reports are answered by `encodeCat1ReportAnswer`. */
export const cat1Protocol = {
  name: "cat1",
  hasWeakChecksum: true,
  hasMakersStatus: true,
  decode: (bytes) => read(bytes, null),
  explain(bytes) {
    const fields: FieldTrace[] = [];
    const telegram = read(bytes, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  mayBeUrgent,
  encodeCommand: encodeCat1Command,
} as const satisfies Omit<Protocol, "name"> & { readonly name: string };

/** D7 of the control code: the meter speaks. */
const answerBit = 0x80;

function read(bytes: Uint8Array, trace: FieldTrace[] | null): Result<Telegram, DecodeFault> {
  const whole = decodeFrame(bytes, trace);
  if (!whole.ok) return whole;
  const frame = whole.value;
  if ((frame.control & answerBit) === 0) {
    return fail({ kind: "unsupported", what: describe(frame) });
  }
  const telegram = readAnswer(frame, trace);
  if (telegram.ok && trace !== null) {
    explainBits(trace);
    explainTail(frame, trace);
  }
  return telegram;
}

const controlOffset = 10;
const reportingTypeOffset = 13;

/** People wait for answers to orders; among the uncertain reasons to call there is one for over-flow. */
function mayBeUrgent(bytes: Uint8Array): boolean {
  const startAt = startOf(bytes);
  const control = bytes[startAt + controlOffset];
  if (control === controls.writeAnswer) return true;
  const reportingType = u16be.read(bytes, startAt + reportingTypeOffset) ?? 0;
  return control === controls.report && mayBeAlarm(reportingType);
}

/** Adds what bits mean behind the bits themselves. */
function explainBits(trace: FieldTrace[]): void {
  const explained = trace.flatMap((line) => {
    if (line.name === "reportingType") {
      return [line, { ...line, name: "reasons", value: reasonsOf(Number(line.value)).join(", ") }];
    }
    if (line.name !== "status") return [line];
    const { valve, flags } = statusOf(Number.parseInt(line.value, 16));
    const names = statusToNames(flags).join(" ");
    return [
      line,
      { ...line, name: "valve", value: valve },
      { ...line, name: "flags", value: names },
    ];
  });
  trace.splice(0, trace.length, ...explained);
}

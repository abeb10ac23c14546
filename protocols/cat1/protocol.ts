/** CAT-1 over TCP as a protocol. What a meter may send and what it means is in `answers.ts`. */
import type { MeterFile, StatusMap } from "#domain/meterFile.ts";
import { hasStatus, statusToNames, urgentStatus } from "#domain/status.ts";
import { fail, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { u16be } from "#protocols/codec/field.ts";
import { familyOf, frameFamilies } from "#protocols/codec/startsWith68.ts";
import type { CommandOrder, DecodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { readAnswer } from "./answers.ts";
import {
  addressOf,
  controls,
  decodeFrame,
  describe,
  explainTail,
  isAnswer,
  startOf,
} from "./frame.ts";
import { postpaidPacket, report } from "./layouts.ts";
import { encodeCat1Command, explainRequest } from "./requests.ts";
import { cat1Default, mayBeAlarm, printReasons, statusOf } from "./status.ts";

/** CAT-1: frames of meters in, closing orders out. Reports are answered by `encodeCat1ReportAnswer`. */
export const cat1Protocol = {
  name: "cat1",
  hasWeakChecksum: true,
  hasMakersStatus: true,
  decode: (bytes: Uint8Array, file?: MeterFile) => read(bytes, file, null),
  explain(bytes: Uint8Array, file?: MeterFile) {
    const fields: FieldTrace[] = [];
    const telegram = read(bytes, file, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  addressOf,
  mayBeUrgent,
  encodeCommand: (order: CommandOrder, file?: MeterFile) => encodeCat1Command(order, file),
} as const satisfies Protocol;

function read(
  bytes: Uint8Array,
  file: MeterFile | undefined,
  trace: FieldTrace[] | null,
): Result<Telegram, DecodeFault> {
  const whole = decodeFrame(bytes, trace);
  if (!whole.ok) return foreignFault(bytes) ?? whole;
  const frame = whole.value;
  const map = mapOf(file);
  const telegram = isAnswer(frame.control)
    ? readAnswer(frame, map, trace)
    : fail({ kind: "unsupported", what: describe(frame) } as const);
  if (trace !== null) {
    if (!isAnswer(frame.control)) explainRequest(frame, trace);
    explainBits(map, trace);
    explainTail(frame, trace);
  }
  return telegram;
}

/** Bytes that are a whole frame of another family, by its name: so that somebody can send it there. */
function foreignFault(bytes: Uint8Array) {
  const family = familyOf(bytes);
  if (family === undefined || family === "cat1") return undefined;
  return fail({ kind: "unsupported", what: frameFamilies[family] } as const);
}

function mapOf(file: MeterFile | undefined): StatusMap {
  return file?.statusMap ?? cat1Default;
}

const controlOffset = 10;
const reportingTypeOffset = 13;
const packetTypeOffset = 16;
const statusOffset = packetTypeOffset + (report.offsetOf("status") ?? 0);

/**
 * People wait for answers to orders; among the uncertain reasons to call there is one for over-flow; and
 * without the meter's file any bit of the status word may be the leak.
 */
function mayBeUrgent(bytes: Uint8Array, file?: MeterFile): boolean {
  const startAt = startOf(bytes);
  const control = bytes[startAt + controlOffset];
  if (control === controls.writeAnswer) return true;
  if (control !== controls.report) return false;
  if (mayBeAlarm(u16be.read(bytes, startAt + reportingTypeOffset) ?? 0)) return true;
  if (bytes[startAt + packetTypeOffset] !== postpaidPacket) return false;
  const word = u16be.read(bytes, startAt + statusOffset) ?? 0;
  if (file === undefined) return word !== 0;
  return hasStatus(statusOf(mapOf(file), word).flags, urgentStatus);
}

/** Adds what bits mean behind the bits themselves. */
function explainBits(map: StatusMap, trace: FieldTrace[]): void {
  const explained = trace.flatMap((line) => {
    if (line.name === "reportingType") {
      return [line, { ...line, name: "reasons", value: printReasons(Number(line.value)) }];
    }
    if (line.name !== "status") return [line];
    const { valve, flags } = statusOf(map, Number.parseInt(line.value, 16));
    const names = statusToNames(flags).join(" ");
    return [
      line,
      { ...line, name: "valve", value: valve ?? "none" },
      { ...line, name: "flags", value: names },
    ];
  });
  trace.splice(0, trace.length, ...explained);
}

/** CJ/T 188 as a protocol. What a meter may send and what it means is in `answers.ts`. */
import type { MeterFile, StatusMap } from "#domain/meterFile.ts";
import { fail, type Result } from "#domain/result.ts";
import { hasStatus, statusToNames, urgentStatus } from "#domain/status.ts";
import type { Telegram } from "#domain/telegram.ts";
import { familyOf, frameFamilies } from "#protocols/codec/startsWith68.ts";
import type { CommandOrder, DecodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { explainRaw, readAnswer, statusPlaceOf } from "./answers.ts";
import type { Cjt188File } from "./file.ts";
import {
  decodeFrame,
  describe,
  diOf,
  explainTail,
  isAbnormal,
  isAnswer,
  ownerOf,
  startOf,
  type Frame,
} from "./frame.ts";
import { identifierOf, isOfGroup } from "./identifiers.ts";
import { encodeCjt188Command, explainRequest } from "./requests.ts";
import { gasDefault, isGas, nbIot, standardOnly, statusOf, unusedByte } from "./status.ts";

/** CJ/T 188: frames of meters in, closing orders out. */
export const cjt188Protocol = {
  name: "cjt188",
  hasWeakChecksum: true,
  hasMakersStatus: true,
  decode: (bytes: Uint8Array, file?: MeterFile) => read(bytes, file, null),
  explain(bytes: Uint8Array, file?: MeterFile) {
    const fields: FieldTrace[] = [];
    const telegram = read(bytes, file, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  addressOf(bytes: Uint8Array) {
    const whole = decodeFrame(bytes, null);
    return whole.ok ? ownerOf(whole.value) : null;
  },
  mayBeUrgent,
  encodeCommand: (order: CommandOrder, file?: MeterFile) => encodeCjt188Command(order, file),
} as const satisfies Protocol;

function read(
  bytes: Uint8Array,
  file: Cjt188File | undefined,
  trace: FieldTrace[] | null,
): Result<Telegram, DecodeFault> {
  const whole = decodeFrame(bytes, trace);
  if (!whole.ok) return foreignFault(bytes) ?? whole;
  const frame = whole.value;
  const map = mapOf(frame, file);
  const telegram = isAnswer(frame.control)
    ? readAnswer(frame, map, trace)
    : fail({ kind: "unsupported", what: describe(frame) } as const);
  if (trace !== null) {
    if (!isAnswer(frame.control) && !explainRequest(frame, trace)) explainRaw(frame, trace);
    explainIdentifier(frame, trace);
    explainStatus(frame, map, trace);
    explainTail(frame, trace);
  }
  return telegram;
}

/** Bytes that are a whole frame of another family, by its name: so that somebody can send it there. */
function foreignFault(bytes: Uint8Array) {
  const family = familyOf(bytes.subarray(startOf(bytes)));
  if (family === undefined || family === "cjt188") return undefined;
  return fail({ kind: "unsupported", what: frameFamilies[family] } as const);
}

/** The map of the meter's profile; without one it is chosen by meter type. */
function mapOf(frame: Frame, file: Cjt188File | undefined): StatusMap {
  if (file?.statusMap !== undefined) return file.statusMap;
  if (isGas(frame.meterType)) return gasDefault;
  return isOfGroup(diOf(frame), "9097") ? nbIot : standardOnly;
}

/**
 * Looks at the status bytes alone. Without the meter's file any bit may be the leak, so any bit is
 * urgent. An answer that is no ordinary reading is urgent as it is: people wait for it.
 */
function mayBeUrgent(bytes: Uint8Array, file?: MeterFile): boolean {
  const frame = glance(bytes);
  if (!isAnswer(frame.control)) return false;
  if (isAbnormal(frame.control) || frame.control !== readAnswered) return true;
  const place = statusPlaceOf(frame);
  if (place === undefined) return false;
  const at = frame.dataAt + place;
  const [first = 0, second = unusedByte] = bytes.subarray(at, at + 2);
  if (file === undefined) return first !== 0 || (second !== 0 && second !== unusedByte);
  return hasStatus(statusOf(mapOf(frame, file), first, second).flags, urgentStatus);
}

const readAnswered = 0x81;

/** What a frame would be, without asking whether it is one. */
function glance(bytes: Uint8Array): Frame {
  const startAt = startOf(bytes);
  return {
    bytes,
    meterType: bytes[startAt + 1] ?? 0,
    address: "",
    control: bytes[startAt + 9] ?? 0,
    dataAt: startAt + 11,
    dataBytes: bytes[startAt + 10] ?? 0,
  };
}

/** Adds what an identifier is called behind the identifier itself. */
function explainIdentifier(frame: Frame, trace: FieldTrace[]): void {
  const index = trace.findIndex(({ name }) => name === "diWire");
  const raw = trace[index];
  if (raw === undefined) return;
  const identifier = identifierOf(diOf(frame));
  const value =
    identifier === undefined
      ? "not in the tables"
      : `${identifier.di.toUpperCase()} ${identifier.name}`;
  trace.splice(index + 1, 0, { ...raw, name: "identifier", value });
}

/** Adds what the status bytes mean for this meter behind the bytes themselves. */
function explainStatus(frame: Frame, map: StatusMap, trace: FieldTrace[]): void {
  const index = trace.findIndex(({ name }) => name === "status");
  const raw = trace[index];
  if (raw === undefined) return;
  const [first = 0, second = unusedByte] = frame.bytes.subarray(raw.from, raw.to);
  const { valve, flags } = statusOf(map, first, second);
  const meanings = { valve: valve ?? "none", flags: statusToNames(flags).join(" ") };
  const lines = Object.entries(meanings).map(([name, value]) => ({ ...raw, name, value }));
  trace.splice(index + 1, 0, ...lines);
}

/** Judges CAT-1 rows. */
import { unreachable } from "#domain/invariant.ts";
import { formatInstant } from "#domain/units.ts";
import { readPart } from "#protocols/cat1/answers.ts";
import { controls, decodeFrame, encodeFrame, startOf, type Frame } from "#protocols/cat1/frame.ts";
import {
  answeredAt,
  clockRequest,
  readRequest,
  report,
  reportAnswer,
  valveRequest,
  writeAnswer,
} from "#protocols/cat1/layouts.ts";
import { cat1Protocol } from "#protocols/cat1/protocol.ts";
import { localOffsetMs, reportIntervalMinutes, tableTypeOf } from "#protocols/cat1/quantities.ts";
import { decodeCat1Request, type Cat1Request } from "#protocols/cat1/requests.ts";
import { cat1Default, reasonsOf, statusOf } from "#protocols/cat1/status.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { splitFrames } from "#protocols/codec/frameStream.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import type { Row } from "./rows.ts";
import {
  compared,
  difference,
  isEqual,
  judgement,
  refusal,
  refusedWrongly,
  type Judgement,
} from "./verdict.ts";

type Facts = Readonly<Record<string, unknown>>;

export function judgeCat1({ hex, expected, encodeVector, checksum, kind }: Row): Judgement {
  const bytes = bytesOfHex(hex);
  const decoded = cat1Protocol.decode(bytes);
  const fault = decoded.ok ? null : decoded.fault;
  if (checksum?.valid === false || kind === "bad-checksum") {
    return refusal(fault, "checksumMismatch");
  }
  const facts = factsOf(bytes);
  if (facts === undefined) return refusedWrongly(fault);
  const values = compared(facts, expected);
  const differences = [...values.differences];
  // What a meter sent becomes a telegram, and is found in a stream.
  const isUp = ((bytes[startOf(bytes) + 10] ?? 0) & 0x80) !== 0;
  if (decoded.ok !== isUp) differences.push(difference("telegram", isUp, decoded.ok));
  const { frames } = splitFrames(bytes);
  if (!isEqual(frames, [{ protocol: "cat1", bytes }])) {
    differences.push(difference("in a stream", 1, frames.length));
  }
  // It begins and ends like CJ/T 188, and must not be taken for it.
  if (cjt188Protocol.decode(bytes).ok)
    differences.push(difference("as CJ/T 188", "refused", "taken"));
  const isEncoded = encodeVector === true ? isRewritten(hex) : null;
  if (isEncoded === false) differences.push(difference("encoded", hex, "other bytes"));
  return judgement({ ...values, differences, isEncoded });
}

function factsOf(bytes: Uint8Array): Facts | undefined {
  const whole = decodeFrame(bytes, null);
  if (!whole.ok) return undefined;
  const frame = whole.value;
  return {
    protocol: "cat1",
    deviceType: hexByte(frame.deviceType),
    control: hexByte(frame.control),
    meterType: hexByte(frame.meterType),
    address: frame.address,
    instruction: frame.instruction,
    reportingType: frame.reportingType,
    trigger: reasonsOf(frame.reportingType),
    dataLength: frame.dataBytes,
    ...(frame.control === controls.report ? reportFacts(frame) : answerFacts(frame)),
  };
}

function reportFacts(frame: Frame): Facts {
  const read = readPart(report, frame, 0, null);
  if (!read.ok) return {};
  const { value } = read;
  const { resolutionLitres, payment } = tableTypeOf(value.tableType);
  const { valve } = statusOf(cat1Default, value.status);
  return {
    packetType: value.packetType,
    manufacturerCode: value.manufacturerCode.toUpperCase(),
    tableTypeCode: hexWord(value.tableType).toUpperCase(),
    resolutionLitres,
    paymentType: payment,
    imei: value.imei.slice(0, 15),
    iccid: value.iccid,
    cumulativeLitres: value.cumulative,
    dailyLitres: value.today,
    monthlyLitres: value.month,
    statusWord: hexWord(value.status),
    valveState: valve,
    batteryLow: (value.status & 0x20) !== 0,
    batteryMillivolts: value.battery,
    signalDbm: value.signal,
    cumulativeReports: value.reports,
    dailyReports: value.reportsToday,
    reportIntervalMinutes: reportIntervalMinutes(value.reportingMode),
    time: localTime(value.measuredAt),
  };
}

function answerFacts(frame: Frame): Facts {
  const read = readPart(writeAnswer, frame, 0, null);
  if (!read.ok) return {};
  const { identifier, result } = read.value;
  const clock = readPart(answeredAt, frame, writeAnswer.sizeBytes, null);
  return {
    di: identifier,
    resultCode: hexByte(result),
    success: result === 0,
    time: clock.ok ? localTime(clock.value.meterClock) : undefined,
  };
}

/** The request written again from what was read of it. */
function isRewritten(hex: string): boolean {
  const request = decodeCat1Request(bytesOfHex(hex));
  if (!request.ok) return false;
  const { value } = request;
  return Buffer.from(encodeFrame(value, dataOf(value))).toString("hex") === hex.toLowerCase();
}

function dataOf(request: Cat1Request): Uint8Array {
  switch (request.kind) {
    case "valve":
      return valveRequest.encode(request);
    case "clock":
      return clockRequest.encode(request);
    case "read":
      return readRequest.encode(request);
    case "reportAnswer":
      return reportAnswer.encode(request);
    default:
      return unreachable(request);
  }
}

function localTime(atMs: number | null): string | null {
  return atMs === null ? null : formatInstant(atMs + localOffsetMs).slice(0, 19);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function hexWord(word: number): string {
  return word.toString(16).padStart(4, "0");
}

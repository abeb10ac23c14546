/** CAT-1 frames with known answers. They measure; the cards are what this repository stands on. */
import { describe, expect, test } from "vitest";
import { formatInstant } from "#domain/units.ts";
import { readPart } from "#protocols/cat1/answers.ts";
import { controls, decodeFrame, encodeFrame, type Frame } from "#protocols/cat1/frame.ts";
import {
  answeredAt,
  readRequest,
  report,
  reportAnswer,
  valveRequest,
  writeAnswer,
} from "#protocols/cat1/layouts.ts";
import { cat1Protocol } from "#protocols/cat1/protocol.ts";
import { localOffsetMs, reportIntervalMinutes, tableTypeOf } from "#protocols/cat1/quantities.ts";
import { decodeCat1Request } from "#protocols/cat1/requests.ts";
import { reasonsOf, statusOf } from "#protocols/cat1/status.ts";
import { splitFrames } from "#protocols/codec/frameStream.ts";
import { corpusRows, differencesOf } from "./corpusRows.ts";
import { bytesOfHex } from "./cards.ts";

type Facts = Readonly<Record<string, unknown>>;

const all = corpusRows("cjt188.jsonl");
const rows = (all ?? []).filter(({ protocol }) => protocol === "cjt188-cat1");

describe.skipIf(all === undefined)("frames with known answers: CAT-1", () => {
  test("every value as the publisher gives it", () => {
    const wrong = rows.flatMap(({ id, hex, expected }) =>
      differencesOf(factsOf(bytesOfHex(hex)), expected).map((text) => `${id}: ${text}`),
    );
    const wrongRows = new Set(wrong.map((text) => text.split(":")[0])).size;
    const encodable = rows.filter(({ encodeVector }) => encodeVector === true);
    const encoded = encodable.filter(({ hex }) => isRewritten(hex)).length;
    console.info(
      `CORPUS cat1: ${rows.length - wrongRows}/${rows.length} decoded, ` +
        `${encoded}/${encodable.length} encoded`,
    );
    expect(wrong).toEqual([]);
    expect(encoded).toBe(encodable.length);
  });

  test("what a meter sent becomes a telegram, and is found in a stream", () => {
    for (const { id, hex } of rows) {
      const bytes = bytesOfHex(hex);
      const isUp = ((bytes[10] ?? 0) & 0x80) !== 0;
      expect([id, cat1Protocol.decode(bytes).ok]).toEqual([id, isUp]);
      expect(splitFrames(bytes).frames).toEqual([{ protocol: "cat1", bytes }]);
    }
  });
});

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
  const { valve } = statusOf(value.status);
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
  const data =
    value.kind === "valve"
      ? valveRequest.encode(value)
      : value.kind === "read"
        ? readRequest.encode(value)
        : reportAnswer.encode(value);
  return Buffer.from(encodeFrame(value, data)).toString("hex") === hex;
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

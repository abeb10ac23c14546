/** What meters send: a table of frames by control code, each with its layout and meaning. */
import type { StatusMap } from "#domain/meterFile.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import { emptyReading, type CommandReply, type Telegram } from "#domain/telegram.ts";
import { volumeFromCount } from "#domain/units.ts";
import type { Layout, ValuesOfLayout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { controls, describe, type Frame } from "./frame.ts";
import {
  answeredAt,
  parameters,
  postpaidPacket,
  report,
  reportStart,
  valveIdentifier,
  writeAnswer,
} from "./layouts.ts";
import { statusOf } from "./status.ts";

type Content = Pick<Telegram, "readings" | "replies">;
type Answer = (
  frame: Frame,
  map: StatusMap,
  trace: FieldTrace[] | null,
) => Result<Content, DecodeFault>;

const answers: Readonly<Record<number, Answer>> = {
  [controls.report]: readReport,
  [controls.writeAnswer]: (frame, _, trace) => readWriteAnswer(frame, trace),
  [controls.readAnswer]: (frame, _, trace) => readParameters(frame, trace),
};

/** What a frame of a meter says. */
export function readAnswer(
  frame: Frame,
  map: StatusMap,
  trace: FieldTrace[] | null,
): Result<Telegram, DecodeFault> {
  const answer = answers[frame.control];
  if (answer === undefined) return fail({ kind: "unsupported", what: describe(frame) });
  const content = answer(frame, map, trace);
  return content.ok ? ok({ address: frame.address, frameId: null, ...content.value }) : content;
}

const litreExponent = -3;

function readReport(
  frame: Frame,
  map: StatusMap,
  trace: FieldTrace[] | null,
): Result<Content, DecodeFault> {
  const start = readPart(reportStart, frame, 0, null);
  if (!start.ok) return start;
  const { packetType } = start.value;
  if (packetType !== postpaidPacket) {
    return fail({ kind: "unsupported", what: `report of packet type ${packetType}` });
  }
  const read = readPart(report, frame, 0, trace);
  if (!read.ok) return read;
  explainSpare(frame, report.sizeBytes, trace);
  return ok({ readings: [readingOf(read.value, map)], replies: [] });
}

function readingOf(values: ValuesOfLayout<typeof report>, map: StatusMap) {
  const count = values.cumulative;
  const ml = count === null ? undefined : volumeFromCount(count, litreExponent);
  const { valve, flags } = statusOf(map, values.status);
  return {
    ...emptyReading,
    measuredAtMs: values.measuredAt,
    volume: count === null || ml === undefined ? null : { ml, count, exponent: litreExponent },
    batteryMv: values.battery,
    signalDbm: values.signal,
    valve,
    status: flags,
  };
}

const done = 0x00;
/** Meters refuse some orders without saying which. */
const noIdentifier = "0000";

function readWriteAnswer(frame: Frame, trace: FieldTrace[] | null): Result<Content, DecodeFault> {
  const read = readPart(writeAnswer, frame, 0, trace);
  if (!read.ok) return read;
  const { identifier, result } = read.value;
  const clockEnd = writeAnswer.sizeBytes + answeredAt.sizeBytes;
  const hasClock = frame.dataBytes >= clockEnd;
  if (hasClock) readPart(answeredAt, frame, writeAnswer.sizeBytes, trace);
  explainSpare(frame, hasClock ? clockEnd : writeAnswer.sizeBytes, trace);
  const isValve =
    identifier === valveIdentifier || (identifier === noIdentifier && result !== done);
  const replies = isValve ? [replyOf(frame.instruction, result)] : [];
  return ok({ readings: [], replies });
}

/** No position here: the next report's status word has it, once the motor has moved. */
function replyOf(instruction: number, result: number): CommandReply {
  const code = result.toString(16).toUpperCase().padStart(2, "0");
  return {
    commandId: null,
    sequence: sequenceOf(instruction),
    result: result === done ? "accepted" : "refused",
    reason: result === done ? null : `code ${code}H`,
    valve: null,
  };
}

/** Instruction 0 belongs to no order, so the order with sequence 0 is sent under this number. */
const instructionOfZero = 0x100;

/** The instruction number of an order. */
export function instructionOf(sequence: number): number {
  return sequence === 0 ? instructionOfZero : sequence;
}

/** The order that an answer belongs to; null: a refusal that does not say. */
function sequenceOf(instruction: number): number | null {
  if (instruction === 0) return null;
  return instruction === instructionOfZero ? 0 : instruction;
}

/** The meter's settings: nothing for a telegram, but worth reading for people. */
function readParameters(frame: Frame, trace: FieldTrace[] | null): Result<Content, DecodeFault> {
  const read = readPart(parameters, frame, 0, trace);
  if (!read.ok) return read;
  explainSpare(frame, parameters.sizeBytes, trace);
  return ok({ readings: [], replies: [] });
}

/** A part of the data, which must not reach into the checksum. */
export function readPart<Values>(
  part: Layout<Values>,
  { bytes, dataAt, dataBytes }: Frame,
  offset: number,
  trace: FieldTrace[] | null,
): Result<Values, DecodeFault> {
  if (dataBytes < offset + part.sizeBytes) {
    return fail({ kind: "wrongLength", field: `${part.name}.data`, atByte: dataAt - 1 });
  }
  return part.decode(bytes, dataAt + offset, trace);
}

/** Bytes behind what a layout has read. */
export function explainSpare(frame: Frame, offset: number, trace: FieldTrace[] | null): void {
  const from = frame.dataAt + offset;
  const to = frame.dataAt + frame.dataBytes;
  if (trace === null || from === to) return;
  const value = Buffer.from(frame.bytes.subarray(from, to)).toString("hex").toUpperCase();
  trace.push({ name: "spare", from, to, value, unit: null });
}

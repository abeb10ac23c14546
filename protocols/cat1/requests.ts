/** What this side sends: answers to reports, the close command, the time, a read; and how a meter reads them. */
import { invariant } from "#domain/invariant.ts";
import type { MeterFile } from "#domain/meterFile.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { CommandOrder, DecodeFault, EncodeFault, FieldTrace } from "#protocols/contract.ts";
import type { Layout, ValuesOfLayout } from "#protocols/codec/layout.ts";
import { explainSpare, instructionOf, readPart } from "./answers.ts";
import {
  controls,
  decodeFrame,
  describe,
  encodeFrame,
  type Frame,
  type FrameHead,
} from "./frame.ts";
import {
  clockIdentifier,
  clockRequest,
  orderStart,
  readAllIdentifier,
  readRequest as readAllRequest,
  reportAnswer,
  reportStart,
  valveIdentifier,
  valveRequest,
  type powerFlags,
} from "./layouts.ts";

/** Whether the meter may switch its radio off, or waits for a command. */
export type Power = keyof typeof powerFlags;

/**
 * The answer to a report, out of the report's own bytes. A report that we cannot read is answered too:
 * a meter without an answer empties its battery.
 */
export function encodeCat1ReportAnswer(
  bytes: Uint8Array,
  power: Power,
): Result<Uint8Array, DecodeFault> {
  const whole = decodeFrame(bytes, null);
  if (!whole.ok) return whole;
  const frame = whole.value;
  if (frame.control !== controls.report) {
    return fail({ kind: "unsupported", what: describe(frame) });
  }
  const start = readPart(reportStart, frame, 0, null);
  if (!start.ok) return start;
  const { meterType, address, reportingType } = frame;
  const to = { meterType, address, control: controls.reportAnswer, instruction: 0, reportingType };
  return ok(encodeFrame(to, reportAnswer.encode({ packetType: start.value.packetType, power })));
}

/** What is on file of a meter that an order depends on. */
type Cat1File = Pick<MeterFile, "valveDialect" | "meterType">;

/** The only valve operation that this system can send (architecture rule 5.6). */
const operation = "close" as const;
/** Not forced leaves it to the meter whether it closes. */
const forced = 0x5a;
const notForced = 0x00;
const setClock = 0x5a;

const gasMeterType = 0x30;
const addressPattern = /^\d{14}$/;
const noSpare = "0000000000000000";

/** Whom an order goes to, and the number under which its answer comes back. */
export type Cat1Addressee = Pick<CommandOrder, "frameAddress" | "sequence">;

/** The order as a frame; forced, unless the profile says that the model refuses that. */
export function encodeCat1Command(
  order: CommandOrder,
  file: Cat1File = {},
): Result<Uint8Array, EncodeFault> {
  const { action, frameAddress, sequence, issuedAtMs } = order;
  if (action === "set_clock") {
    return encodeCat1Clock({ frameAddress, sequence, clock: issuedAtMs }, file);
  }
  if (action !== "close") return fail({ kind: "unsupported", what: action });
  const permission = file.valveDialect === "nonForced" ? notForced : forced;
  const values = { identifier: valveIdentifier, operation, permission, spare: noSpare };
  return encodeRequest(order, controls.write, valveRequest.encode(values), file);
}

/** AA00: a meter's clock, set to this instant in local time. */
export function encodeCat1Clock(
  order: Cat1Addressee & { readonly clock: TimestampMs },
  file: Cat1File = {},
): Result<Uint8Array, EncodeFault> {
  const { clock } = order;
  const values = { identifier: clockIdentifier, permission: setClock, clock, spare: noSpare };
  return encodeRequest(order, controls.write, clockRequest.encode(values), file);
}

/** A901: the meter's settings, which say among other things whether it takes valve orders. */
export function encodeCat1Read(
  order: Cat1Addressee,
  file: Cat1File = {},
): Result<Uint8Array, EncodeFault> {
  const data = readAllRequest.encode({ identifier: readAllIdentifier, spare: noSpare });
  return encodeRequest(order, controls.read, data, file);
}

function encodeRequest(
  { frameAddress, sequence }: Cat1Addressee,
  control: number,
  data: Uint8Array,
  { meterType = gasMeterType }: Cat1File,
): Result<Uint8Array, EncodeFault> {
  if (frameAddress === null || !addressPattern.test(frameAddress)) {
    return fail({ kind: "noFrameAddress" });
  }
  invariant(sequence >= 0 && sequence <= 0xff, "a sequence is one byte");
  const instruction = instructionOf(sequence);
  const to = { meterType, address: frameAddress, control, instruction, reportingType: 0 };
  return ok(encodeFrame(to, data));
}

/** What a meter learns from a downlink. */
export type Cat1Request = FrameHead &
  (
    | ({ readonly kind: "reportAnswer" } & ValuesOfLayout<typeof reportAnswer>)
    | ({ readonly kind: "valve" } & ValuesOfLayout<typeof valveRequest>)
    | ({ readonly kind: "clock" } & ValuesOfLayout<typeof clockRequest>)
    | ({ readonly kind: "read" } & ValuesOfLayout<typeof readAllRequest>)
  );

/** A downlink as the meter reads it; for simulated meters. */
export function decodeCat1Request(
  bytes: Uint8Array,
  trace: FieldTrace[] | null = null,
): Result<Cat1Request, DecodeFault> {
  const whole = decodeFrame(bytes, trace);
  return whole.ok ? readRequest(whole.value, trace) : whole;
}

/** A frame to a meter for people, with the name of what is ordered where there is no table for it. */
export function explainRequest(frame: Frame, trace: FieldTrace[]): void {
  const before = trace.length;
  if (readRequest(frame, trace).ok) return;
  trace.length = before;
  const isOrder = frame.control === controls.read || frame.control === controls.write;
  if (!isOrder || !readPart(orderStart, frame, 0, trace).ok) return;
  explainSpare(frame, orderStart.sizeBytes, trace);
}

function readRequest(frame: Frame, trace: FieldTrace[] | null): Result<Cat1Request, DecodeFault> {
  const { dataAt, dataBytes: _, bytes, ...to } = frame;
  const identifier = Buffer.from(bytes.subarray(dataAt, dataAt + 2)).toString("hex");
  const isA = isRequestOf(frame, identifier);
  if (isA(controls.reportAnswer, null, reportAnswer)) {
    const read = readPart(reportAnswer, frame, 0, trace);
    return read.ok ? ok({ kind: "reportAnswer", ...to, ...read.value }) : read;
  }
  if (isA(controls.write, valveIdentifier, valveRequest)) {
    const read = readPart(valveRequest, frame, 0, trace);
    return read.ok ? ok({ kind: "valve", ...to, ...read.value }) : read;
  }
  if (isA(controls.write, clockIdentifier, clockRequest)) {
    const read = readPart(clockRequest, frame, 0, trace);
    return read.ok ? ok({ kind: "clock", ...to, ...read.value }) : read;
  }
  if (isA(controls.read, readAllIdentifier, readAllRequest)) {
    const read = readPart(readAllRequest, frame, 0, trace);
    return read.ok ? ok({ kind: "read", ...to, ...read.value }) : read;
  }
  return fail({ kind: "unsupported", what: describe(frame) });
}

function isRequestOf({ control, dataBytes }: Frame, identifier: string) {
  return (wantedControl: number, wanted: string | null, { sizeBytes }: Layout<unknown>) =>
    control === wantedControl &&
    dataBytes === sizeBytes &&
    (wanted === null || wanted === identifier);
}

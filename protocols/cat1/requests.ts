/** What this side sends: the answer to a report, the close command; and how a meter reads them. */
import { invariant } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { CommandOrder, DecodeFault, EncodeFault, FieldTrace } from "#protocols/contract.ts";
import type { ValuesOfLayout } from "#protocols/codec/layout.ts";
import { instructionOf, readPart } from "./answers.ts";
import { controls, decodeFrame, describe, encodeFrame, type FrameHead } from "./frame.ts";
import {
  readAllIdentifier,
  readRequest,
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

/** The only valve operation that this system can send (architecture rule 5.6). */
const operationOf = { close: "close" } as const satisfies Record<CommandOrder["action"], string>;
/** Not forced would leave it to the meter whether it closes. */
const forced = 0x5a;

const gasMeterType = 0x30;
const addressPattern = /^\d{14}$/;
const noSpare = "0000000000000000";

/** The order as a frame. */
export function encodeCat1Command(order: CommandOrder): Result<Uint8Array, EncodeFault> {
  const { frameAddress, sequence } = order;
  if (frameAddress === null || !addressPattern.test(frameAddress)) {
    return fail({ kind: "noFrameAddress" });
  }
  invariant(sequence >= 0 && sequence <= 0xff, "a sequence is one byte");
  const to = {
    meterType: gasMeterType,
    address: frameAddress,
    control: controls.write,
    instruction: instructionOf(sequence),
    reportingType: 0,
  };
  const operation = operationOf[order.action];
  const values = { identifier: valveIdentifier, operation, permission: forced, spare: noSpare };
  return ok(encodeFrame(to, valveRequest.encode(values)));
}

/** What a meter learns from a downlink. */
export type Cat1Request = FrameHead &
  (
    | ({ readonly kind: "reportAnswer" } & ValuesOfLayout<typeof reportAnswer>)
    | ({ readonly kind: "valve" } & ValuesOfLayout<typeof valveRequest>)
    | ({ readonly kind: "read" } & ValuesOfLayout<typeof readRequest>)
  );

/** A downlink as the meter reads it; for simulated meters. */
export function decodeCat1Request(
  bytes: Uint8Array,
  trace: FieldTrace[] | null = null,
): Result<Cat1Request, DecodeFault> {
  const whole = decodeFrame(bytes, trace);
  if (!whole.ok) return whole;
  const frame = whole.value;
  const { dataAt, dataBytes, bytes: _, ...to } = frame;
  const identifier = Buffer.from(bytes.subarray(dataAt, dataAt + 2)).toString("hex");
  const isRequest = (control: number, wanted: string | null, sizeBytes: number) =>
    frame.control === control &&
    dataBytes === sizeBytes &&
    (wanted === null || wanted === identifier);
  if (isRequest(controls.reportAnswer, null, reportAnswer.sizeBytes)) {
    const read = readPart(reportAnswer, frame, 0, trace);
    return read.ok ? ok({ kind: "reportAnswer", ...to, ...read.value }) : read;
  }
  if (isRequest(controls.write, valveIdentifier, valveRequest.sizeBytes)) {
    const read = readPart(valveRequest, frame, 0, trace);
    return read.ok ? ok({ kind: "valve", ...to, ...read.value }) : read;
  }
  if (isRequest(controls.read, readAllIdentifier, readRequest.sizeBytes)) {
    const read = readPart(readRequest, frame, 0, trace);
    return read.ok ? ok({ kind: "read", ...to, ...read.value }) : read;
  }
  return fail({ kind: "unsupported", what: describe(frame) });
}

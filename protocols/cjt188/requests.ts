/** What this side sends: the close command, and how a meter reads what it is sent. */
import { invariant } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { CommandOrder, DecodeFault, EncodeFault, FieldTrace } from "#protocols/contract.ts";
import type { Layout, ValuesOfLayout } from "#protocols/codec/layout.ts";
import { describe, diOf, sameDi } from "./answers.ts";
import { decodeFrame, encodeFrame, type Frame } from "./frame.ts";
import { addressRequest, bareData, scheduleRequest, valveRequest } from "./layouts.ts";
import { gasMeterTypeMin } from "./status.ts";

/** The write that moves a valve; 04 is the standard's, 2A a dialect. */
const writeData = 0x04;
const valveControls = [writeData, 0x2a];

/** What a meter learns from a request. */
export type Cjt188Request = Pick<Frame, "meterType" | "address" | "control"> &
  (
    | ({ readonly kind: "valve" } & ValuesOfLayout<typeof valveRequest>)
    | ({ readonly kind: "address" } & ValuesOfLayout<typeof addressRequest>)
    | ({ readonly kind: "schedule" } & ValuesOfLayout<typeof scheduleRequest>)
    | ({ readonly kind: "read" } & ValuesOfLayout<typeof bareData>)
  );

/** The only valve operation that this system can send (architecture rule 5.6). */
const operationOf = { close: "close" } as const satisfies Record<CommandOrder["action"], string>;

const addressPattern = /^\d{14}$/;

/** The order as a frame. T is gas; meters are told to match on address, SER and DI. */
export function encodeCjt188Command(order: CommandOrder): Result<Uint8Array, EncodeFault> {
  const { frameAddress, sequence } = order;
  if (frameAddress === null || !addressPattern.test(frameAddress)) {
    return fail({ kind: "noFrameAddress" });
  }
  invariant(sequence >= 0 && sequence <= 0xff, "SER is one byte");
  const operation = operationOf[order.action];
  const data = valveRequest.encode({ diWire: "a017", sequence, operation });
  const head = { meterType: gasMeterTypeMin, address: frameAddress, control: writeData };
  return ok(encodeFrame(head, data));
}

/** A downlink as the meter reads it; for simulated meters. */
export function decodeCjt188Request(
  bytes: Uint8Array,
  trace: FieldTrace[] | null = null,
): Result<Cjt188Request, DecodeFault> {
  const whole = decodeFrame(bytes, trace);
  if (!whole.ok) return whole;
  const frame = whole.value;
  const { meterType, address, control } = frame;
  const to = { meterType, address, control };
  if (isRequest(frame, valveControls, "a017", valveRequest)) {
    const read = valveRequest.decode(bytes, frame.dataAt, trace);
    return read.ok ? ok({ kind: "valve", ...to, ...read.value }) : read;
  }
  if (isRequest(frame, [0x15], "a018", addressRequest)) {
    const read = addressRequest.decode(bytes, frame.dataAt, trace);
    return read.ok ? ok({ kind: "address", ...to, ...read.value }) : read;
  }
  if (isRequest(frame, [writeData], "a118", scheduleRequest)) {
    const read = scheduleRequest.decode(bytes, frame.dataAt, trace);
    return read.ok ? ok({ kind: "schedule", ...to, ...read.value }) : read;
  }
  if ([0x01, 0x03].includes(control) && frame.dataBytes === bareData.sizeBytes) {
    const read = bareData.decode(bytes, frame.dataAt, trace);
    return read.ok ? ok({ kind: "read", ...to, ...read.value }) : read;
  }
  return fail({ kind: "unsupported", what: describe(frame) });
}

function isRequest(
  frame: Frame,
  controls: readonly number[],
  di: string,
  { sizeBytes }: Layout<unknown>,
): boolean {
  const isControl = controls.includes(frame.control);
  return isControl && frame.dataBytes === sizeBytes && sameDi(diOf(frame), di);
}

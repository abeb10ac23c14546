/** What this side sends: the close command in every dialect, the time; and how a meter reads it. */
import { invariant } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { CommandOrder, DecodeFault, EncodeFault, FieldTrace } from "#protocols/contract.ts";
import type { Layout, ValuesOfLayout } from "#protocols/codec/layout.ts";
import type { Cjt188File } from "./file.ts";
import {
  broadcastAddress,
  decodeFrame,
  describe,
  diOf,
  encodeFrame,
  functionOf,
  functions,
  isAnswer,
  type Frame,
} from "./frame.ts";
import { sameDi, swapped } from "./identifiers.ts";
import { bareData, bareIdentifier } from "./layouts.ts";
import {
  addressRequest,
  clockRequest,
  scheduleRequest,
  valveRequest,
  valveRequestOfTwo,
} from "./requestLayouts.ts";
import { gasMeterTypeMin } from "./status.ts";

/** What a meter learns from a request. */
export type Cjt188Request = Pick<Frame, "meterType" | "address" | "control"> &
  (
    | ({ readonly kind: "valve" } & ValuesOfLayout<typeof valveRequest>)
    | ({ readonly kind: "clock" } & ValuesOfLayout<typeof clockRequest>)
    | ({ readonly kind: "address" } & ValuesOfLayout<typeof addressRequest>)
    | ({ readonly kind: "schedule" } & ValuesOfLayout<typeof scheduleRequest>)
    | {
        readonly kind: "read";
        readonly diWire: string;
        /** null: the request came without SER. */
        readonly sequence: number | null;
      }
  );

/** The write of the standard; 2A and 24 are dialects. */
const writeData = 0x04;

/**
 * How models are told to close. There is no opening in this table, and none may be added (architecture
 * rule 5.6). "Not forced" leaves the valve to the customer's button, as the dialect has no other way.
 */
const closings = {
  standard: { control: writeData, data: valveRequest, operation: "close" },
  control2a: { control: 0x2a, data: valveRequest, operation: "close" },
  nonForced: { control: writeData, data: valveRequest, operation: "close, not forced" },
  twoByte: { control: 0x24, data: valveRequestOfTwo, operation: "close" },
} as const;

const addressPattern = /^\d{14}$/;

/** T of frames to the broadcast address, as the published ones have it. */
const anyMeterType = 0x10;

/** The order as a frame. T is gas unless the profile says otherwise; meters match on address, SER and DI. */
export function encodeCjt188Command(
  order: CommandOrder,
  file: Cjt188File = {},
): Result<Uint8Array, EncodeFault> {
  const { action, frameAddress, sequence, issuedAtMs } = order;
  if (action === "set_clock") {
    return encodeCjt188Clock({ frameAddress, sequence, clock: issuedAtMs }, file);
  }
  if (action === "change_parameters") return encodeSchedule(order, file);
  if (action !== "close") return fail({ kind: "unsupported", what: action });
  const to = addressFor(frameAddress, file);
  if (!to.ok) return to;
  const { control, data, operation } = closings[file.valveDialect ?? "standard"];
  const values = { ...startOfData("a017", sequence, file), operation, spare: 0 };
  return ok(encodeFrame({ ...headTo(to.value, file), control }, data.encode(values)));
}

/** The one published example has this number for a plan of hours, and nothing for a difference of clocks. */
const hourly = { scheme: 1, clockDifference: "00000000000000", reserved: "0000" } as const;
const scheduledHoursMax = 4;

/** A118 of the NB-IoT dialect: up to four hours of the day. It has no interval. */
function encodeSchedule(
  { parameters, frameAddress, sequence }: CommandOrder,
  file: Cjt188File,
): Result<Uint8Array, EncodeFault> {
  if (!parameters || !("reportHours" in parameters)) {
    return fail({ kind: "unsupported", what: "an interval of reports" });
  }
  const { reportHours: hours } = parameters;
  if (hours.length === 0 || hours.length > scheduledHoursMax) {
    return fail({ kind: "unsupported", what: `more than ${scheduledHoursMax} hours of reports` });
  }
  const to = ownAddress(frameAddress);
  if (!to.ok) return to;
  const reportHours = Array.from({ length: scheduledHoursMax }, (_, place) => hours[place] ?? null);
  const values = { ...startOfData("a118", sequence, file), ...hourly, reportHours };
  const head = { ...headTo(to.value, file), control: writeData };
  return ok(encodeFrame(head, scheduleRequest.encode(values)));
}

/** Only a meter's own number: what changes it is never said to whoever hears it. */
function ownAddress(frameAddress: string | null): Result<string, EncodeFault> {
  const isOwn = frameAddress !== null && addressPattern.test(frameAddress);
  return isOwn ? ok(frameAddress) : fail({ kind: "noFrameAddress" });
}

/** A meter's clock, set to this instant in local time. */
export function encodeCjt188Clock(
  order: Pick<CommandOrder, "frameAddress" | "sequence"> & { readonly clock: TimestampMs },
  file: Cjt188File = {},
): Result<Uint8Array, EncodeFault> {
  const { frameAddress, sequence, clock } = order;
  const to = ownAddress(frameAddress);
  if (!to.ok) return to;
  const data = clockRequest.encode({ ...startOfData("a015", sequence, file), clock });
  return ok(encodeFrame({ ...headTo(to.value, file), control: writeData }, data));
}

/** Whom a valve order goes to: one meter by its number, or whoever hears it where only one can. */
function addressFor(
  frameAddress: string | null,
  { broadcastValve }: Cjt188File,
): Result<string, EncodeFault> {
  if (frameAddress !== null && addressPattern.test(frameAddress)) return ok(frameAddress);
  const isToAll = frameAddress?.toUpperCase() === broadcastAddress;
  if (broadcastValve === "linkOfOneMeter" && (frameAddress === null || isToAll)) {
    return ok(broadcastAddress);
  }
  if (isToAll) {
    return fail({ kind: "unsupported", what: "a valve order to whatever meter hears it" });
  }
  return fail({ kind: "noFrameAddress" });
}

function headTo(address: string, { meterType }: Cjt188File) {
  const usual = address === broadcastAddress ? anyMeterType : gasMeterTypeMin;
  return { meterType: meterType ?? usual, address };
}

function startOfData(di: string, sequence: number, { diOrder }: Cjt188File) {
  invariant(sequence >= 0 && sequence <= 0xff, "SER is one byte");
  return { diWire: diOrder === "di1First" ? swapped(di) : di, sequence };
}

/** A downlink as the meter reads it; for simulated meters. */
export function decodeCjt188Request(
  bytes: Uint8Array,
  trace: FieldTrace[] | null = null,
): Result<Cjt188Request, DecodeFault> {
  const whole = decodeFrame(bytes, trace);
  return whole.ok ? readRequest(whole.value, trace) : whole;
}

/** The fields of a request for people; false: it is not one that has a table. */
export function explainRequest(frame: Frame, trace: FieldTrace[]): boolean {
  const before = trace.length;
  if (readRequest(frame, trace).ok) return true;
  trace.length = before;
  return false;
}

const reads: readonly number[] = [
  functions.readData,
  functions.readAddress,
  functions.readKeyVersion,
];
const valveWrites: readonly number[] = [functions.writeData, functions.writeDataVendor];

function readRequest(frame: Frame, trace: FieldTrace[] | null): Result<Cjt188Request, DecodeFault> {
  const { bytes, dataAt, meterType, address, control } = frame;
  const to = { meterType, address, control };
  for (const data of [valveRequest, valveRequestOfTwo]) {
    if (!isRequest(frame, valveWrites, "a017", data)) continue;
    const values = data.decode(bytes, dataAt, trace);
    return values.ok ? ok({ kind: "valve", ...to, ...values.value }) : values;
  }
  if (isRequest(frame, [functions.writeData], "a015", clockRequest)) {
    const values = clockRequest.decode(bytes, dataAt, trace);
    return values.ok ? ok({ kind: "clock", ...to, ...values.value }) : values;
  }
  if (isRequest(frame, [functions.writeAddress], "a018", addressRequest)) {
    const values = addressRequest.decode(bytes, dataAt, trace);
    return values.ok ? ok({ kind: "address", ...to, ...values.value }) : values;
  }
  if (isRequest(frame, [functions.writeData], "a118", scheduleRequest)) {
    const values = scheduleRequest.decode(bytes, dataAt, trace);
    return values.ok ? ok({ kind: "schedule", ...to, ...values.value }) : values;
  }
  if (isRequest(frame, reads, null, bareData)) {
    const values = bareData.decode(bytes, dataAt, trace);
    return values.ok ? ok({ kind: "read", ...to, ...values.value }) : values;
  }
  if (isRequest(frame, reads, null, bareIdentifier)) {
    const values = bareIdentifier.decode(bytes, dataAt, trace);
    return values.ok ? ok({ kind: "read", ...to, ...values.value, sequence: null }) : values;
  }
  return fail({ kind: "unsupported", what: describe(frame) });
}

function isRequest(
  frame: Frame,
  wanted: readonly number[],
  di: string | null,
  { sizeBytes }: Layout<unknown>,
): boolean {
  const isWanted = !isAnswer(frame.control) && wanted.includes(functionOf(frame.control));
  const isLong = frame.dataBytes === sizeBytes;
  return isWanted && isLong && (di === null || sameDi(diOf(frame), di));
}

/** What a master says: initialise, select, ask, set back. There is no frame here that moves a valve. */
import { fail, ok, type Result } from "#domain/result.ts";
import { fixed, hexLe, u8 } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { longHeader, secondaryAddress, shortHeader, type MbusAddress } from "./header.ts";
import {
  decodeLinkFrame,
  encodeLongFrame,
  encodeShortFrame,
  explainTail,
  isFromMaster,
} from "./link.ts";
import { hexByte } from "./modifiers.ts";
import { readRecords, type MbusRecord } from "./records.ts";

/** The link address of the meter that was selected by its secondary address. */
const selectedAddress = 0xfd;

const initialise = 0x40;
const askForData = 0x5b;
const askForAlarm = 0x5a;
const sendData = 0x53;
/** Frame count bit: it changes with each new question, and stays to hear the last answer again. */
const countBit = 0x20;
const applicationReset = 0x50;
const dataToMeter = 0x51;
const selection = 0x52;
const commandLongHeader = 0x5b;
const commandShortHeader = 0x5a;

/** CI 52: the meter that should answer at address FD. Digits F match any digit, bytes FF any byte. */
const selectionData = layout("mbus.selection", secondaryAddress);

/** SND_NKE: the meter starts to count anew, and is no longer selected. */
export function encodeInitialise(address: number): Uint8Array {
  return encodeShortFrame(initialise, address);
}

/** REQ_UD2: the meter's readings. */
export function encodeDataRequest(address: number, hasCountBit: boolean): Uint8Array {
  return encodeShortFrame(askForData | (hasCountBit ? countBit : 0), address);
}

/** REQ_UD1: the meter's alarms. */
export function encodeAlarmRequest(address: number, hasCountBit: boolean): Uint8Array {
  return encodeShortFrame(askForAlarm | (hasCountBit ? countBit : 0), address);
}

/** Any meter at all: digits F match any digit, bytes FF any byte. Narrowed digit by digit, it searches a bus. */
export const anyMeter: MbusAddress = {
  identification: "ffffffff",
  manufacturer: 0xffff,
  version: 0xff,
  medium: 0xff,
};

/** Fabrication number, eight digits: it tells meters apart that were given the same identification. */
const fabrication = layout("mbus.fabrication", {
  dif: fixed(0x0c),
  vif: fixed(0x78),
  number: hexLe(4),
});

/** The selection of a meter by its secondary address, and by its fabrication number where that is needed. */
export function encodeSelection(meter: MbusAddress, number: string | null = null): Uint8Array {
  const address = selectionData.encode(meter);
  const extra = number === null ? [] : fabrication.encode({ dif: 0x0c, vif: 0x78, number });
  return encodeLongFrame(sendData, selectedAddress, selection, Uint8Array.of(...address, ...extra));
}

/**
 * The application of a meter begins anew: its next answer is the first telegram of its readout. A code chooses
 * the part of it (0 all, 1 user data, 2 simple billing, 5 instantaneous values, ...).
 */
export function encodeApplicationReset(address: number, code: number | null = null): Uint8Array {
  const content = code === null ? new Uint8Array() : Uint8Array.of(code);
  return encodeLongFrame(sendData, address, applicationReset, content);
}

/** What a master asks, as the meter reads it. */
export type MbusRequest =
  | { readonly kind: "initialise"; readonly address: number }
  | {
      readonly kind: "askForData" | "askForAlarm";
      readonly address: number;
      readonly hasCountBit: boolean;
    }
  | {
      readonly kind: "select";
      readonly meter: MbusAddress;
      readonly fabricationNumber: string | null;
    }
  | { readonly kind: "reset"; readonly address: number; readonly code: number | null }
  | { readonly kind: "data"; readonly address: number; readonly records: readonly MbusRecord[] };

/** A downlink as the meter reads it; for simulated meters and for people. */
export function decodeMbusRequest(
  bytes: Uint8Array,
  trace: FieldTrace[] | null = null,
): Result<MbusRequest, DecodeFault> {
  const link = decodeLinkFrame(bytes, 0, trace);
  if (!link.ok) return link;
  const frame = link.value;
  if (frame.end !== bytes.length) {
    return fail({ kind: "wrongLength", field: "mbus.frame", atByte: frame.end });
  }
  if (frame.kind === "acknowledge" || !isFromMaster(frame.control)) {
    return fail({ kind: "unsupported", what: "answer of a meter" });
  }
  const request = frame.kind === "short" ? shortRequest(frame) : longRequest(bytes, frame, trace);
  if (request.ok && trace !== null) explainTail(frame, bytes, trace);
  return request;
}

interface ShortFrame {
  readonly control: number;
  readonly address: number;
}

function shortRequest({ control, address }: ShortFrame): Result<MbusRequest, DecodeFault> {
  const hasCountBit = (control & countBit) !== 0;
  const asked = control & ~countBit;
  if (control === initialise) return ok({ kind: "initialise", address });
  if (asked === askForData) return ok({ kind: "askForData", address, hasCountBit });
  if (asked === askForAlarm) return ok({ kind: "askForAlarm", address, hasCountBit });
  return fail({ kind: "unsupported", what: `request ${hexByte(control)}` });
}

interface LongRequest extends ShortFrame {
  readonly controlInformation: number;
  readonly contentAt: number;
  readonly contentEnd: number;
}

function longRequest(
  bytes: Uint8Array,
  { address, controlInformation: ci, contentAt, contentEnd }: LongRequest,
  trace: FieldTrace[] | null,
): Result<MbusRequest, DecodeFault> {
  const content = bytes.subarray(0, contentEnd);
  switch (ci) {
    case applicationReset:
      return resetRequest(content, contentAt, address, trace);
    case selection:
      return selectionRequest(content, contentAt, trace);
    case dataToMeter:
      return dataRequest(content, contentAt, address, trace);
    case commandLongHeader:
    case commandShortHeader: {
      const header = ci === commandLongHeader ? longHeader : shortHeader;
      const read = header.decode(content, contentAt, trace);
      return read.ok ? dataRequest(content, contentAt + header.sizeBytes, address, trace) : read;
    }
    default:
      return fail({ kind: "unsupported", what: `request with CI ${hexByte(ci)}` });
  }
}

const resetCode = layout("mbus.reset", { code: u8 });

function resetRequest(
  content: Uint8Array,
  at: number,
  address: number,
  trace: FieldTrace[] | null,
): Result<MbusRequest, DecodeFault> {
  if (at === content.length) return ok({ kind: "reset", address, code: null });
  const read = resetCode.decode(content, at, trace);
  return read.ok ? ok({ kind: "reset", address, code: read.value.code }) : read;
}

function selectionRequest(
  content: Uint8Array,
  at: number,
  trace: FieldTrace[] | null,
): Result<MbusRequest, DecodeFault> {
  const meter = selectionData.decode(content, at, trace);
  if (!meter.ok) return meter;
  const next = at + selectionData.sizeBytes;
  if (next === content.length) {
    return ok({ kind: "select", meter: meter.value, fabricationNumber: null });
  }
  const extra = fabrication.decode(content, next, trace);
  if (!extra.ok) return extra;
  return ok({ kind: "select", meter: meter.value, fabricationNumber: extra.value.number });
}

function dataRequest(
  content: Uint8Array,
  from: number,
  address: number,
  trace: FieldTrace[] | null,
): Result<MbusRequest, DecodeFault> {
  const { records, fault } = readRecords(content, from, content.length, trace);
  return fault === null ? ok({ kind: "data", address, records }) : fail(fault);
}

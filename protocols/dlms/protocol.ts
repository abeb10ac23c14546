/** DLMS/COSEM as a protocol: what meters push. Associations and services can be read, and say nothing here. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { printDecimal } from "#protocols/codec/decimal.ts";
import type { CipherOptions } from "#protocols/codec/security.ts";
import type { DecodeFault, EncodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { readApdu, type CipherState, type OpenedApdu, type Pushed } from "./apdu.ts";
import { printData, type DlmsData } from "./data.ts";
import { unwrap } from "./framing.ts";
import { telegramOf, type GasOptions } from "./gas.ts";
import { objectsOf, type DlmsObject } from "./objects.ts";
import { decimalOf, unitNames } from "./quantities.ts";

/** What is on file of a meter. */
export interface DlmsOptions extends CipherOptions, GasOptions {}

/** A telegram with what stays on file of its envelopes. */
export interface DlmsDecoded {
  readonly telegram: Telegram;
  /** Of the last ciphered APDU; null: none was. */
  readonly cipher: CipherState | null;
}

/** `Protocol`, until the name is one of the registry's; with the options of one meter. */
export interface DlmsProtocol extends Pick<Protocol, "mayBeUrgent" | "hasWeakChecksum"> {
  readonly name: "dlms";
  decode(bytes: Uint8Array, options?: DlmsOptions): Result<Telegram, DecodeFault>;
  explain(bytes: Uint8Array, options?: DlmsOptions): ReturnType<Protocol["explain"]>;
  encodeCommand(): Result<Uint8Array, EncodeFault>;
}

/** DLMS/COSEM push: HDLC, wrapper or bare, plain or ciphered with suite 0. */
export const dlmsProtocol: DlmsProtocol = {
  name: "dlms",
  hasWeakChecksum: false,
  decode(bytes, options = {}) {
    const decoded = decodeDlms(bytes, options);
    return decoded.ok ? ok(decoded.value.telegram) : decoded;
  },
  explain(bytes, options = {}) {
    const fields: FieldTrace[] = [];
    const decoded = decodeDlms(bytes, options, fields);
    const inWireOrder = fields.toSorted((a, b) => a.from - b.from);
    return { fields: inWireOrder, fault: decoded.ok ? null : decoded.fault };
  },
  // A push has no status word that we may read: its meaning is the maker's.
  mayBeUrgent: () => false,
  encodeCommand: () => fail({ kind: "unsupported", what: "orders need an association" }),
};

/** One payload, with the counter to keep. */
export function decodeDlms(
  bytes: Uint8Array,
  options: DlmsOptions = {},
  trace: FieldTrace[] | null = null,
): Result<DlmsDecoded, DecodeFault> {
  const messages = readMessages(bytes, options, trace);
  if (!messages.ok) return messages;
  const telegrams: Telegram[] = [];
  let cipher: CipherState | null = null;
  for (const message of messages.value) {
    const { pushed, name } = message.apdu;
    if (pushed === null) return fail({ kind: "unsupported", what: name });
    const telegram = telegramOf(objectsOf(pushed), pushed.dateTime, options);
    if (!telegram.ok) return telegram;
    telegrams.push(telegram.value);
    cipher = message.cipher ?? cipher;
  }
  const said = telegrams.filter(({ readings }) => readings.length > 0);
  const first = said[0] ?? telegrams[0];
  if (first === undefined) return fail({ kind: "unsupported", what: "nothing" });
  const ofSameMeter = said.filter(({ address }) => address === first.address);
  const readings = ofSameMeter.flatMap((telegram) => telegram.readings);
  return ok({ telegram: { ...first, readings }, cipher });
}

/** Every APDU of a payload, taken out of its frames and opened. */
export function readMessages(
  bytes: Uint8Array,
  options: CipherOptions,
  trace: FieldTrace[] | null = null,
): Result<readonly OpenedApdu[], DecodeFault> {
  const unwrapped = unwrap(bytes, trace);
  if (!unwrapped.ok) return unwrapped;
  const found: OpenedApdu[] = [];
  for (const { apdu, placeOf } of unwrapped.value) {
    const inner: FieldTrace[] | null = trace === null ? null : [];
    const opened = readApdu(apdu, options, inner);
    if (opened.ok && inner !== null) inner.push(...linesOf(opened.value));
    for (const { from, to, ...rest } of inner ?? []) {
      trace?.push({ ...rest, from: placeOf(from), to: placeOf(to - 1) + 1 });
    }
    if (!opened.ok) return opened;
    found.push(opened.value);
  }
  return ok(found);
}

/** Every value of a push, under the name of its object where it has one. */
function linesOf({ apdu, shift }: OpenedApdu): readonly FieldTrace[] {
  if (apdu.pushed === null) return [];
  const objects = new Map(objectsOf(apdu.pushed).map((object) => [object.value, object]));
  return valuesOf(apdu.pushed).map((data) => {
    const object = objects.get(data);
    const place = { from: data.from + shift, to: data.to + shift };
    if (object === undefined) {
      return { ...place, name: data.type, value: printData(data), unit: null };
    }
    return { ...place, name: object.obis, value: printObject(object), unit: unitOf(object) };
  });
}

function printObject(object: DlmsObject): string {
  const decimal = decimalOf(object);
  return decimal === null ? printData(object.value) : printDecimal(decimal);
}

function unitOf({ unit }: DlmsObject): string | null {
  return unit === null ? null : (unitNames[unit] ?? `unit code ${unit}`);
}

/** Values that hold no others; those of a compact array may take no bytes, and have no line. */
function valuesOf({ body }: Pushed): readonly DlmsData[] {
  const found: DlmsData[] = [];
  const add = (data: DlmsData): void => {
    if (Array.isArray(data.value)) for (const item of data.value as DlmsData[]) add(item);
    else if (data.to > data.from) found.push(data);
  };
  add(body);
  return found;
}

/** DLMS/COSEM as a protocol: what meters push. Associations and services can be read, and say nothing here. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { printDecimal } from "#protocols/codec/decimal.ts";
import type { CipherOptions } from "#protocols/codec/security.ts";
import type { DecodeFault, EncodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { readApdu, titleOf, type CipherState, type OpenedApdu, type Pushed } from "./apdu.ts";
import { printData, type DlmsData } from "./data.ts";
import { unwrap } from "./framing.ts";
import { addressIn, telegramOf, type GasOptions } from "./gas.ts";
import { objectsOf, type DlmsObject } from "./objects.ts";
import { pushedObjects, type ListOptions } from "./profile.ts";
import { decimalOf, unitNames } from "./quantities.ts";

/** What is on file of a meter. */
export interface DlmsOptions extends CipherOptions, GasOptions {}

/** A telegram with what stays on file of its envelopes. */
export interface DlmsDecoded {
  readonly telegram: Telegram;
  /** Of the last ciphered APDU; null: none was. */
  readonly cipher: CipherState | null;
}

/** DLMS/COSEM push: HDLC, wrapper or bare, plain or ciphered with suite 0. */
export const dlmsProtocol = {
  name: "dlms",
  hasWeakChecksum: false,
  decode(bytes: Uint8Array, options: DlmsOptions = {}): Result<Telegram, DecodeFault> {
    const decoded = decodeDlms(bytes, options);
    return decoded.ok ? ok(withLearned(decoded.value)) : decoded;
  },
  explain(bytes: Uint8Array, options: DlmsOptions = {}) {
    const fields: FieldTrace[] = [];
    const decoded = decodeDlms(bytes, options, fields);
    const inWireOrder = fields.toSorted((a, b) => a.from - b.from);
    return { fields: inWireOrder, fault: decoded.ok ? null : decoded.fault };
  },
  // A push has no status word that we may read: its meaning is the maker's.
  mayBeUrgent: (_bytes: Uint8Array): boolean => false,
  encodeCommand: (): Result<Uint8Array, EncodeFault> =>
    fail({ kind: "unsupported", what: "orders need an association" }),
  addressOf: addressInClear,
} as const satisfies Protocol;

function withLearned({ telegram, cipher }: DlmsDecoded): Telegram {
  if (cipher === null) return telegram;
  return { ...telegram, learned: { invocationCounter: cipher.invocationCounter } };
}

/** The system title before a ciphered APDU; in the clear the number that the meter pushes. */
function addressInClear(bytes: Uint8Array): string | null {
  const unwrapped = unwrap(bytes, null);
  const [first] = unwrapped.ok ? unwrapped.value : [];
  const title = first === undefined ? null : titleOf(first.apdu);
  if (first === undefined || title !== null) return title;
  const opened = readApdu(first.apdu, {}, null);
  const pushed = opened.ok ? opened.value.apdu.pushed : null;
  return pushed === null ? null : addressIn(pushedObjects(objectsOf(pushed), pushed.body, {}));
}

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
    // A meter with a key ciphers; in the clear anybody could speak in its name.
    const isForged =
      message.cipher === null && options.key !== undefined && options.allowPlain !== true;
    if (isForged) return fail({ kind: "notAuthentic" });
    const objects = pushedObjects(objectsOf(pushed), pushed.body, options);
    const telegram = telegramOf(objects, pushed.dateTime, options);
    if (!telegram.ok) return telegram;
    cipher = message.cipher ?? cipher;
    telegrams.push(telegram.value);
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
  options: CipherOptions & ListOptions,
  trace: FieldTrace[] | null = null,
): Result<readonly OpenedApdu[], DecodeFault> {
  const unwrapped = unwrap(bytes, trace);
  if (!unwrapped.ok) return unwrapped;
  const found: OpenedApdu[] = [];
  let { invocationCounterSeen } = options;
  for (const { apdu, placeOf } of unwrapped.value) {
    const inner: FieldTrace[] | null = trace === null ? null : [];
    const opened = readApdu(apdu, { ...options, invocationCounterSeen }, inner);
    if (opened.ok && inner !== null) inner.push(...linesOf(opened.value, options));
    for (const { from, to, ...rest } of inner ?? []) {
      trace?.push({ ...rest, from: placeOf(from), to: placeOf(to - 1) + 1 });
    }
    if (!opened.ok) return opened;
    found.push(opened.value);
    invocationCounterSeen = opened.value.cipher?.invocationCounter ?? invocationCounterSeen;
  }
  return ok(found);
}

/** Every value of a push, under the name of its object where it has one. */
function linesOf({ apdu, shift }: OpenedApdu, options: ListOptions): readonly FieldTrace[] {
  const { pushed } = apdu;
  if (pushed === null) return [];
  const { present, rows } = pushedObjects(objectsOf(pushed), pushed.body, options);
  const objects = new Map([...present, ...rows.flat()].map((object) => [object.value, object]));
  return valuesOf(pushed).map((data) => {
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

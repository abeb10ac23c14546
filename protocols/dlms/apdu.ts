/** APDUs: the one that carries readings, those that cipher others, and the services that we only name. */
import { fail, ok, type Result } from "#domain/result.ts";
import {
  generalGloCiphering,
  openCiphered,
  openGeneralGlo,
  systemTitleOf,
  type CipherOptions,
  type Opened,
} from "#protocols/codec/security.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { associations } from "./association.ts";
import { cursorAt, hexOf, type Cursor } from "./cursor.ts";
import { takeData, type DlmsData } from "./data.ts";
import { obisBytes, obisOf } from "./obis.ts";
import { services, type Facts } from "./services.ts";

/** What an APDU says, by the names of the standard. */
export interface Apdu {
  readonly name: string;
  readonly facts: Facts;
  readonly fields: readonly FieldTrace[];
  /** What was pushed; null for services that push nothing. */
  readonly pushed: Pushed | null;
}

/** Values that a meter sends of its own accord. */
export interface Pushed {
  /** The date and time of the APDU, twelve bytes or none. */
  readonly dateTime: Uint8Array;
  readonly body: DlmsData;
  /** The object that the body is the value of; null: the body names its objects itself. */
  readonly obis: string | null;
}

/** An APDU that was ciphered, and the one inside. */
export interface OpenedApdu {
  readonly apdu: Apdu;
  readonly cipher: CipherState | null;
  /** Where the plaintext began, as an offset in the ciphered APDU; 0 when there was none. */
  readonly shift: number;
}

/** What stays on file of a ciphered APDU. */
export type CipherState = Pick<Opened, "systemTitle" | "invocationCounter" | "isRepeat">;

const dataNotification = 0x0f;
const eventNotification = 0xc2;
const generalCiphering = 0xdd;

/** Services ciphered with the global key, without a system title of their own. */
const gloCiphered: Readonly<Record<number, string>> = {
  0x21: "glo-initiate-request",
  0x28: "glo-initiate-response",
  0xc8: "glo-get-request",
  0xc9: "glo-set-request",
  0xca: "glo-event-notification-request",
  0xcb: "glo-action-request",
  0xcc: "glo-get-response",
  0xcd: "glo-set-response",
  0xcf: "glo-action-response",
};

/** Tags that are known, and not read: dedicated keys are those of an association, which a push has not. */
const unread: Readonly<Record<number, string>> = {
  0xd0: "ded-get-request",
  0xd1: "ded-set-request",
  0xd2: "ded-event-notification-request",
  0xd3: "ded-action-request",
  0xd4: "ded-get-response",
  0xd5: "ded-set-response",
  0xd7: "ded-action-response",
  0xdc: "general-ded-ciphering",
  0xdf: "general-signing",
  0xe0: "general-block-transfer",
};

/** Whether an APDU may begin with this byte. */
export function isApduTag(byte: number): boolean {
  const isPushed = byte === dataNotification || byte === eventNotification;
  const isCiphered = byte === generalGloCiphering || byte === generalCiphering;
  if (isPushed || isCiphered) return true;
  return [gloCiphered, unread, services, associations].some((tags) => Object.hasOwn(tags, byte));
}

/** The system title that stands in the clear before a ciphered APDU, as 16 hexadecimal digits; null: none. */
export function titleOf(apdu: Uint8Array): string | null {
  if (apdu[0] !== generalCiphering) return systemTitleOf(apdu);
  const cursor = cursorAt(apdu, 1);
  cursor.octets("transactionId");
  const title = hexOf(cursor.octets("systemTitle")).toUpperCase();
  return cursor.fault === null && title.length === titleDigits ? title : null;
}

const titleDigits = 16;

/** One APDU, opened where it is ciphered. Nothing may be ciphered twice. */
export function readApdu(
  bytes: Uint8Array,
  options: CipherOptions,
  trace: FieldTrace[] | null,
): Result<OpenedApdu, DecodeFault> {
  const opened = open(bytes, options, trace);
  if (opened === null) {
    const apdu = readPlain(bytes, trace);
    return apdu.ok ? ok({ apdu: apdu.value, cipher: null, shift: 0 }) : apdu;
  }
  if (!opened.ok) return opened;
  const { plaintext, payloadAt, systemTitle, invocationCounter, isRepeat } = opened.value;
  const inner: FieldTrace[] = [];
  const apdu = readPlain(plaintext, inner);
  // GCM ciphers byte for byte, so a field of the plaintext has its place in the frame.
  for (const field of inner) {
    trace?.push({ ...field, from: field.from + payloadAt, to: field.to + payloadAt });
  }
  if (!apdu.ok) return apdu;
  const cipher = { systemTitle, invocationCounter, isRepeat };
  return ok({ apdu: apdu.value, cipher, shift: payloadAt });
}

/** null: it is not ciphered. */
function open(
  bytes: Uint8Array,
  options: CipherOptions,
  trace: FieldTrace[] | null,
): Result<Opened, DecodeFault> | null {
  const tag = bytes[0] ?? 0;
  if (tag === generalGloCiphering) return openGeneralGlo(bytes, options, trace);
  if (tag === generalCiphering) return openGeneral(bytes, options, trace);
  return tag in gloCiphered ? openCiphered(bytes, 1, options, trace) : null;
}

/**  DD | transaction id | originator title | recipient title | date-time | other | key info | ciphered
 * Its head is part of what the tag signs.
 * @see DLMS UA 1000-2, general-ciphering */
function openGeneral(
  bytes: Uint8Array,
  options: CipherOptions,
  trace: FieldTrace[] | null,
): Result<Opened, DecodeFault> {
  const cursor = cursorAt(bytes, 1);
  cursor.octets("transactionId");
  const systemTitle = Uint8Array.from(cursor.octets("systemTitle"));
  for (const name of ["recipientTitle", "dateTime", "otherInformation"]) cursor.octets(name);
  const head = bytes.subarray(1, cursor.at);
  if (cursor.hasOption()) {
    const isIdentified = cursor.unsigned(1) === 0;
    const isUnicast = cursor.unsigned(1) === 0;
    if (!isIdentified || !isUnicast) cursor.refuse({ kind: "unsupported", what: "key of a frame" });
  }
  if (cursor.fault !== null) return fail(cursor.fault);
  trace?.push(...cursor.fields);
  return openCiphered(bytes, cursor.at, { ...options, systemTitle }, trace, head);
}

function readPlain(bytes: Uint8Array, trace: FieldTrace[] | null): Result<Apdu, DecodeFault> {
  const cursor = cursorAt(bytes, 0);
  const apdu = takeApdu(cursor);
  if (cursor.fault === null && cursor.at < bytes.length) {
    cursor.refuse({ kind: "wrongLength", field: apdu.name, atByte: cursor.at });
  }
  trace?.push(...cursor.fields);
  return cursor.fault === null ? ok(apdu) : fail(cursor.fault);
}

function takeApdu(cursor: Cursor): Apdu {
  const { fields } = cursor;
  const tag = cursor.unsigned(1);
  if (tag === dataNotification) return takeDataNotification(cursor);
  if (tag === eventNotification) return takeEventNotification(cursor);
  const service = services[tag] ?? associations[tag];
  if (service === undefined) {
    const digits = tag.toString(16).toUpperCase().padStart(2, "0");
    cursor.refuse({ kind: "unsupported", what: unread[tag] ?? `APDU ${digits}H` });
    return { name: "unknown", facts: {}, fields, pushed: null };
  }
  cursor.note("apdu", cursor.at - 1, service.name);
  const facts = service.take(cursor);
  return { name: String(facts["apdu"] ?? service.name), facts, fields, pushed: null };
}

/**  0F | long invoke id and priority 4 | date-time: length and 0 or 12 bytes | data */
function takeDataNotification(cursor: Cursor): Apdu {
  const name = "data-notification";
  cursor.note("apdu", cursor.at - 1, name);
  const longInvokeIdAndPriority = cursor.unsigned(4, "longInvokeIdAndPriority");
  const dateTime = takeDateTime(cursor);
  const body = takeData(cursor);
  const pushed = { dateTime, body, obis: null };
  return { name, facts: { apdu: name, longInvokeIdAndPriority }, fields: cursor.fields, pushed };
}

const octetStringTag = 0x09;
const dateTimeTag = 0x19;
const dateTimeBytes = 12;

/** A length and its bytes; some meters write the date as a value, with its tag. */
function takeDateTime(cursor: Cursor): Uint8Array {
  const tag = cursor.bytes[cursor.at];
  if (tag === octetStringTag || tag === dateTimeTag) cursor.take(1);
  const isTyped = tag === dateTimeTag;
  return Uint8Array.from(
    isTyped ? cursor.take(dateTimeBytes, "dateTime") : cursor.octets("dateTime"),
  );
}

/**  C2 | optional date-time | class 2 | logical name 6 | attribute | data */
function takeEventNotification(cursor: Cursor): Apdu {
  const name = "event-notification-request";
  cursor.note("apdu", cursor.at - 1, name);
  const dateTime = cursor.hasOption() ? Uint8Array.from(cursor.octets("dateTime")) : noBytes;
  const classId = cursor.unsigned(2, "class");
  const obis = obisOf(cursor.take(obisBytes, "logicalName"));
  const attribute = cursor.unsigned(1, "attribute");
  const body = takeData(cursor);
  const facts = { apdu: name, classId, obis, attribute };
  return { name, facts, fields: cursor.fields, pushed: { dateTime, body, obis } };
}

const noBytes = new Uint8Array();

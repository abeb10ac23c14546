/**
 * DLMS/COSEM security suite 0: AES-128 in GCM with a tag of 12 bytes. DLMS frames and ciphered P1
 * telegrams share it. A frame without a tag is not authentic, whatever keys are on file: encryption alone
 * proves nothing about the sender, and lets anybody turn single bits of what is inside.
 */
import { createDecipheriv } from "node:crypto";
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { readLength, tooShort } from "./lengthOctets.ts";

/** What is on file of a meter that ciphers, and the highest counter it has used under this key. */
export interface CipherOptions {
  /** The encryption key, 16 bytes. */
  readonly key?: Uint8Array | undefined;
  /** The authentication key, 16 bytes. */
  readonly authKey?: Uint8Array | undefined;
  /** 8 bytes, for frames that do not carry their own; where both are there they must be the same. */
  readonly systemTitle?: Uint8Array | undefined;
  /** Counters below it are refused; the same counter is the same frame again. */
  readonly invocationCounterSeen?: bigint | number | undefined;
  /** Frames without a cipher are believed although a key is on file. */
  readonly allowPlain?: boolean | undefined;
  /** For meters that leave the additional data of GCM empty, against the standard. */
  readonly emptyAad?: boolean | undefined;
}

/** A ciphered frame whose tag was right. */
export interface Opened {
  readonly plaintext: Uint8Array;
  /** Where the plaintext's first byte stood, ciphered, in the frame: byte for byte the same places. */
  readonly payloadAt: number;
  /** 16 hexadecimal digits. */
  readonly systemTitle: string;
  /** To be kept as the highest seen. */
  readonly invocationCounter: number;
  /** Its counter is the highest seen already: the same frame, delivered again. */
  readonly isRepeat: boolean;
}

/** Tag of general-glo-ciphering. */
export const generalGloCiphering = 0xdb;

const keyBytes = 16;
const titleBytes = 8;
const headerBytes = 5;
const tagBytes = 12;
const authenticated = 0x10;
const encrypted = 0x20;
/** The broadcast key is another key, not another way. */
const broadcastKey = 0x40;

/**   DB | 08 system title 8 | length | SC | IC 4 | ciphertext | tag 12
 *                                    '---------- length bytes ---'
 * @see DLMS UA 1000-2, general-glo-ciphering */
export function openGeneralGlo(
  bytes: Uint8Array,
  options: CipherOptions,
  trace: FieldTrace[] | null,
): Result<Opened, DecodeFault> {
  const titleLength = readLength(bytes, 1);
  if (!titleLength.ok) return titleLength;
  const { length, nextAt: titleAt } = titleLength.value;
  // A meter may leave its title out where both sides know it.
  if (length === 0) return openCiphered(bytes, titleAt, options, trace);
  if (length !== titleBytes) {
    return fail({ kind: "wrongLength", field: "systemTitle", atByte: 1 });
  }
  const lengthAt = titleAt + titleBytes;
  if (lengthAt > bytes.length) return tooShort(bytes, lengthAt);
  const title = bytes.subarray(titleAt, lengthAt);
  trace?.push(line("systemTitle", titleAt, lengthAt, hexOf(title)));
  const known = options.systemTitle;
  if (known !== undefined && hexOf(known) !== hexOf(title)) return fail({ kind: "notAuthentic" });
  return openCiphered(bytes, lengthAt, { ...options, systemTitle: title }, trace);
}

/** The system title in the clear at the head of such a frame, as 16 hexadecimal digits; null: none is there. */
export function systemTitleOf(bytes: Uint8Array): string | null {
  const isNamed = bytes[0] === generalGloCiphering && bytes[1] === titleBytes;
  const title = bytes.subarray(2, 2 + titleBytes);
  return isNamed && title.length === titleBytes ? hexOf(title) : null;
}

/** Where the frame that begins here says that it ends; beyond the bytes when it is cut or is none. */
export function endOfGeneralGlo(bytes: Uint8Array, from: number): number {
  const title = bytes[from] === generalGloCiphering ? readLength(bytes, from + 1) : null;
  if (title?.ok !== true) return bytes.length + 1;
  const ciphered = readLength(bytes, title.value.nextAt + title.value.length);
  return ciphered.ok ? ciphered.value.nextAt + ciphered.value.length : bytes.length + 1;
}

/**
 * From the length of a ciphered part to the end of the bytes; the system title comes with the options.
 * What else of the frame's head the tag signs comes last.
 */
export function openCiphered(
  bytes: Uint8Array,
  lengthAt: number,
  options: CipherOptions,
  trace: FieldTrace[] | null,
  signedHead: Uint8Array = new Uint8Array(),
): Result<Opened, DecodeFault> {
  const length = readLength(bytes, lengthAt);
  if (!length.ok) return length;
  const controlAt = length.value.nextAt;
  const to = controlAt + length.value.length;
  if (to > bytes.length) return tooShort(bytes, to);
  const tagAt = to - tagBytes;
  const payloadAt = controlAt + headerBytes;
  const isTagged = ((bytes[controlAt] ?? 0) & authenticated) !== 0;
  if (to < bytes.length || to < payloadAt || (isTagged && tagAt < payloadAt)) {
    return fail({ kind: "wrongLength", field: "cipheredLength", atByte: lengthAt });
  }
  const control = bytes[controlAt] ?? 0;
  const counterBytes = bytes.subarray(controlAt + 1, payloadAt);
  const invocationCounter = Buffer.from(counterBytes).readUInt32BE();
  trace?.push(
    line("securityControl", controlAt, controlAt + 1, hexOf([control])),
    line("invocationCounter", controlAt + 1, payloadAt, String(invocationCounter)),
  );
  const unsupported = unsupportedBits(control);
  if (unsupported !== null) return fail({ kind: "unsupported", what: unsupported });
  if ((control & authenticated) === 0) return fail({ kind: "notAuthentic" });
  const keys = keysOf(options);
  if (!keys.ok) return keys;
  const { title, seen } = keys.value;
  const parts = { control, signedHead, payload: bytes.subarray(payloadAt, tagAt) };
  const nonce = Buffer.concat([title, counterBytes]);
  const plaintext = verified(parts, nonce, bytes.subarray(tagAt, to), keys.value);
  if (plaintext === undefined) return fail({ kind: "notAuthentic" });
  trace?.push(line("tag", tagAt, to, hexOf(bytes.subarray(tagAt, to))));
  // Judged last: the counter of a frame that nobody signed says nothing.
  if (invocationCounter < seen) return fail({ kind: "replayed", counter: invocationCounter });
  const isRepeat = invocationCounter === Number(seen);
  return ok({ plaintext, payloadAt, systemTitle: hexOf(title), invocationCounter, isRepeat });
}

function unsupportedBits(control: number): string | null {
  if ((control & 0x0f) !== 0) return `security suite ${control & 0x0f}`;
  const isCompressed = (control & ~(authenticated | encrypted | broadcastKey)) !== 0;
  return isCompressed ? "compressed frame" : null;
}

interface Keys {
  readonly key: Uint8Array;
  /** null: the additional data stay empty. */
  readonly authKey: Uint8Array | null;
  readonly title: Uint8Array;
  readonly seen: bigint | number;
}

function keysOf(options: CipherOptions): Result<Keys, DecodeFault> {
  const { key, authKey, systemTitle, invocationCounterSeen = -1, emptyAad = false } = options;
  if (key?.length !== keyBytes) return fail({ kind: "keyMissing", keyName: "key" });
  if (systemTitle?.length !== titleBytes) {
    return fail({ kind: "keyMissing", keyName: "systemTitle" });
  }
  const common = { key, title: systemTitle, seen: invocationCounterSeen };
  if (emptyAad) return ok({ ...common, authKey: null });
  if (authKey?.length !== keyBytes) return fail({ kind: "keyMissing", keyName: "authKey" });
  return ok({ ...common, authKey });
}

interface CipheredParts {
  readonly control: number;
  readonly signedHead: Uint8Array;
  readonly payload: Uint8Array;
}

/** The plaintext; undefined when the tag is not that of these bytes under these keys. */
function verified(
  { control, signedHead, payload }: CipheredParts,
  nonce: Uint8Array,
  tag: Uint8Array,
  { key, authKey }: Keys,
): Uint8Array | undefined {
  const isEncrypted = (control & encrypted) !== 0;
  const decipher = createDecipheriv("aes-128-gcm", key, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(tag);
  const head = authKey === null ? [] : [Uint8Array.of(control), authKey, signedHead];
  // Without encryption the payload is only signed: it joins the additional data.
  decipher.setAAD(Buffer.concat(isEncrypted ? head : [...head, payload]));
  const plaintext = isEncrypted ? decipher.update(payload) : payload;
  try {
    decipher.final();
    return plaintext;
  } catch {
    // That is how node:crypto says that the tag is wrong; it has no other way.
    return undefined;
  }
}

function line(name: string, from: number, to: number, value: string): FieldTrace {
  return { name, from, to, value, unit: null };
}

function hexOf(bytes: ArrayLike<number>): string {
  return Buffer.from(Uint8Array.from(bytes)).toString("hex").toUpperCase();
}

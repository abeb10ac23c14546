/** Security modes that only radio telegrams use: 7 with its derived keys and MAC, and the withdrawn 2. */
import { fail, ok, type Result } from "#domain/result.ts";
import { code } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import type { MbusAddress, MbusState } from "#protocols/mbus/header.ts";
import {
  beginsDeciphered,
  blockBytes,
  keyBytes,
  linkAddress,
  openCbc,
  type MbusKeys,
} from "#protocols/mbus/security.ts";
import { inPlain, type Content, type Opened } from "#protocols/mbus/opened.ts";
import type { Authentication } from "./layers.ts";
import { deriveKeys, desOpened, isRightMac, type DerivedKeys } from "./security.ts";

/** What is on file of a meter that ciphers. */
export interface WmbusKeys extends MbusKeys {
  /** The key for the MAC, where the meter's telegrams do not derive it; else `key` serves. */
  readonly authKey?: Uint8Array | undefined;
  /** Message counters below it are refused; the same counter is the same telegram again. */
  readonly messageCounterSeen?: number | undefined;
}

const extension = layout("wmbus.configurationExtension", {
  keyDerivation: code({ 0x00: "persistent key", 0x10: "derived keys" }),
});
const derivationMask = 0x30;
const derivationBit = 0x10;
const zeroIv = new Uint8Array(blockBytes);

interface Mode7 {
  readonly address: MbusAddress;
  readonly state: MbusState;
  readonly authentication: Authentication | null;
}

/** Mode 7: the keys of this one telegram follow from the message counter; its MAC is checked first. */
export function openMode7(
  content: Content,
  mode: Mode7,
  keys: WmbusKeys,
  trace: FieldTrace[] | null,
): Result<Opened, DecodeFault> {
  const { bytes, from } = content;
  const read = extension.decode(bytes, from, trace);
  if (!read.ok) return read;
  const inner = { ...content, from: from + extension.sizeBytes };
  const sizeBytes = ((mode.state.configuration >> 4) & 0x0f) * blockBytes;
  const isPlain = sizeBytes === 0 || beginsDeciphered(bytes, inner.from);
  if (keys.key === undefined && isPlain) return ok(inPlain(inner));
  const derivation = read.value.keyDerivation & derivationMask;
  const own = keysOf(derivation, mode, keys);
  if (!own.ok) return own;
  const { encryption, authentication } = own.value;
  const signed = checkMac(bytes, mode.authentication, authentication, keys.messageCounterSeen);
  if (!signed.ok) return signed;
  const isSigned = signed.value;
  if (sizeBytes === 0) return ok({ ...inPlain(inner), isSigned });
  const opened = openCbc({ bytes, from: inner.from, sizeBytes }, encryption, zeroIv);
  const cipheredTo = inner.from + sizeBytes;
  return opened.ok ? ok({ ...inner, bytes: opened.value, cipheredTo, isSigned }) : opened;
}

function keysOf(
  derivation: number,
  { address, authentication }: Mode7,
  { key, authKey }: WmbusKeys,
): Result<DerivedKeys, DecodeFault> {
  if (key?.length !== keyBytes) return fail({ kind: "keyMissing", keyName: "key" });
  if (derivation === 0) {
    const own = authKey ?? key;
    if (own.length !== keyBytes) return fail({ kind: "keyMissing", keyName: "authKey" });
    return ok({ encryption: key, authentication: own });
  }
  const counter = authentication?.counter ?? null;
  if (derivation !== derivationBit) {
    return fail({ kind: "unsupported", what: `key derivation ${derivation >> 4}` });
  }
  if (counter === null)
    return fail({ kind: "unsupported", what: "derived keys without a counter" });
  // Of the address the number alone counts, as it stands on the wire.
  const meter = linkAddress.encode(address).subarray(2, 6);
  return ok(deriveKeys(key, counter, meter));
}

/**
 * The sender chooses the length of its MAC, so a short one would let anybody choose how many guesses a forgery takes:
 * 2 bytes are guessed in an hour of radio. OMS profile B signs with 8.
 */
const provingMacBytesMin = 8;

/** Whether a MAC proves that the telegram is its meter's; one that is wrong, or of an old counter, is refused. */
export function checkMac(
  bytes: Uint8Array,
  authentication: Authentication | null,
  key: Uint8Array,
  counterSeen: number | undefined,
): Result<boolean, DecodeFault> {
  if (authentication === null || authentication.mac === null) return ok(false);
  const { mac, signedFields, signedAt } = authentication;
  const signed = Buffer.concat([signedFields, bytes.subarray(signedAt)]);
  if (!isRightMac(mac, key, signed)) return fail({ kind: "notAuthentic" });
  const isProof = mac.length >= provingMacBytesMin;
  const counter = counterOf(authentication);
  if (counter === undefined || counterSeen === undefined) return ok(isProof);
  return counter < counterSeen ? fail({ kind: "replayed", counter }) : ok(isProof);
}

/** The message counter of a telegram, where it has one. */
export function counterOf({ counter }: Authentication): number | undefined {
  return counter === null ? undefined : Buffer.from(counter).readUInt32LE();
}

/** Mode 2, DES: the low byte of the configuration counts the ciphered bytes. */
export function openMode2(
  content: Content,
  { configuration }: MbusState,
  key: Uint8Array | undefined,
): Result<Opened, DecodeFault> {
  const { bytes, from, end } = content;
  const sizeBytes = configuration & 0xff;
  const isPlain = sizeBytes === 0 || (key === undefined && beginsDeciphered(bytes, from));
  if (isPlain) return ok(inPlain(content));
  if (sizeBytes % 8 !== 0 || from + sizeBytes > end) {
    return fail({ kind: "wrongLength", field: "wmbus.ciphered", atByte: from });
  }
  const plain = desOpened(key, bytes.subarray(from, from + sizeBytes));
  if (plain === undefined) return fail({ kind: "keyMissing", keyName: "key" });
  const opened = new Uint8Array(bytes);
  opened.set(plain, from);
  const cipheredTo = from + sizeBytes;
  return beginsDeciphered(opened, from)
    ? ok({ ...content, bytes: opened, cipheredTo, isSigned: false })
    : fail({ kind: "notAuthentic" });
}

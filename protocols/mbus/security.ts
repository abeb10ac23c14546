/** AES-128 in CBC as M-Bus telegrams use it: security modes 5 and 15. EN 13757-7; DSMR P2, clause 5.2. */
// oxlint-disable-next-line no-restricted-imports -- AES is arithmetic: no clock, no chance, no disk.
import { createCipheriv, createDecipheriv } from "node:crypto";
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { secondaryAddress, type MbusAddress } from "./header.ts";
import { layout } from "#protocols/codec/layout.ts";

/** What is on file of a meter that ciphers. */
export interface MbusKeys {
  /** The meter's key, 16 bytes. */
  readonly key?: Uint8Array | undefined;
  /** 16 bytes in place of those that follow from the address: for meters that were given another one. */
  readonly iv?: Uint8Array | undefined;
  /** Telegrams without a cipher are believed although there is a key. */
  readonly allowPlain?: boolean | undefined;
}

/** The ciphered part of a telegram. */
export interface CipheredPart {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly sizeBytes: number;
}

export const keyBytes = 16;
export const blockBytes = 16;
/** Deciphered data begin with two fillers: the only sign of the right key that these modes have. */
const filler = 0x2f;

/** Manufacturer before identification: the order of the radio link layer and of initialisation vectors. */
export const linkAddress = layout("mbus.linkAddress", {
  manufacturer: secondaryAddress.manufacturer,
  identification: secondaryAddress.identification,
  version: secondaryAddress.version,
  medium: secondaryAddress.medium,
});

/** Mode 5: the initialisation vector is the address and eight times the access number. */
export function mode5Iv(address: MbusAddress, accessNumber: number): Uint8Array {
  return Uint8Array.from([
    ...linkAddress.encode(address),
    ...Array.from({ length: 8 }, () => accessNumber),
  ]);
}

/** Mode 15: the initialisation vector is the address and twice the frame counter. */
export function mode15Iv(address: MbusAddress, frameCounter: Uint8Array): Uint8Array {
  return Uint8Array.from([...linkAddress.encode(address), ...frameCounter, ...frameCounter]);
}

/** Whether bytes begin as deciphered data do. */
export function beginsDeciphered(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === filler && bytes[at + 1] === filler;
}

/** All bytes with the ciphered part deciphered in its place. A key that does not fit is refused. */
export function openCbc(
  part: CipheredPart,
  key: Uint8Array | undefined,
  iv: Uint8Array,
): Result<Uint8Array, DecodeFault> {
  if (key?.length !== keyBytes) return fail({ kind: "keyMissing", keyName: "key" });
  const { bytes, from, sizeBytes } = part;
  const to = from + sizeBytes;
  if (to > bytes.length) {
    return fail({ kind: "truncated", neededBytes: to, availableBytes: bytes.length });
  }
  if (sizeBytes % blockBytes !== 0 || iv.length !== blockBytes) {
    return fail({ kind: "wrongLength", field: "mbus.ciphered", atByte: from });
  }
  const decipher = createDecipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
  const opened = new Uint8Array(bytes);
  opened.set(decipher.update(bytes.subarray(from, to)), from);
  return beginsDeciphered(opened, from) ? ok(opened) : fail({ kind: "notAuthentic" });
}

/** Whole blocks ciphered in CBC: for simulated meters. */
export function closeCbc(key: Uint8Array, iv: Uint8Array, blocks: Uint8Array): Uint8Array {
  return createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false).update(blocks);
}

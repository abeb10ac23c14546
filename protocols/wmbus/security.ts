/**
 * The ciphers of radio telegrams beyond those that wired ones share: AES-128 in CTR for the extended link
 * layer, CMAC, and the derivation of a telegram's own keys. EN 13757-4, EN 13757-7, RFC 4493.
 */
// oxlint-disable-next-line no-restricted-imports -- AES is arithmetic: no clock, no chance, no disk.
import { createCipheriv, createDecipheriv, timingSafeEqual } from "node:crypto";
import { blockBytes } from "#protocols/mbus/security.ts";

const zeroBlock = new Uint8Array(blockBytes);
/** What carries into the subkeys of CMAC when the top bit is shifted out. */
const carry = 0x87;
const paddingStart = 0x80;

/** AES-CMAC. @see RFC 4493 */
export function cmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const first = doubled(cbcEncrypted(key, zeroBlock));
  const blocks = Math.max(1, Math.ceil(message.length / blockBytes));
  const padded = new Uint8Array(blocks * blockBytes);
  padded.set(message);
  const isWhole = message.length === padded.length;
  if (!isWhole) padded[message.length] = paddingStart;
  const subkey = isWhole ? first : doubled(first);
  const lastAt = padded.length - blockBytes;
  for (const [place, byte] of subkey.entries()) {
    padded[lastAt + place] = (padded[lastAt + place] ?? 0) ^ byte;
  }
  return cbcEncrypted(key, padded).slice(lastAt);
}

/** Whether a MAC, whole or cut short, is that of the message; takes as long for a wrong one as for a right one. */
export function isRightMac(mac: Uint8Array, key: Uint8Array, message: Uint8Array): boolean {
  return timingSafeEqual(cmac(key, message).subarray(0, mac.length), mac);
}

function cbcEncrypted(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  return createCipheriv("aes-128-cbc", key, zeroBlock).setAutoPadding(false).update(blocks);
}

/** Twice the value in the field of 128 bits. */
function doubled(block: Uint8Array): Uint8Array {
  const isCarried = ((block[0] ?? 0) & 0x80) !== 0;
  return block.map((byte, place) => {
    const next = block[place + 1] ?? 0;
    const low = place === blockBytes - 1 && isCarried ? carry : 0;
    return (byte << 1) ^ (next >> 7) ^ low;
  });
}

/** AES-CTR from a first counter block on. */
export function ctr(key: Uint8Array, firstBlock: Uint8Array, data: Uint8Array): Uint8Array {
  return createDecipheriv("aes-128-ctr", key, firstBlock).update(data);
}

/** Purposes of a derived key: telegrams of the meter. */
const toEncrypt = 0x00;
const toAuthenticate = 0x01;
const derivationPadding = 0x07;

/** The keys of one telegram. */
export interface DerivedKeys {
  readonly encryption: Uint8Array;
  readonly authentication: Uint8Array;
}

/** Key derivation: the message counter and the meter's number, as they stand on the wire, make two keys. */
export function deriveKeys(key: Uint8Array, counter: Uint8Array, meter: Uint8Array): DerivedKeys {
  const derived = (purpose: number) => {
    const fixed = [purpose, ...counter, ...meter];
    const padding = Array.from({ length: blockBytes - fixed.length }, () => derivationPadding);
    return cmac(key, Uint8Array.from([...fixed, ...padding]));
  };
  return { encryption: derived(toEncrypt), authentication: derived(toAuthenticate) };
}

const desKeyBytes = 8;

/** Security mode 2, withdrawn: DES in CBC. Read for old meters, never written. undefined: no such key. */
export function desOpened(key: Uint8Array | undefined, data: Uint8Array): Uint8Array | undefined {
  if (key?.length !== desKeyBytes) return undefined;
  // Three times the same key is single DES.
  const threefold = Uint8Array.from([...key, ...key, ...key]);
  const decipher = createDecipheriv("des-ede3-cbc", threefold, new Uint8Array(desKeyBytes));
  return decipher.setAutoPadding(false).update(data);
}

/**
 * AES-256-GCM under the master key, with the meter's id and the key's purpose as associated data. The ledger and
 * its backups hold nothing that opens without the master key's file.
 *
 *     nonce 12 | ciphertext 16 | tag 16
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import type { KeyPurpose } from "#domain/meterKey.ts";
import type { KeyVault } from "#ports/keyVault.ts";
import type { Rng } from "#ports/rng.ts";

const cipher = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

/** The fingerprint of a master key: tells keys of an earlier one from damaged ones. */
function masterIdOf(masterKey: Uint8Array): string {
  return createHash("sha256")
    .update("mercaptan master key\0")
    .update(masterKey)
    .digest("hex")
    .slice(0, 16);
}

/** A vault on one master key of 32 bytes. */
export function keyVault(masterKey: Uint8Array, rng: Rng): KeyVault {
  const masterId = masterIdOf(masterKey);
  return {
    seal(meterId, purpose, key) {
      const nonce = rng.bytes(nonceBytes);
      const sealing = createCipheriv(cipher, masterKey, nonce);
      sealing.setAAD(boundTo(meterId, purpose));
      const body = Buffer.concat([sealing.update(key), sealing.final()]);
      return { masterId, sealed: Buffer.concat([nonce, body, sealing.getAuthTag()]) };
    },
    open(meterId, key) {
      if (key.masterId !== masterId || key.sealed.length < nonceBytes + tagBytes) return null;
      const sealed = Buffer.from(key.sealed);
      const opening = createDecipheriv(cipher, masterKey, sealed.subarray(0, nonceBytes));
      opening.setAAD(boundTo(meterId, key.purpose));
      opening.setAuthTag(sealed.subarray(-tagBytes));
      return opened(opening, sealed.subarray(nonceBytes, -tagBytes));
    },
  };
}

/** node:crypto says by a throw that a tag is wrong; here it is an answer. */
function opened(opening: ReturnType<typeof createDecipheriv>, body: Uint8Array): Uint8Array | null {
  try {
    return Buffer.concat([opening.update(body), opening.final()]);
  } catch {
    return null;
  }
}

function boundTo(meterId: string, purpose: KeyPurpose): Uint8Array {
  return Buffer.from(`${meterId}\0${purpose}`);
}

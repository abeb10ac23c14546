/** Keys of ciphered meters as the ledger holds them: sealed, each bound to its meter and its use. */
import type { TimestampMs } from "./units.ts";

export const keyPurposes = ["encryption", "authentication"] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

/** Ciphers that meters use; both have keys of 16 bytes. */
export const keyAlgorithms = ["aes-128", "sm4"] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

export const meterKeyBytes = 16;

/** A key that only the master key opens; it may lie in a backup. */
export interface SealedKey {
  readonly purpose: KeyPurpose;
  readonly algorithm: KeyAlgorithm;
  /** Which master key sealed it: a fingerprint, 16 hexadecimal digits. */
  readonly masterId: string;
  /** Nonce, ciphertext and tag of AES-256-GCM, one behind the other. */
  readonly sealed: Uint8Array;
  readonly setAtMs: TimestampMs;
}

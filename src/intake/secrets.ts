/**
 * Secrets of meters and gateways: made by machine, kept as a keyed hash. No slow password hash: it protects short
 * secrets that people choose, and a thousand sleeping meters connect in the same second.
 */
import { createHmac, timingSafeEqual, type KeyObject } from "node:crypto";
import type { Rng } from "#ports/rng.ts";

/** 144 bits; a multiple of three bytes needs no padding in base64. */
const secretBytes = 18;

/** A new secret, shown once. */
export function makeSecret(rng: Rng): string {
  return Buffer.from(rng.bytes(secretBytes)).toString("base64url");
}

/** What is kept of a secret: HMAC-SHA-256 under the pepper, in hexadecimal. */
export function hashSecret(pepper: Uint8Array | KeyObject, secret: string | Uint8Array): string {
  return createHmac("sha256", pepper).update(secret).digest("hex");
}

/** True when both hashes are the same; the time does not depend on where they differ. */
export function sameHash(left: string, right: string): boolean {
  const leftBytes = Buffer.from(left);
  const rightBytes = Buffer.from(right);
  return leftBytes.length === rightBytes.length && timingSafeEqual(leftBytes, rightBytes);
}

/**
 * The signature and the cipher of OneNET's push. MD5 over a shared token is what the platform offers: it tells
 * strangers apart from the platform, and no more. It covers no time, so it is no defence against replay.
 */
import { createDecipheriv, createHash, timingSafeEqual } from "node:crypto";
import { fail, ok, type Result } from "#domain/result.ts";
import { bytesOfBase64 } from "#protocols/codec/textBytes.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import type { SignedPush } from "./onenet.ts";

const keyBytes = 16;

/** `base64(MD5(token ‖ nonce ‖ msg))`, all as UTF-8. */
export function onenetSignature(token: string, nonce: string, msg: string): string {
  return createHash("md5").update(token).update(nonce).update(msg).digest("base64");
}

/** Whether a push, or the first question of the platform, was signed with the token; as quick either way. */
export function isSignedByOnenet(
  token: string,
  { msg, nonce, signature }: Pick<SignedPush, "msg" | "nonce" | "signature">,
): boolean {
  const wanted = Buffer.from(onenetSignature(token, nonce, msg));
  // In the query of an address a plus may arrive as a blank.
  const given = Buffer.from(signature.replaceAll(" ", "+"));
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

/** The clear text of a ciphered message: AES-128 in CBC, PKCS #7; OneNET takes the key as initial vector too. */
export function decipherOnenet(key: Uint8Array, msg: string): Result<string, DecodeFault> {
  const ciphered = bytesOfBase64(msg);
  if (key.length !== keyBytes) return fail({ kind: "keyMissing", keyName: "aesKey" });
  if (ciphered === undefined) {
    return fail({ kind: "schema", path: "msg", problem: "not base64 of a ciphered text" });
  }
  const decipher = createDecipheriv("aes-128-cbc", key, key);
  try {
    const clear = Buffer.concat([decipher.update(ciphered), decipher.final()]);
    return ok(new TextDecoder("utf-8", { fatal: true }).decode(clear));
  } catch {
    // Padding or text that is none: how node:crypto and the decoder say that the key is another.
    return fail({ kind: "notAuthentic" });
  }
}

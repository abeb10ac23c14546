/** The frame inside an envelope, and what an address may look like. */
import { fail, ok, type Result } from "#domain/result.ts";
import { bytesOfBase64, bytesOfHex } from "#protocols/codec/textBytes.ts";
import type { DecodeFault } from "#protocols/contract.ts";

/** The longest address that the registry takes. */
export const addressCharsMax = 64;
/** No text of a platform that is read has more characters; frames have their own limit, that of the upload. */
export const nameCharsMax = 256;
/** A frame as text: what fits into an upload. */
export const frameCharsMax = 64 * 1024;

/** The frame of a text in base64. */
export function frameOfBase64(text: string, path: string): Result<Uint8Array, DecodeFault> {
  const bytes = bytesOfBase64(text);
  return bytes === undefined ? notText(path, "not base64") : ok(bytes);
}

/** The frame of a text in hexadecimal. */
export function frameOfHex(text: string, path: string): Result<Uint8Array, DecodeFault> {
  const bytes = bytesOfHex(text);
  return bytes === undefined ? notText(path, "not hexadecimal") : ok(bytes);
}

/** The frame of a text that does not say which it is: pairs of hexadecimal digits are hexadecimal. */
export function frameOfText(text: string, path: string): Result<Uint8Array, DecodeFault> {
  const bytes = bytesOfHex(text) ?? bytesOfBase64(text);
  return bytes === undefined ? notText(path, "neither hexadecimal nor base64") : ok(bytes);
}

function notText(path: string, problem: string): Result<Uint8Array, DecodeFault> {
  return fail({ kind: "schema", path, problem });
}

/** An envelope that lacks something, as a fault. */
export function lacking(path: string, problem: string): Result<never, DecodeFault> {
  return fail({ kind: "schema", path, problem });
}

/** As the registry keeps it: lower case. */
const addressPattern = /^[0-9a-z_-]{1,64}$/;
/** A frame's own address keeps its case. */
const frameAddressPattern = /^[0-9A-Za-z.:_-]{1,64}$/;
/** 3GPP TS 23.003: 15 digits, or 16 with the software version. */
const imeiPattern = /^\d{14,17}$/;

/** A text as the name under which a platform carries a meter; null where it is none (empty, or blanks in it). */
export function carrierAddressOf(text: string | null | undefined): string | null {
  const name = text?.toLowerCase() ?? "";
  return addressPattern.test(name) ? name : null;
}

/** Whether a text may be an address at all. */
export function isAddress(text: string): boolean {
  return frameAddressPattern.test(text);
}

/** A text as an IMEI; null where it is none: platforms write "undefined" and nothing. */
export function imeiOf(text: string | null | undefined): string | null {
  return text !== undefined && text !== null && imeiPattern.test(text) ? text : null;
}

/** For platforms that bring one frame at a time. */
export function asItIs(bytes: Uint8Array): Result<readonly Uint8Array[], DecodeFault> {
  return ok([bytes]);
}

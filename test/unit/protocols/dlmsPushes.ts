/** Pushes written out by hand, for tests of their decoder. */
import type { DecodeFault } from "#protocols/contract.ts";
import type { DecodedReading } from "#domain/telegram.ts";
import { dlmsProtocol, type DlmsOptions } from "#protocols/dlms/protocol.ts";
import { bytesOfHex } from "./cards.ts";

/** 09 06 and the six numbers of a name. */
export function name(obis: string): string {
  const numbers = [...obis.split(/[-:.]/).map(Number), 255];
  return `0906${Buffer.from(numbers).toString("hex")}`;
}

/** A data-notification without a date. */
export function push(body: string): Uint8Array {
  return bytesOfHex(`0f0000000100${body}`);
}

export const cubicMetres = "02020ffd160d";
export const register = `0203${name("7-0:3.0.0")}06000004d2${cubicMetres}`;
export const onlyRegister = push(`0101${register}`);
export const taken = { ml: 1_234_000, count: 1_234, exponent: -3 };
export function readingOf(
  bytes: Uint8Array,
  options?: DlmsOptions,
): DecodedReading | DecodeFault | null {
  const result = dlmsProtocol.decode(bytes, options);
  if (!result.ok) return result.fault;
  return result.value.readings[0] ?? null;
}

export function faultOf(bytes: Uint8Array, options?: DlmsOptions): string | null {
  const result = dlmsProtocol.decode(bytes, options);
  return result.ok ? null : result.fault.kind;
}

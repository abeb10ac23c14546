/** Bytes that travel as text. Strict: what two readers could read differently is refused. */

const hexPattern = /^(?:[0-9a-fA-F]{2})+$/;
const standardAlphabet = /^[A-Za-z0-9+/]+={0,2}$/;
const urlAlphabet = /^[A-Za-z0-9_-]+={0,2}$/;

/** Bytes of hexadecimal digits in pairs; undefined when it is anything else, or nothing. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  return hexPattern.test(text) ? new Uint8Array(Buffer.from(text, "hex")) : undefined;
}

/**
 * Bytes of base64 in the standard or the URL alphabet, whole or without its end (RFC 4648); undefined when it
 * is neither, mixes both, is cut off, or is nothing.
 */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const isStandard = standardAlphabet.test(text);
  if (!isStandard && !urlAlphabet.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  const whole = bytes.toString(isStandard ? "base64" : "base64url");
  // Bits left over at the end would let one frame have several texts.
  const isSame = text.includes("=")
    ? whole.padEnd(text.length, "=") === text
    : unended(whole) === text;
  const isEnded = !text.includes("=") || text.length % 4 === 0;
  return isSame && isEnded && bytes.length > 0 ? new Uint8Array(bytes) : undefined;
}

function unended(text: string): string {
  return text.replaceAll("=", "");
}

/**
 * Bytes as people have them at hand: hexadecimal with anything between the digits, a dump, escapes of a
 * programming language, base64, or the text itself. What a text may mean is a list; the first that decodes is it.
 */

/** How the bytes stood in the text. */
export type TextForm = "hex" | "dump" | "escapes" | "base64" | "text" | "binary" | "envelope";

/** One way to read an input. */
export interface FrameInput {
  readonly form: TextForm;
  readonly bytes: Uint8Array;
}

/** The largest input that is looked at. */
export const inputBytesMax = 4 * 1024 * 1024;

/** What stands between, before and around digits: blanks, colons, commas, brackets, 0x and 16#. */
const betweenDigits = /0x|16#|[\s:;,.|_\-[\](){}<>"']/gi;
const onlyDigits = /^[0-9a-f]+$/i;
const base64Pattern = /^[0-9a-z+/_-]{8,}={0,2}$/i;
const escapePattern = /\\(?:x([0-9a-f]{2})|u\{?00([0-9a-f]{2})\}?|([0-7]{3})|(.))/gis;
const escapeLetters: Readonly<Record<string, number>> = {
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  0: 0x00,
  a: 0x07,
  b: 0x08,
  e: 0x1b,
  f: 0x0c,
  v: 0x0b,
};

/** Every way in which these bytes of a file or a pipe can be meant, the likeliest first. */
export function inputsOf(raw: Uint8Array): readonly FrameInput[] {
  if (raw.length === 0) return [];
  if (!isText(raw)) return [{ form: "binary", bytes: raw }];
  const text = Buffer.from(raw)
    .toString("utf8")
    .replace(/^\ufeff/, "");
  const trimmed = text.trim();
  if (trimmed === "") return [];
  const asText = textInputs(raw, trimmed);
  if (/^[{[]\s*["{}\]]/.test(trimmed) || trimmed.startsWith("/")) return asText;
  const found: FrameInput[] = [];
  const add = (form: TextForm, bytes: Uint8Array | undefined): void => {
    if (bytes !== undefined && bytes.length > 0) found.push({ form, bytes });
  };
  add("dump", dumpBytes(trimmed));
  add("escapes", escapedBytes(trimmed));
  add("hex", hexBytes(trimmed));
  add("base64", base64Bytes(trimmed));
  return [...found, ...asText];
}

/** The same for an argument of the command line. */
export function inputsOfText(text: string): readonly FrameInput[] {
  return inputsOf(Buffer.from(text));
}

/** Why a text that looks like hexadecimal is none; null when nothing is wrong or it is something else. */
export function hexTrouble(text: string): "oddDigits" | null {
  const digits = text.trim().replaceAll(betweenDigits, "");
  return digits.length > 8 && onlyDigits.test(digits) && digits.length % 2 === 1
    ? "oddDigits"
    : null;
}

/** A terminal shows it: no zero bytes, and all of it UTF-8. */
export function isText(raw: Uint8Array): boolean {
  if (raw.includes(0)) return false;
  const text = Buffer.from(raw).toString("utf8");
  // eslint-disable-next-line no-control-regex
  return !text.includes("\ufffd") && !/[\x01-\x08\x0e-\x1f\x7f]/.test(text);
}

/** The text as it is; a telegram that lost its line ends on the way through a clipboard gets them back. */
function textInputs(raw: Uint8Array, trimmed: string): readonly FrameInput[] {
  const isTelegram = trimmed.startsWith("/") && trimmed.includes("!");
  if (!isTelegram || trimmed.includes("\r")) return [{ form: "text", bytes: raw }];
  const lines = `${trimmed.replaceAll("\n", "\r\n")}\r\n`;
  return [
    { form: "text", bytes: raw },
    { form: "text", bytes: Buffer.from(lines) },
  ];
}

function hexBytes(text: string): Uint8Array | undefined {
  const digits = text.replace(/^[bB]?["']|["']$/g, "").replaceAll(betweenDigits, "");
  const isWhole = onlyDigits.test(digits) && digits.length % 2 === 0;
  return isWhole ? Uint8Array.from(Buffer.from(digits, "hex")) : undefined;
}

const dumpLine = /^(?:0x)?([0-9a-f]{4,8}):?\s+((?:[0-9a-f]{2,4}\s?)+?)(?:\s{2,}.*|\s*\|.*\|?)?$/i;

/** `xxd`, `hexdump -C` and their like: each line begins with the place of its first byte. */
function dumpBytes(text: string): Uint8Array | undefined {
  const lines = text.split("\n").map((line) => line.trim());
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const line of lines) {
    if (line === "" || line === "*") continue;
    const [, place, digits = ""] = dumpLine.exec(line) ?? [];
    // The last line of hexdump is the length alone.
    if (place === undefined) {
      const isEnd = onlyDigits.test(line) && Number.parseInt(line, 16) === at && at > 0;
      if (isEnd) continue;
      return undefined;
    }
    const bytes = hexBytes(digits);
    if (bytes === undefined || Number.parseInt(place, 16) !== at) return undefined;
    parts.push(bytes);
    at += bytes.length;
  }
  return at === 0 ? undefined : Uint8Array.from(Buffer.concat(parts));
}

/** `\x68\x10h\n` as C, Python and JavaScript print bytes, with or without quotes around it. */
function escapedBytes(text: string): Uint8Array | undefined {
  if (!/\\x[0-9a-f]{2}|\\u00[0-9a-f]{2}/i.test(text)) return undefined;
  const inner = text.replace(/^[bB]?(["'])([\s\S]*)\1$/, "$2");
  const bytes: number[] = [];
  let at = 0;
  for (const match of inner.matchAll(escapePattern)) {
    bytes.push(...Buffer.from(inner.slice(at, match.index)));
    const [whole, hex, unicode, octal, letter = ""] = match;
    const code = hex ?? unicode;
    if (code !== undefined) bytes.push(Number.parseInt(code, 16));
    else if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff);
    else bytes.push(escapeLetters[letter] ?? letter.charCodeAt(0) & 0xff);
    at = match.index + whole.length;
  }
  bytes.push(...Buffer.from(inner.slice(at)));
  return Uint8Array.from(bytes);
}

function base64Bytes(text: string): Uint8Array | undefined {
  // Lines may be broken; words with blanks between them are a sentence.
  const plain = text.replaceAll(/[\r\n"']/g, "");
  if (!base64Pattern.test(plain) || plain.replace(/=+$/, "").length % 4 === 1) return undefined;
  return Uint8Array.from(Buffer.from(plain, "base64"));
}

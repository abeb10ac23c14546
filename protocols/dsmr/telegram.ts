/** The envelope of a P1 telegram: where it begins and ends, its checksum, and its lines. */
import { fail, ok, type Result } from "#domain/result.ts";
import { crc16Arc } from "#protocols/codec/crc16.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

/** The largest payload that is looked at; a telegram of version 5 has about 2 KiB. */
export const telegramBytesMax = 64 * 1024;
/** The most telegrams of one payload: a minute of one every second, with room to spare. */
export const telegramsMax = 128;
/** They are refused together: which of them may be left out cannot be told. */
export const tooManyTelegrams: DecodeFault = {
  kind: "unsupported",
  what: `more than ${telegramsMax} telegrams in one payload`,
};
/** The first version of the standard whose telegrams end with a checksum. */
const checksumVersionMin = 40;

/** One object of a telegram: an identifier and its values in brackets. */
export interface P1Object {
  /** As printed: 0-1:24.2.1. */
  readonly obis: string;
  /** What stood between the brackets, also those of lines that continue this one. */
  readonly values: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** A telegram with both checksums, whether they agree or not. */
export interface P1Telegram {
  readonly manufacturer: string;
  readonly identifier: string;
  readonly objects: readonly P1Object[];
  /** Lines that are no objects, by the standard. */
  readonly strayLines: readonly string[];
  /** null: the telegram has none. */
  readonly statedChecksum: number | null;
  readonly actualChecksum: number;
  /** Whether its end mark was there. */
  readonly isEnded: boolean;
  readonly from: number;
  readonly to: number;
}

/** Where one telegram stands in a text. */
interface Span {
  readonly from: number;
  /** Where the end mark stands; null: it does not. */
  readonly endAt: number | null;
  readonly to: number;
}

/**  /XXX5 id CR LF CR LF  object lines  ! CRC CR LF
 * @see P1 Companion Standard 5.0.2, clause 6.2 */
export function readTelegrams(bytes: Uint8Array): readonly Result<P1Telegram, DecodeFault>[] {
  if (bytes.length > telegramBytesMax) {
    return [fail({ kind: "tooLarge", limitBytes: telegramBytesMax })];
  }
  // One character a byte, so that places in the text are places in the bytes.
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const latin1 = view.toString("latin1");
  const text = latin1.includes("\n") ? latin1 : latin1.replaceAll("\r", "\n");
  return spansOf(text).map((span) => (span.ok ? readTelegram(bytes, text, span.value) : span));
}

/** Why a telegram that was read may still not be believed; null: nothing is wrong with it. */
export function checksumFault(telegram: P1Telegram): DecodeFault | null {
  const { statedChecksum: actual, actualChecksum: expected, to } = telegram;
  if (actual !== null) {
    return actual === expected ? null : { kind: "checksumMismatch", expected, actual };
  }
  const isCut = telegram.objects.some(promisesChecksum) || !(telegram.isEnded || isOld(telegram));
  return isCut ? { kind: "truncated", neededBytes: to + 4, availableBytes: to } : null;
}

/** In the form of the versions without a checksum, an end mark adds nothing to lines that are whole. */
function isOld({ objects }: P1Telegram): boolean {
  return objects.some(({ obis, values }) => obis.endsWith(":24.3.0") && values.length > 6);
}

/** 1-3:0.2.8 is the version of the Dutch standard, 0-0:96.1.4 that of the Belgian one, which has checksums always. */
function promisesChecksum({ obis, values }: P1Object): boolean {
  if (obis === "0-0:96.1.4") return true;
  return obis === "1-3:0.2.8" && Number(values[0]) >= checksumVersionMin;
}

/** Every piece of the text that ends like a telegram; one that never ends is truncated. */
function spansOf(text: string): readonly Result<Span, DecodeFault>[] {
  const spans: Result<Span, DecodeFault>[] = [];
  let at = 0;
  while (at < text.length) {
    if (spans.length === telegramsMax) return [fail(tooManyTelegrams)];
    const endAt = text.startsWith("!", at) ? at : text.indexOf("\n!", at) + 1;
    if (endAt === 0) break;
    const lineEnd = text.indexOf("\n", endAt);
    const to = lineEnd < 0 ? text.length : lineEnd + 1;
    const piece = text.slice(at, endAt);
    // The last start wins: what stands before it lost its end.
    const offset = startOf(piece);
    spans.push(offset < 0 ? endless(at, endAt) : ok({ from: at + offset, endAt, to }));
    at = to;
  }
  const rest = text.slice(at);
  const hasMore = /[^\s\0]/.test(rest);
  if (!hasMore && spans.length > 0) return spans;
  const offset = startOf(rest);
  const isWholeLines = offset >= 0 && rest.endsWith("\n");
  const last = { from: at + offset, endAt: null, to: text.length };
  return [...spans, isWholeLines ? ok(last) : endless(at, text.length)];
}

/** A header: a maker, the digit of the baud rate and an identifier that ends with its line. */
const headerPattern = /\/(?=[A-Za-z]{3}\d[^\n]{0,96}\n)/g;

/** The last header, wherever noise has left it, else the last line with a slash, else any slash; -1: none. */
function startOf(piece: string): number {
  const last = [...piece.matchAll(headerPattern)].at(-1);
  return last?.index ?? (piece.lastIndexOf("\n/") + 1 || piece.indexOf("/"));
}

function endless(from: number, to: number): Result<never, DecodeFault> {
  return fail({ kind: "truncated", neededBytes: to - from + 1, availableBytes: to - from });
}

/** Up to four digits, and nothing but white space behind them. */
const checksumPattern = /^([0-9A-Fa-f]{0,4})[\s\0]*$/;

function readTelegram(
  bytes: Uint8Array,
  text: string,
  { from, endAt, to }: Span,
): Result<P1Telegram, DecodeFault> {
  // Some meters print the checksum without leading zeros.
  const checksumAt = endAt === null ? to : endAt + 1;
  const digits = checksumPattern.exec(text.slice(checksumAt, to))?.[1];
  if (digits === undefined) {
    return fail({ kind: "unexpectedValue", field: "dsmr.checksum", atByte: checksumAt });
  }
  const statedChecksum = digits === "" ? null : Number.parseInt(digits, 16);
  const headerEnd = text.indexOf("\n", from);
  const header = text.slice(from + 1, headerEnd).trimEnd();
  const objects: Draft[] = [];
  const strayLines: string[] = [];
  for (let lineAt = headerEnd + 1; lineAt < (endAt ?? to);) {
    const lineEnd = text.indexOf("\n", lineAt);
    const line = text.slice(lineAt, lineEnd).trimEnd();
    readLine(line, lineAt, objects, strayLines);
    lineAt = lineEnd + 1;
  }
  return ok({
    manufacturer: header.slice(0, 3),
    // Between the two stands the baud rate of the optical port, a 5.
    identifier: header.slice(4),
    objects,
    strayLines,
    statedChecksum,
    actualChecksum: actualChecksum(bytes, text, from, checksumAt, statedChecksum),
    isEnded: endAt !== null,
    from,
    to,
  });
}

/**
 * The checksum of the bytes as they are. Where a carrier has taken one half of every line end, and what
 * is left is not what the meter summed up, that of the text with both halves, as the standard has it.
 */
function actualChecksum(
  bytes: Uint8Array,
  text: string,
  from: number,
  to: number,
  stated: number | null,
): number {
  const asItIs = crc16Arc(bytes, from, to);
  const summed = text.slice(from, to);
  if (stated === null || stated === asItIs || summed.includes("\r")) return asItIs;
  const restored = Buffer.from(summed.replaceAll("\n", "\r\n"), "latin1");
  return crc16Arc(restored, 0, restored.length);
}

/** A-B:C.D.E, and F where it says more than 255, which is "now". */
const obisPattern = /^(\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3})(\.\d{1,3})?(?=\()/;
const presentGroup = ".255";

/** An object that the next line may continue. */
interface Draft extends P1Object {
  readonly values: string[];
  to: number;
}

function readLine(line: string, from: number, objects: Draft[], strayLines: string[]): void {
  if (line === "") return;
  const [identifier = "", code, group = ""] = obisPattern.exec(line) ?? [];
  const before = objects.at(-1);
  if (code !== undefined) {
    const values = valuesOf(line.slice(identifier.length));
    const obis = group === presentGroup ? code : identifier;
    objects.push({ obis, values, from, to: from + line.length });
  } else if (line.startsWith("(") && before !== undefined) {
    // Versions 2.2 and 3.0 put the gas register on a line of its own.
    for (const value of valuesOf(line)) before.values.push(value);
    before.to = from + line.length;
  } else {
    strayLines.push(line);
  }
}

/** `(a)(b*c)` as a and b*c. */
function valuesOf(text: string): string[] {
  return text.startsWith("(") && text.endsWith(")") ? text.slice(1, -1).split(")(") : [];
}

/** What people call the objects that matter here. */
const names: Readonly<Record<string, string>> = {
  "0.2.8": "version",
  "1.0.0": "time of the telegram",
  "24.1.0": "device type",
  "24.2.0": "register",
  "24.2.1": "register",
  "24.2.3": "register, not temperature converted",
  "24.3.0": "register of the last hour",
  "24.4.0": "valve position",
  "96.1.0": "equipment identifier",
  "96.1.1": "equipment identifier",
  "96.1.4": "version",
};

/** Every object with the bytes of its line, and the checksum. */
export function explainTelegram(
  { manufacturer, identifier, objects, statedChecksum, from, to }: P1Telegram,
  shift: number,
  trace: FieldTrace[],
): void {
  const line = (name: string, start: number, end: number, value: string): void => {
    trace.push({ name, from: start + shift, to: end + shift, value, unit: null });
  };
  const headerTo = from + 1 + manufacturer.length + 1 + identifier.length;
  line("header", from, Math.min(headerTo, to), `${manufacturer} ${identifier}`);
  for (const object of objects) {
    const name = names[object.obis.slice(object.obis.indexOf(":") + 1)];
    const title = name === undefined ? object.obis : `${object.obis} ${name}`;
    line(title, object.from, object.to, object.values.join(" | "));
  }
  const checksumAt = objects.at(-1)?.to ?? headerTo;
  const digits = statedChecksum?.toString(16).toUpperCase().padStart(4, "0");
  line("checksum", Math.min(checksumAt, to), to, digits ?? "none");
}

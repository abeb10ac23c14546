/**
 * Compact frames: the data of a full frame without DIF and VIF, which the receiver knows from a full frame
 * that came before. What was learnt is a value that goes in and comes out. EN 13757-3, annex on compact frames.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import { u16le } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { readHeader } from "#protocols/mbus/recordHeader.ts";
import {
  describeRecord,
  filler,
  readRecords,
  reservedQuantity,
  specialField,
  type MbusRecord,
} from "#protocols/mbus/records.ts";
import { beginsDeciphered } from "#protocols/mbus/security.ts";
import type { Content } from "#protocols/mbus/opened.ts";
import type { MbusTelegram } from "#protocols/mbus/telegram.ts";
import { printValue, sizeByLvar, sizeOf, variableField } from "#protocols/mbus/values.ts";
import { crc16 } from "./checksum.ts";

/** DIFs and VIFs by their signature, both in hexadecimal digits: to be kept per meter model. */
export type CompactFormats = Readonly<Record<string, string>>;

/** A format that a full frame has shown. */
export interface LearntFormat {
  readonly signature: string;
  readonly format: string;
}

/** How a compact frame is called in a fault. */
export const compactFrame = "compact frame";

const compactHead = layout("wmbus.compact", { formatSignature: u16le, fullFrameChecksum: u16le });
/** A format longer than a frame cannot have been in one. */
const formatBytesMax = 255;

/** The format of a full frame; null when it holds nothing that could be sent compact. */
export function learnFormat(
  bytes: Uint8Array,
  records: readonly MbusRecord[],
): LearntFormat | null {
  const isReserved = records.some(({ quantity }) => quantity === reservedQuantity);
  if (records.length === 0 || isReserved) return null;
  const heads = records.map(({ from, dataAt }) => bytes.subarray(from, dataAt));
  const format = Buffer.concat(heads);
  if (format.length > formatBytesMax) return null;
  return { signature: signatureName(crc16(format, 0, format.length)), format: hexOf(format) };
}

const signatureBytes = 2;

/**
 * The format that a format frame (CI 69, 6A, 6B) tells: a signature, and the DIFs and VIFs that it is the
 * checksum of. A length may stand in front; the checksum tells where the format lies. null: there is none.
 */
export function readFormatFrame(
  { bytes, from, end }: Content,
  trace: FieldTrace[] | null,
): LearntFormat | null {
  const start = beginsDeciphered(bytes, from) ? afterFillers(bytes, from, from + 2, trace) : from;
  const counted = start + 1 + (bytes[start] ?? 0);
  const places = [
    [start, end],
    [start + 1, end],
    [start + 1, counted],
    [start + 1, counted + signatureBytes],
  ] as const;
  for (const [at, last] of places) {
    let to = Math.min(last, end);
    // Fillers make the last block whole.
    if (last === end) while (to > at && bytes[to - 1] === filler) to -= 1;
    const formatAt = at + signatureBytes;
    const signature = (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
    if (to > formatAt && last <= end && crc16(bytes, formatAt, to) === signature) {
      const format = hexOf(bytes.subarray(formatAt, to));
      trace?.push({ name: "format", from: start, to: end, value: format, unit: null });
      return { signature: signatureName(signature), format };
    }
  }
  return null;
}

/** The records of a compact frame, in a format that is known. */
export function readCompact(
  { bytes, from, end }: Content,
  formats: CompactFormats,
  trace: FieldTrace[] | null,
): Result<Pick<MbusTelegram, "records" | "moreFollows">, DecodeFault> {
  // Deciphered data begin with two fillers.
  const isDeciphered = beginsDeciphered(bytes, from);
  const headAt = isDeciphered ? afterFillers(bytes, from, from + 2, trace) : from;
  const head = compactHead.decode(bytes.subarray(0, end), headAt, trace);
  if (!head.ok) return head;
  const name = signatureName(head.value.formatSignature);
  const known = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (known === undefined) {
    return fail({ kind: "unsupported", what: `${compactFrame} of unknown format ${name}` });
  }
  const dataAt = headAt + compactHead.sizeBytes;
  const full = rebuilt(Uint8Array.from(Buffer.from(known, "hex")), bytes.subarray(dataAt, end));
  if (full === undefined) {
    return fail({ kind: "wrongLength", field: "wmbus.compact", atByte: dataAt });
  }
  const actual = head.value.fullFrameChecksum;
  const expected = crc16(full, 0, full.length);
  if (actual !== expected) return fail({ kind: "checksumMismatch", expected, actual });
  const { records, moreFollows, fault } = readRecords(full, 0, full.length, null);
  if (fault !== null) return fail(fault);
  const placed = putInPlace(records, dataAt);
  for (const record of placed) {
    const { from: at, to, unit, value } = record;
    if (to > at)
      trace?.push({ name: describeRecord(record), from: at, to, value: printValue(value), unit });
  }
  return ok({ records: placed, moreFollows });
}

/** The full frame's records: each head with its data behind it. undefined: the data do not fit the format. */
function rebuilt(format: Uint8Array, data: Uint8Array): Uint8Array | undefined {
  if (format.length > formatBytesMax) return undefined;
  const parts: Uint8Array[] = [];
  let dataAt = 0;
  for (let at = 0; at < format.length;) {
    const dif = format[at] ?? 0;
    if (dif !== filler && (dif & specialField) === specialField) {
      parts.push(format.subarray(at, at + 1), data.subarray(dataAt));
      return Buffer.concat(parts);
    }
    const header = readHeader({ bytes: format, from: at, end: format.length });
    if (!header.ok) return undefined;
    const { dataField, dataAt: next } = header.value;
    const isVariable = dataField === variableField;
    const sizeBytes = isVariable ? sizeByLvar(data[dataAt] ?? 0) : sizeOf(dataField);
    if (sizeBytes === undefined) return undefined;
    const to = dataAt + sizeBytes + (isVariable ? 1 : 0);
    if (to > data.length) return undefined;
    parts.push(format.subarray(at, next), data.subarray(dataAt, to));
    at = next;
    dataAt = to;
  }
  return afterFillers(data, dataAt, data.length, null) === data.length
    ? Buffer.concat(parts)
    : undefined;
}

function afterFillers(
  bytes: Uint8Array,
  from: number,
  end: number,
  trace: FieldTrace[] | null,
): number {
  let at = from;
  while (at < end && bytes[at] === filler) at += 1;
  if (at > from)
    trace?.push({ name: "filler", from, to: at, value: `${at - from} bytes`, unit: null });
  return at;
}

/** Records with the places that their data have in the compact frame. */
function putInPlace(records: readonly MbusRecord[], dataAt: number): readonly MbusRecord[] {
  let at = dataAt;
  return records.map((record) => {
    const from = at;
    at += record.to - record.dataAt;
    return { ...record, from, dataAt: from, to: at };
  });
}

function signatureName(signature: number): string {
  return signature.toString(16).toUpperCase().padStart(4, "0");
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").toUpperCase();
}

/** Any of the encodings of LwM2M into records. */
import { fail, ok, type Result } from "#domain/result.ts";
import { uploadBytesMax } from "#protocols/codec/upload.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { readScalar } from "./cbor.ts";
import { resourceOf, type ResourceType } from "./objects.ts";
import { valuePath } from "./path.ts";
import {
  malformed,
  traceOf,
  typedValue,
  type DecodeContext,
  type ResourceRecord,
} from "./record.ts";
import { resolvePack, type RawRecord } from "./senml.ts";
import { readCborPack } from "./senmlCbor.ts";
import { readJsonPack, readOldJson } from "./senmlJson.ts";
import { decodeTlv, isWholeItem, textOf } from "./tlv.ts";
import { missing, numberFromText, type Value } from "./values.ts";

/** Numbers of the content formats (CoAP registry). */
export const contentFormats = {
  text: 0,
  opaque: 42,
  cbor: 60,
  senmlJson: 110,
  senmlCbor: 112,
  tlv: 11_542,
  json: 11_543,
} as const;

/** A way to write values down. */
export type Encoding = keyof typeof contentFormats;

type Read = (
  bytes: Uint8Array,
  context: DecodeContext,
  trace: FieldTrace[] | null,
) => Result<readonly ResourceRecord[], DecodeFault>;

const readers: Readonly<Record<Encoding, Read>> = {
  text: readText,
  opaque: (bytes, context, trace) => {
    return single({ kind: "bytes", value: bytes.slice() }, bytes, context, trace);
  },
  cbor: readCborValue,
  senmlJson: packReader(readJsonPack),
  senmlCbor: packReader(readCborPack),
  tlv: decodeTlv,
  json: packReader(readOldJson),
};

/** The records of a payload. Linear in the bytes; never throws. */
export function decodeRecords(
  bytes: Uint8Array,
  encoding: Encoding,
  context: DecodeContext,
  trace: FieldTrace[] | null,
): Result<readonly ResourceRecord[], DecodeFault> {
  if (bytes.length > uploadBytesMax) return fail({ kind: "tooLarge", limitBytes: uploadBytesMax });
  return readers[encoding](bytes, context, trace);
}

/** The encoding that a content format stands for; 1542 and 1543 are those of early drafts. */
export function encodingOf(contentFormat: number): Encoding | undefined {
  const early: Readonly<Record<number, Encoding>> = { 1542: "tlv", 1543: "json" };
  const names = Object.keys(contentFormats) as Encoding[];
  return names.find((name) => contentFormats[name] === contentFormat) ?? early[contentFormat];
}

/**
 * The encoding by the first byte, for carriers that do not say. TLV and CBOR lists can begin alike. What was
 * read from a resource of bytes is those bytes, unless it is a whole item of TLV.
 */
export function guessEncoding(bytes: Uint8Array, context?: DecodeContext): Encoding {
  const place = context === undefined ? undefined : resourceOf(context.objects, context.path);
  if (place?.type === "opaque") return isWholeItem(bytes) ? "tlv" : "opaque";
  const first = bytes.find(
    (byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d,
  );
  if (first === 0x5b) return "senmlJson";
  if (first === 0x7b) return "json";
  // A list, and in it a map or nothing: an item of TLV has its number there, and meters use low ones.
  const isList = (bytes[0] ?? 0) >> 5 === 4;
  const isOfMaps = bytes.length === 1 || (bytes[1] ?? 0) >> 5 === 5;
  return isList && isOfMaps ? "senmlCbor" : "tlv";
}

function packReader(
  readPack: (bytes: Uint8Array) => Result<readonly RawRecord[], DecodeFault>,
): Read {
  return (bytes, context, trace) => {
    const pack = readPack(bytes);
    return pack.ok ? resolvePack(pack.value, context, trace) : pack;
  };
}

/** One item of CBOR. */
function readCborValue(
  bytes: Uint8Array,
  context: DecodeContext,
  trace: FieldTrace[] | null,
): Result<readonly ResourceRecord[], DecodeFault> {
  const cursor = { bytes, at: 0 };
  const value = readScalar(cursor);
  if (!value.ok) return value;
  if (cursor.at < bytes.length) return fail(malformed("", "bytes after the value"));
  return single(value.value, bytes, context, trace);
}

/** Plain text: one value, whose resource says what it is. */
function readText(
  bytes: Uint8Array,
  context: DecodeContext,
  trace: FieldTrace[] | null,
): Result<readonly ResourceRecord[], DecodeFault> {
  const text = textOf(bytes);
  if (text === undefined) return fail({ kind: "illFormedText", path: "" });
  return single(text.kind === "text" ? typed(text.value, context) : text, bytes, context, trace);
}

const numericTypes: readonly ResourceType[] = ["integer", "unsigned", "float", "boolean", "time"];

function typed(text: string, { objects, path }: DecodeContext): Value {
  const type = resourceOf(objects, path)?.type ?? "string";
  if (type === "link") return { kind: "link", value: text };
  const number = numericTypes.includes(type) ? numberFromText(text) : missing;
  return number.kind === "number" ? number : { kind: "text", value: text };
}

function single(
  value: Value,
  bytes: Uint8Array,
  context: DecodeContext,
  trace: FieldTrace[] | null,
): Result<readonly ResourceRecord[], DecodeFault> {
  const path = valuePath(context.path);
  if (path === undefined) return fail(malformed("", "one value without its resource"));
  const record = { path, at: null, unit: null, value: typedValue(context.objects, path, value) };
  if (bytes.length > 0) trace?.push(traceOf(record, context.objects, 0, bytes.length));
  return ok([record]);
}

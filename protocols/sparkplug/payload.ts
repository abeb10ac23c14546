/** Sparkplug B payloads (sparkplug_b.proto) as tables of their fields. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";
import { believableInstant } from "#protocols/codec/calendar.ts";
import { many, one, uint } from "#protocols/codec/protobufFields.ts";
import { message, type RecordOf } from "#protocols/codec/protobufMessage.ts";
import { bytesOf, walkWhole } from "#protocols/codec/protobufWalk.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { dataTypeOf, type DataType } from "./dataTypes.ts";
import { anyText, bits, bool, float32, float64, raw, texts } from "./fields.ts";
import { integerOf, type WireValue } from "./values.ts";

/** The largest payload: the birth of a gateway with a thousand meters. */
export const payloadBytesMax = 1024 * 1024;
/** The most metrics in one payload. */
const metricsMax = 16_384;
const propertiesMax = 64;

/** message PropertyValue; sets in sets are passed over. */
const propertyValue = message({
  type: uint(1),
  isNull: bool(2),
  intValue: bits(3),
  longValue: bits(4),
});

/** message PropertySet. */
const propertySet = message({
  keys: texts(1, propertiesMax),
  values: many(2, propertyValue, propertiesMax),
});

/** message Metric; metadata is passed over. */
const metricTable = {
  name: anyText(1),
  alias: bits(2),
  timestamp: bits(3),
  datatype: uint(4),
  isHistorical: bool(5),
  isTransient: bool(6),
  isNull: bool(7),
  properties: one(9, propertySet),
  intValue: bits(10),
  longValue: bits(11),
  floatValue: float32(12),
  doubleValue: float64(13),
  booleanValue: bool(14),
  stringValue: anyText(15),
  bytesValue: raw(16),
  dataSet: raw(17),
  template: raw(18),
};

/** message Payload; body is passed over. */
const payloadTable = {
  timestamp: bits(1),
  metrics: many(2, message(metricTable), metricsMax),
  seq: bits(3),
  uuid: anyText(4),
};

/** The uuid of payloads whose metrics are squeezed into the body. */
const compressedUuid = "SPBV1.0_COMPRESSED";

const payload = message(payloadTable);

type MetricRecord = RecordOf<typeof metricTable>;
type PayloadRecord = RecordOf<typeof payloadTable>;

/** A payload to be written, with the fields that it has. */
export interface PayloadDraft {
  readonly timestamp: bigint;
  readonly metrics: readonly Partial<MetricRecord>[];
  readonly seq?: bigint;
}

/** One metric of a payload. Without a name it is known by its alias, since the birth that gave both. */
export interface Metric {
  readonly name: string | null;
  readonly alias: bigint | null;
  /** Null where it does not say. */
  readonly atMs: TimestampMs | null;
  readonly dataType: DataType | null;
  readonly isHistorical: boolean;
  readonly isNull: boolean;
  /** The property "Quality": 192 good, 500 stale, 0 bad; null where it does not say. */
  readonly quality: number | null;
  readonly wire: WireValue;
}

/** What a message says. */
export interface Payload {
  readonly atMs: TimestampMs | null;
  readonly metrics: readonly Metric[];
  /** 0 to 255; null in a death of the node and in commands. */
  readonly seq: number | null;
}

const seqCount = 256n;

/** A payload. Linear in the bytes; never throws. */
export function decodePayload(
  bytes: Uint8Array,
  trace: FieldTrace[] | null = null,
): Result<Payload, DecodeFault> {
  const read = walkWhole(bytes, trace, payload.read, payloadBytesMax);
  if (!read.ok) return read;
  const { timestamp, metrics = [], seq, uuid } = read.value;
  // To pass over the body would say that there is nothing to say.
  if (uuid === compressedUuid) return fail({ kind: "unsupported", what: "compressed payload" });
  return ok({
    atMs: instantOf(timestamp),
    metrics: metrics.map(metricOf),
    seq: seq === undefined ? null : Number(seq % seqCount),
  });
}

/** A payload as bytes. */
export function encodePayload(draft: PayloadDraft): Uint8Array {
  // To the writer a field that is absent and one that is undefined are the same.
  return bytesOf((writer) => payload.write(writer, draft as PayloadRecord));
}

function metricOf(record: MetricRecord): Metric {
  const { name, alias, timestamp, datatype, isHistorical, isNull, properties } = record;
  const { keys = [], values = [] } = properties ?? {};
  const quality = values[keys.indexOf("Quality")];
  const qualityBits = quality?.intValue ?? quality?.longValue;
  return {
    name: name ?? null,
    alias: alias ?? null,
    atMs: instantOf(timestamp),
    dataType: datatype === undefined ? null : (dataTypeOf(datatype) ?? null),
    isHistorical: isHistorical ?? false,
    isNull: isNull ?? false,
    quality: qualityBits === undefined ? null : Number(integerOf(qualityBits, "Int32") ?? -1n),
    wire: record,
  };
}

/** Milliseconds since 1970; 0 says nothing. */
function instantOf(milliseconds = 0n): TimestampMs | null {
  const atMs = Number(milliseconds);
  return atMs === 0 ? null : (believableInstant(atMs) ?? null);
}

/** The published schema of Sparkplug B payloads, for an encoder that is not ours. */
import protobuf from "protobufjs";
import { numberOfDataType, type DataType } from "#protocols/sparkplug/dataTypes.ts";

const schema = `
syntax = "proto2";
message PropertyValue {
  optional uint32 type = 1; optional bool is_null = 2;
  oneof value { uint32 int_value = 3; uint64 long_value = 4; string string_value = 8; }
}
message PropertySet { repeated string keys = 1; repeated PropertyValue values = 2; }
message Metric {
  optional string name = 1; optional uint64 alias = 2; optional uint64 timestamp = 3;
  optional uint32 datatype = 4; optional bool is_historical = 5; optional bool is_transient = 6;
  optional bool is_null = 7; optional PropertySet properties = 9;
  oneof value {
    uint32 int_value = 10; uint64 long_value = 11; float float_value = 12;
    double double_value = 13; bool boolean_value = 14; string string_value = 15;
    bytes bytes_value = 16;
  }
}
message Payload {
  optional uint64 timestamp = 1; repeated Metric metrics = 2; optional uint64 seq = 3;
  optional string uuid = 4; optional bytes body = 5;
}`;

const payloadType = protobuf.parse(schema).root.lookupType("Payload");

/** A metric as a test writes it; the value's field follows from its type, as the specification has it. */
export interface WrittenMetric {
  readonly name?: string;
  readonly alias?: number;
  readonly timestamp?: number;
  readonly dataType?: DataType;
  readonly value?: number | boolean | string | Uint8Array;
  readonly isNull?: boolean;
  readonly isHistorical?: boolean;
  readonly quality?: number;
}

/** A payload by protobufjs' own encoder. */
export function writtenPayload(payload: {
  readonly timestamp?: number;
  readonly seq?: number;
  readonly metrics?: readonly WrittenMetric[];
}): Uint8Array {
  const metrics = (payload.metrics ?? []).map((metric) => {
    const { name, alias, timestamp, dataType, value, isNull, isHistorical, quality } = metric;
    const datatype = dataType === undefined ? undefined : numberOfDataType(dataType);
    const properties =
      quality === undefined
        ? undefined
        : { keys: ["Quality"], values: [{ type: 3, intValue: quality }] };
    const field = value === undefined ? {} : { [fieldOf(dataType, value)]: value };
    return { name, alias, timestamp, datatype, isNull, isHistorical, properties, ...field };
  });
  const message = payloadType.fromObject(clean({ ...payload, metrics: metrics.map(clean) }));
  return Uint8Array.from(payloadType.encode(message).finish());
}

function fieldOf(dataType: DataType | undefined, value: WrittenMetric["value"]): string {
  if (typeof value === "boolean") return "booleanValue";
  if (typeof value === "string") return "stringValue";
  if (typeof value !== "number") return "bytesValue";
  if (dataType === "Float") return "floatValue";
  if (dataType === "Double") return "doubleValue";
  return /64|DateTime/.test(dataType ?? "") ? "longValue" : "intValue";
}

function clean(record: object): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

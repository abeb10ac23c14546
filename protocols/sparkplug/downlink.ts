/** What a host application sends: rebirth requests, its own state, and the closing of a valve. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { CommandOrder, EncodeFault } from "#protocols/contract.ts";
import { timestampMs, type TimestampMs } from "#domain/units.ts";
import { integerShape, numberOfDataType, type DataType } from "./dataTypes.ts";
import { encodePayload } from "./payload.ts";
import type { WireValue } from "./values.ts";

/** A metric to be written. */
export interface MetricWrite {
  readonly metric: string;
  readonly dataType: DataType;
  readonly value: number | boolean | string;
}

/** Asks an edge node for all its births (NCMD): it lost, or we lost, a message. */
export function encodeRebirthRequest(atMs: TimestampMs): Uint8Array {
  const write = { metric: "Node Control/Rebirth", dataType: "Boolean", value: true } as const;
  return encodeWrite(write, atMs);
}

/** One metric as a command (NCMD, DCMD): a time and no sequence. */
export function encodeWrite(
  { metric, dataType, value }: MetricWrite,
  atMs: TimestampMs,
): Uint8Array {
  const timestamp = BigInt(atMs);
  const datatype = numberOfDataType(dataType);
  const written = { ...wireOf(dataType, value), name: metric, timestamp, datatype };
  return encodePayload({ timestamp, metrics: [written] });
}

/** A value as it travels: whole numbers as two's complement of their own width. */
function wireOf(type: DataType, value: number | boolean | string): WireValue {
  if (typeof value === "boolean") return { booleanValue: value };
  if (typeof value === "string") return { stringValue: value };
  if (type === "Float") return { floatValue: value };
  const shape = integerShape(type);
  if (shape === undefined)
    return type === "DateTime" ? { longValue: BigInt(value) } : { doubleValue: value };
  const bits = BigInt.asUintN(shape.bits, BigInt(Math.trunc(value)));
  return shape.bits > 32 ? { longValue: bits } : { intValue: bits };
}

/** The closing of a valve as a DCMD, where a meter's table says how; there is no other order. */
export function encodeSparkplugCommand(
  { action, issuedAtMs }: Pick<CommandOrder, "action" | "issuedAtMs">,
  close: MetricWrite | null,
): Result<Uint8Array, EncodeFault> {
  if (action !== "close") return fail({ kind: "unsupported", what: action });
  if (close === null) return fail({ kind: "unsupported", what: "a valve without a metric" });
  return ok(encodeWrite(close, issuedAtMs));
}

/** What a host says of itself; the will says the same with the other word and the same time. */
export interface HostState {
  readonly isOnline: boolean;
  readonly atMs: TimestampMs | null;
}

const stateBytesMax = 256;

/** The text of STATE: JSON, unlike every other payload. */
export function encodeHostState({ isOnline, atMs }: HostState): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ online: isOnline, timestamp: atMs }));
}

/** What a host said of itself; undefined when it is no such text. Versions before 3.0 sent one word. */
export function decodeHostState(bytes: Uint8Array): HostState | undefined {
  if (bytes.length > stateBytesMax) return undefined;
  const text = new TextDecoder().decode(bytes);
  if (text === "ONLINE" || text === "OFFLINE") return { isOnline: text === "ONLINE", atMs: null };
  const state = jsonOf(text);
  if (typeof state !== "object" || state === null) return undefined;
  const { online, timestamp } = state as Readonly<Record<string, unknown>>;
  if (typeof online !== "boolean" || !Number.isSafeInteger(timestamp)) return undefined;
  return { isOnline: online, atMs: timestampMs(Number(timestamp)) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's only way to say no.
    return undefined;
  }
}

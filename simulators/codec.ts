/** The three protocols as a meter speaks them: an upload to bytes, bytes to an order. */
import type { ProtocolName } from "#domain/meter.ts";
import type { Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { decodeCjt188Request } from "#protocols/cjt188/requests.ts";
import { encodeCjt188Uplink } from "#protocols/cjt188/uplink.ts";
import type { CommandOrder } from "#protocols/contract.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { encodeJsonUplink } from "#protocols/json/protocol.ts";
import { decodeProtobufCommand } from "#protocols/protobuf/command.ts";
import { encodeProtobufUplink } from "#protocols/protobuf/protocol.ts";

/** An order as the meter understood it. */
export interface MeterOrder {
  /** Tells a repeated order from a new one: the command's id, or its SER. */
  readonly key: string;
  readonly commandId: string | null;
  readonly sequence: number | null;
  /** False: something that this meter does not do. */
  readonly isClose: boolean;
  readonly expiresAtMs: number | null;
}

interface MeterCodec {
  encodeUplink(telegram: Telegram): Uint8Array;
  /** Null: not an order, or damaged. */
  decodeOrder(bytes: Uint8Array): MeterOrder | null;
}

export const meterCodecs = {
  json: {
    encodeUplink: encodeJsonUplink,
    decodeOrder: (bytes) => orderOf(decodeJsonCommand(bytes)),
  },
  protobuf: {
    encodeUplink: encodeProtobufUplink,
    decodeOrder: (bytes) => orderOf(decodeProtobufCommand(bytes)),
  },
  cjt188: {
    encodeUplink: encodeCjt188Uplink,
    decodeOrder(bytes) {
      const read = decodeCjt188Request(bytes);
      if (!read.ok || read.value.kind !== "valve") return null;
      const { sequence, operation } = read.value;
      return {
        key: `SER ${sequence}`,
        commandId: null,
        sequence,
        isClose: operation === "close",
        expiresAtMs: null,
      };
    },
  },
} as const satisfies Partial<Record<ProtocolName, MeterCodec>>;

/** The protocols that simulated meters speak over the broker. */
export type SimulatedProtocol = keyof typeof meterCodecs;
export const simulatedProtocols = Object.keys(meterCodecs) as readonly SimulatedProtocol[];

/** JSON and protobuf orders say the same things. */
function orderOf(
  read: Result<Pick<CommandOrder, "commandId" | "action" | "expiresAtMs">, unknown>,
): MeterOrder | null {
  if (!read.ok) return null;
  const { commandId, action, expiresAtMs } = read.value;
  return { key: commandId, commandId, sequence: null, isClose: action === "close", expiresAtMs };
}

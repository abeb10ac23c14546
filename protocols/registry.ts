/** The protocols by name: where topics and meters meet their decoder. */
import type { ProtocolName } from "#domain/meter.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import type { Protocol } from "#protocols/contract.ts";
import { jsonProtocol } from "#protocols/json/protocol.ts";
import { protobufProtocol } from "#protocols/protobuf/protocol.ts";

/** The decoder and encoder of each protocol. */
export const protocolByName: Readonly<Record<ProtocolName, Protocol>> = {
  json: jsonProtocol,
  protobuf: protobufProtocol,
  cjt188: cjt188Protocol,
};

/** The protocols by name: where topics and meters meet their decoder. */
import type { ProtocolName } from "#domain/meter.ts";
import { emptyMeterFile, type MeterFile } from "#domain/meterFile.ts";
import { cat1Protocol } from "#protocols/cat1/protocol.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import type { Protocol } from "#protocols/contract.ts";
import { dlmsProtocol } from "#protocols/dlms/protocol.ts";
import { dsmrProtocol } from "#protocols/dsmr/protocol.ts";
import { jsonProtocol } from "#protocols/json/protocol.ts";
import { lwm2mOver } from "#protocols/lwm2m/protocol.ts";
import { mbusProtocol } from "#protocols/mbus/protocol.ts";
import { protobufProtocol } from "#protocols/protobuf/protocol.ts";
import { sparkplugProtocol } from "#protocols/sparkplug/protocol.ts";
import { wmbusProtocol } from "#protocols/wmbus/protocol.ts";

/** LwM2M carries frames of other standards in object 19; which one is on file of the meter. */
const lwm2mProtocol: Protocol = {
  name: "lwm2m",
  hasWeakChecksum: true,
  hasMakersStatus: true,
  decode: (bytes, file) => lwm2mWith(file).decode(bytes),
  explain: (bytes, file) => lwm2mWith(file).explain(bytes),
  mayBeUrgent: (bytes) => lwm2mOver({ inner: anyInner }).mayBeUrgent(bytes),
  encodeCommand: (order, file) => lwm2mWith(file).encodeCommand(order),
};

/** For the cheap look, which has no file: those whose frames may hold an alarm or an answer. */
const anyInner: Pick<Protocol, "decode" | "encodeCommand" | "hasWeakChecksum"> = {
  hasWeakChecksum: true,
  decode(bytes) {
    const first = cjt188Protocol.decode(bytes);
    const others = [cat1Protocol, jsonProtocol, protobufProtocol];
    return first.ok
      ? first
      : (others.map((other) => other.decode(bytes)).find((read) => read.ok) ?? first);
  },
  encodeCommand: (order) => cjt188Protocol.encodeCommand(order),
};

function lwm2mWith(file: MeterFile = emptyMeterFile): ReturnType<typeof lwm2mOver> {
  const carrier = {
    path: file.resourcePath,
    encoding: file.resourceEncoding,
    receivedAtMs: file.receivedAtMs,
  };
  if (file.inner === undefined || file.inner === "lwm2m") return lwm2mOver(carrier);
  const inner = protocolByName[file.inner];
  return lwm2mOver({
    ...carrier,
    inner: {
      hasWeakChecksum: inner.hasWeakChecksum,
      decode: (bytes) => inner.decode(bytes, file),
      encodeCommand: (order) => inner.encodeCommand(order, file),
    },
  });
}

/** The decoder and encoder of each protocol. */
export const protocolByName: Readonly<Record<ProtocolName, Protocol>> = {
  json: jsonProtocol,
  protobuf: protobufProtocol,
  cjt188: cjt188Protocol,
  cat1: cat1Protocol,
  mbus: mbusProtocol,
  wmbus: wmbusProtocol,
  dsmr: dsmrProtocol,
  dlms: dlmsProtocol,
  lwm2m: lwm2mProtocol,
  sparkplug: sparkplugProtocol,
};

/** Sparkplug B as the engine takes it: messages of a conversation, and one order. */
import { closeMetricFault } from "#domain/edgeTable.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { MeterFile } from "#domain/meterFile.ts";
import type { CommandOrder, EncodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { encodeSparkplugCommand } from "./downlink.ts";
import { unknownEdgeNode } from "./edgeNode.ts";
import { mappingIn, sparkplugLink, telegramAlone } from "./link.ts";
import { decodePayload } from "./payload.ts";
import { printTopic } from "./topic.ts";
import { joinTopic, splitTopic } from "./uplink.ts";

/** A meter behind an edge node. What its metrics mean is its integrator's, so it closes nothing unconfirmed. */
export const sparkplugProtocol: Protocol = {
  name: "sparkplug",
  hasWeakChecksum: false,
  hasMakersStatus: true,
  /** One message by itself: without its birth an alias says nothing. For people; the engine follows `link`. */
  decode: (bytes, file = {}) =>
    telegramAlone(unknownEdgeNode, bytes, mappingIn(file) ?? { metrics: {}, close: null }),
  explain(bytes) {
    const split = splitTopic(bytes);
    const payload = split?.payload ?? bytes;
    const from = bytes.length - payload.length;
    const traced: FieldTrace[] = [];
    const decoded = decodePayload(payload, traced);
    const fields = traced.map((field) => ({
      ...field,
      from: field.from + from,
      to: field.to + from,
    }));
    const head = split === undefined ? [] : [topicField(printTopic(split.topic), from)];
    return { fields: [...head, ...fields], fault: decoded.ok ? null : decoded.fault };
  },
  /** Everything of a node keeps its order, so all of it goes with the leaks. */
  mayBeUrgent: () => true,
  encodeCommand: encodeOrder,
  link: sparkplugLink,
};

function topicField(value: string, to: number): FieldTrace {
  return { name: "topic", from: 0, to, value, unit: null };
}

/** The order with its topic, as uplinks are kept. Where the meter is, its own messages said. */
function encodeOrder(order: CommandOrder, file: MeterFile = {}): Result<Uint8Array, EncodeFault> {
  const close = file.closeMetric ?? null;
  if (close !== null && closeMetricFault(close, file.metrics ?? {}) !== null) {
    return fail({ kind: "unsupported", what: "a write that may not close the valve" });
  }
  const payload = encodeSparkplugCommand(order, close);
  if (!payload.ok) return payload;
  const [group, edge, device, ...more] = order.frameAddress?.split("/") ?? [];
  if (group === undefined || edge === undefined || device === undefined || more.length > 0) {
    return fail({ kind: "noFrameAddress" });
  }
  return ok(joinTopic({ type: "DCMD", group, edge, device }, payload.value));
}

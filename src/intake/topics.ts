/** The topic table of CONTRACT section 2, as a parser. Anything else is no topic of ours. */
import { parseGatewayId, parseMeterId } from "#domain/ids.ts";
import { isProtocolName } from "#domain/meter.ts";
import { isUplinkName, type UplinkName } from "#domain/platform.ts";

/** `gateways/` + 32 + `/down/` + a protocol + `/` + 32, with room to spare. */
const topicCharactersMax = 128;

export interface Topic {
  readonly direction: "up" | "down";
  readonly owner: "meter" | "gateway";
  readonly ownerId: string;
  /** A protocol; with a gateway, also a carrier. */
  readonly protocol: UplinkName;
  /** null: a gateway's frame whose address names the meter. */
  readonly meterId: string | null;
}

/** The topic's parts, or undefined when it is not in the table. */
export function parseTopic(text: string): Topic | undefined {
  if (text.length > topicCharactersMax) return undefined;
  const [root, ownerId = "", direction, protocol = "", meterId, ...rest] = text.split("/");
  if (rest.length > 0 || !isUplinkName(protocol)) return undefined;
  // It keeps its own namespace, for one message has no meaning without those before it.
  if (protocol === "sparkplug") return undefined;
  if (direction !== "up" && direction !== "down") return undefined;
  if (root === "meters") {
    // A meter does not speak in envelopes: what does is a gateway.
    if (meterId !== undefined || !isProtocolName(protocol)) return undefined;
    if (parseMeterId(ownerId) === undefined) return undefined;
    return { direction, owner: "meter", ownerId, protocol, meterId: ownerId };
  }
  if (root !== "gateways" || parseGatewayId(ownerId) === undefined) return undefined;
  if (meterId === undefined) {
    if (direction === "down") return undefined;
    return { direction, owner: "gateway", ownerId, protocol, meterId: null };
  }
  if (parseMeterId(meterId) === undefined) return undefined;
  return { direction, owner: "gateway", ownerId, protocol, meterId };
}

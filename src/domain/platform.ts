/** The platforms whose envelopes we open: each brings the frames of meters that speak some protocol of their own. */
import { isProtocolName, protocolNames, type ProtocolName } from "./meter.ts";

export const carrierNames = ["ctwing", "onenet", "chirpstack", "gatewayjson"] as const;
export type CarrierName = (typeof carrierNames)[number];

/** How bytes can come in: as a frame of a protocol, or in an envelope. New names go to the end. */
export const uplinkNames = [...protocolNames, ...carrierNames] as const;
export type UplinkName = ProtocolName | CarrierName;

export function isCarrierName(text: string): text is CarrierName {
  return (carrierNames as readonly string[]).includes(text);
}

export function isUplinkName(text: string): text is UplinkName {
  return isProtocolName(text) || isCarrierName(text);
}

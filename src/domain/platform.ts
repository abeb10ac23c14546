/** The platforms whose envelopes we open: each brings the frames of meters that speak some protocol of their own. */

export const carrierNames = ["ctwing", "onenet", "chirpstack", "gatewayjson"] as const;
export type CarrierName = (typeof carrierNames)[number];

/** The carriers by name. */
import type { CarrierName } from "#domain/platform.ts";
import { chirpstack } from "./chirpstack.ts";
import type { Carrier } from "./contract.ts";
import { ctwing } from "./ctwing.ts";
import { gatewayjson } from "./gatewayjson.ts";
import { onenet } from "./onenet.ts";

/** Every platform whose envelopes we open. */
export const carrierByName: Readonly<Record<CarrierName, Carrier>> = {
  ctwing,
  onenet,
  chirpstack,
  gatewayjson,
};

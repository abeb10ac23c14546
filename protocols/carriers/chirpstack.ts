/** ChirpStack v4: the events of its integrations as JSON, and the downlinks that it takes over MQTT. */
import { fail, ok, type Result } from "#domain/result.ts";
import { formatInstant } from "#domain/units.ts";
import { key, needed, openObjectOf } from "#protocols/codec/json/object.ts";
import { integerIfAny, isFilled, readOpen, sentAt, textIfAny } from "#protocols/codec/json/open.ts";
import { text } from "#protocols/codec/json/kinds.ts";
import type { DecodeFault, EncodeFault } from "#protocols/contract.ts";
import { emptyEnvelope, type CarriedOrder, type Carrier, type Envelope } from "./contract.ts";
import { asItIs, frameCharsMax, frameOfBase64, lacking, nameCharsMax } from "./inner.ts";

/** Any event; which one it is shows by its keys, for the name stands in the topic or the address only. */
const event = openObjectOf({
  deliveryId: key("deduplicationId", textIfAny(nameCharsMax)),
  sentAtMs: key("time", sentAt),
  about: needed("deviceInfo", openObjectOf({ devEui: needed("devEui", text(nameCharsMax)) })),
  frameCount: key("fCnt", integerIfAny),
  fPort: key("fPort", integerIfAny),
  data: key("data", textIfAny(frameCharsMax)),
  isCiphered: key("joinServerContext", isFilled),
  acknowledged: key("acknowledged", isFilled),
  downlinkId: key("downlinkId", isFilled),
  margin: key("margin", isFilled),
  level: key("level", isFilled),
  location: key("location", isFilled),
  integrationName: key("integrationName", isFilled),
});

/** The key that only this event has. What has none of them is a join. */
const eventOfKey = {
  acknowledged: "ack",
  downlinkId: "txack",
  margin: "status",
  level: "log",
  location: "location",
  integrationName: "integration",
  frameCount: "up",
} as const;

const devEuiPattern = /^[0-9a-f]{16}$/;
/** LoRaWAN: meters that carry CJ/T 188 take their commands there. */
const commandPort = 2;

/** ChirpStack v4. */
export const chirpstack: Carrier = {
  name: "chirpstack",
  isHeardFirst: true,
  open,
  split: asItIs,
  encodeDownlink,
};

function open(bytes: Uint8Array): Result<Envelope, DecodeFault> {
  const read = readOpen(event, bytes);
  if (!read.ok) return read;
  const { deliveryId, sentAtMs, about, fPort, data, isCiphered } = read.value;
  const devEui = about.devEui.toLowerCase();
  if (!devEuiPattern.test(devEui)) return lacking("deviceInfo.devEui", "not 16 digits");
  const envelope: Envelope = {
    ...emptyEnvelope,
    address: devEui,
    deliveryId: deliveryId ?? null,
    sentAtMs: sentAtMs ?? null,
    fPort: fPort ?? null,
  };
  // An uplink of the radio alone has an empty `data`.
  if (data === undefined || data === "") return ok({ ...envelope, event: nameOf(read.value) });
  if (data === null) return lacking("data", "not a text");
  if (isCiphered === true) {
    return fail({ kind: "unsupported", what: "data under a key that ChirpStack does not have" });
  }
  const inner = frameOfBase64(data, "data");
  return inner.ok ? ok({ ...envelope, inner: inner.value }) : inner;
}

function nameOf(read: Readonly<Record<keyof typeof eventOfKey, unknown>>): string {
  const names = Object.keys(eventOfKey) as (keyof typeof eventOfKey)[];
  const known = names.find((name) => read[name] !== undefined);
  return known === undefined ? "join" : eventOfKey[known];
}

/**
 * Never confirmed: the network server would repeat a confirmed one by itself. `expiresAt` is passed over by
 * versions that do not know it.
 */
function encodeDownlink(order: CarriedOrder): Result<Uint8Array, EncodeFault> {
  const devEui = order.address?.toLowerCase() ?? "";
  if (!devEuiPattern.test(devEui)) return fail({ kind: "noFrameAddress" });
  const data = Buffer.from(order.inner).toString("base64");
  const expiresAt = formatInstant(order.expiresAtMs);
  const downlink = { devEui, confirmed: false, fPort: commandPort, data, expiresAt };
  return ok(new TextEncoder().encode(JSON.stringify(downlink)));
}

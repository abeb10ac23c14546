/** CTWing AEP (China Telecom): what its subscription pushes, with the frame of an NB-IoT meter in base64. */
import { fail, ok, type Result } from "#domain/result.ts";
import { key, needed, openObjectOf } from "#protocols/codec/json/object.ts";
import { readOpen, sentAt, textIfAny } from "#protocols/codec/json/open.ts";
import { text } from "#protocols/codec/json/kinds.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { emptyEnvelope, type Carrier, type Envelope } from "./contract.ts";
import {
  carrierAddressOf,
  asItIs,
  frameCharsMax,
  frameOfBase64,
  imeiOf,
  nameCharsMax,
} from "./inner.ts";

const push = openObjectOf({
  messageType: needed("messageType", text(nameCharsMax)),
  imei: key("IMEI", textIfAny(nameCharsMax)),
  id: key("deviceId", textIfAny(nameCharsMax)),
  sentAtMs: key("timestamp", sentAt),
  content: key("payload", openObjectOf({ frame: key("APPdata", textIfAny(frameCharsMax)) })),
});

/** What no meter says. An `eventReport` is not among them: it may be an alarm of a thing model that we cannot read. */
const events: readonly string[] = ["deviceOnlineOfflineReport", "commandResponse"];

/** CTWing AEP. Commands go by its own API, which is not built. */
export const ctwing: Carrier = {
  name: "ctwing",
  isHeardFirst: true,
  open,
  split: asItIs,
  encodeDownlink: null,
};

function open(bytes: Uint8Array): Result<Envelope, DecodeFault> {
  const read = readOpen(push, bytes);
  if (!read.ok) return read;
  const { messageType, imei, id, sentAtMs, content } = read.value;
  const envelope: Envelope = {
    ...emptyEnvelope,
    // Meters on TCP and MQTT have no IMEI there.
    address: imeiOf(imei) ?? carrierAddressOf(id),
    sentAtMs: sentAtMs ?? null,
  };
  if (events.includes(messageType)) return ok({ ...envelope, event: messageType });
  if (messageType !== "dataReport") return fail({ kind: "unsupported", what: messageType });
  if (typeof content?.frame !== "string") {
    return fail({ kind: "unsupported", what: "dataReport without APPdata" });
  }
  const inner = frameOfBase64(content.frame, "payload.APPdata");
  return inner.ok ? ok({ ...envelope, inner: inner.value }) : inner;
}

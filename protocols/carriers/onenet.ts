/** OneNET (China Mobile): what its HTTP push brings, a text of JSON in an envelope of JSON. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";
import { key, needed, openObjectOf } from "#protocols/codec/json/object.ts";
import { namesOf, readOpen, sentAt, textIfAny, textOrSource } from "#protocols/codec/json/open.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { emptyEnvelope, type Carrier, type Envelope } from "./contract.ts";
import {
  carrierAddressOf,
  asItIs,
  frameCharsMax,
  frameOfText,
  imeiOf,
  nameCharsMax,
} from "./inner.ts";

/** The outer envelope: what is signed, and by what. */
const push = openObjectOf({
  msg: needed("msg", textOrSource),
  nonce: key("nonce", textIfAny(nameCharsMax)),
  signature: key("signature", textIfAny(nameCharsMax)),
  /** Its name before OneNET Studio. */
  formerSignature: key("msg_signature", textIfAny(nameCharsMax)),
  id: key("id", textIfAny(nameCharsMax)),
  sentAtMs: key("time", sentAt),
});

const valueTexts = {
  value: key("value", textIfAny(frameCharsMax)),
  binary: key("bin_data", textIfAny(frameCharsMax)),
  atMs: key("time", sentAt),
};
/** More values than any meter reports at once. */
const valuesMax = 256;

const content = openObjectOf({
  messageType: key("messageType", textIfAny(nameCharsMax)),
  imei: key("imei", textIfAny(nameCharsMax)),
  name: key("deviceName", textIfAny(nameCharsMax)),
  data: key(
    "data",
    openObjectOf({ values: key("params", namesOf(openObjectOf(valueTexts), valuesMax)) }),
  ),
});

/** What a platform tells of itself. */
const events: readonly string[] = ["lifeCycle", "lbsAndWifi", "sceneLog", "reply"];

/** OneNET. Commands go by its own API, which is not built. */
export const onenet: Carrier = {
  name: "onenet",
  isHeardFirst: true,
  open,
  split: asItIs,
  encodeDownlink: null,
};

/** The parts of a push that its signature covers, and the signature. */
export interface SignedPush {
  readonly msg: string;
  readonly nonce: string;
  readonly signature: string;
  readonly id: string | null;
  readonly sentAtMs: TimestampMs | null;
}

/** The outer envelope alone; parts that are missing are empty, and no signature fits those. */
export function readSignedPush(bytes: Uint8Array): Result<SignedPush, DecodeFault> {
  const read = readOpen(push, bytes);
  if (!read.ok) return read;
  const { msg, nonce, signature, formerSignature, id, sentAtMs } = read.value;
  return ok({
    msg,
    nonce: nonce ?? "",
    signature: signature ?? formerSignature ?? "",
    id: id ?? null,
    sentAtMs: sentAtMs ?? null,
  });
}

/** The push with its content in the clear; the signature stays, though it covers what was sent. */
export function withMessage(signed: SignedPush, msg: string): Uint8Array {
  const { nonce, signature, id, sentAtMs } = signed;
  const clear = { msg, nonce, signature, id, time: sentAtMs };
  return new TextEncoder().encode(JSON.stringify(clear));
}

function open(bytes: Uint8Array): Result<Envelope, DecodeFault> {
  const signed = readSignedPush(bytes);
  if (!signed.ok) return signed;
  const { msg, id, sentAtMs } = signed.value;
  const read = readOpen(content, new TextEncoder().encode(msg));
  if (!read.ok) return read;
  const { messageType, imei, name, data } = read.value;
  const envelope: Envelope = {
    ...emptyEnvelope,
    // Only meters that speak LwM2M to it have an IMEI there.
    address: imeiOf(imei) ?? carrierAddressOf(name),
    deliveryId: id,
    sentAtMs,
  };
  if (messageType !== undefined && messageType !== null && events.includes(messageType)) {
    return ok({ ...envelope, event: messageType });
  }
  if (messageType !== "notify")
    return fail({ kind: "unsupported", what: messageType ?? "a push without messageType" });
  const frame = chooseFrame(data?.values ?? new Map());
  if (!frame.ok) return frame;
  const { name: path, text, atMs } = frame.value;
  const inner = frameOfText(text, path);
  if (!inner.ok) return inner;
  return ok({ ...envelope, inner: inner.value, path: pathOf(path), sentAtMs: atMs ?? sentAtMs });
}

interface Value {
  readonly value: string | null | undefined;
  readonly binary: string | null | undefined;
  readonly atMs: TimestampMs | null | undefined;
}

interface Candidate {
  readonly name: string;
  readonly text: string;
  readonly atMs: TimestampMs | null;
}

/** Object 19 of LwM2M carries the frames of makers. */
const binaryContainer = /^19_\d+_\d+$/;

/**
 * The value that is the frame: binary data before object 19 before any other text, and of the first of these kinds
 * exactly one. Two would be two frames, and none is a thing model that we cannot read; both wait in quarantine.
 */
function chooseFrame(values: ReadonlyMap<string, Value>): Result<Candidate, DecodeFault> {
  const binaries: Candidate[] = [];
  const texts: Candidate[] = [];
  for (const [name, { value, binary, atMs = null }] of values) {
    if (typeof binary === "string" && binary !== "") binaries.push({ name, text: binary, atMs });
    else if (typeof value === "string" && value !== "") texts.push({ name, text: value, atMs });
  }
  const contained = texts.filter(({ name }) => binaryContainer.test(name));
  const chosen = [binaries, contained, texts].find((kind) => kind.length > 0) ?? [];
  const [only] = chosen;
  if (only === undefined) return fail({ kind: "unsupported", what: "properties without a frame" });
  if (chosen.length > 1) return fail({ kind: "unsupported", what: "more than one frame" });
  return ok(only);
}

/** `19_0_0`, as OneNET writes a path of LwM2M; null: a name of a thing model. */
function pathOf(name: string): string | null {
  return /^\d+_\d+(?:_\d+)?$/.test(name) ? `/${name.replaceAll("_", "/")}` : null;
}

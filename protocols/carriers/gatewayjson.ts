/** The plain envelope of CONTRACT section 2, for gateways that are programmed to fit: frames as text in JSON. */
import { fail, ok, type Result } from "#domain/result.ts";
import { parseMeterId } from "#domain/ids.ts";
import { formatInstant } from "#domain/units.ts";
import { exactly, instant, listOf, text } from "#protocols/codec/json/kinds.ts";
import { key, needed, objectOf } from "#protocols/codec/json/object.ts";
import { readOpen, sourcesOf } from "#protocols/codec/json/open.ts";
import { uploadVersion } from "#protocols/codec/upload.ts";
import type { DecodeFault, EncodeFault } from "#protocols/contract.ts";
import { emptyEnvelope, type CarriedOrder, type Carrier, type Envelope } from "./contract.ts";
import {
  addressCharsMax,
  isAddress,
  frameCharsMax,
  frameOfBase64,
  frameOfHex,
  lacking,
  nameCharsMax,
} from "./inner.ts";

/** The most frames in one envelope. */
const framesMax = 1_000;
/** An envelope of so many frames; each alone has the limit of any upload. */
const envelopeBytesMax = 1024 * 1024;

const frame = objectOf({
  meter: key("meter", text(nameCharsMax)),
  address: key("address", text(addressCharsMax)),
  protocol: key("protocol", text(nameCharsMax)),
  hex: key("hex", text(frameCharsMax)),
  base64: key("base64", text(frameCharsMax)),
  sentAtMs: key("receivedAt", instant),
});

const single = objectOf({
  version: needed("v", exactly(uploadVersion)),
  frames: needed("frames", listOf(frame, framesMax)),
});

/** The same envelope with its frames left closed, to be taken apart. */
const many = objectOf({
  version: needed("v", exactly(uploadVersion)),
  frames: needed("frames", sourcesOf(framesMax)),
});

/** Our own envelope: both ways. */
export const gatewayjson: Carrier = {
  name: "gatewayjson",
  isHeardFirst: false,
  open,
  split,
  encodeDownlink,
};

function open(bytes: Uint8Array): Result<Envelope, DecodeFault> {
  const read = readOpen(single, bytes);
  if (!read.ok) return read;
  const [only, ...others] = read.value.frames;
  if (only === undefined || others.length > 0) return lacking("frames", "not one frame");
  const { meter, address, protocol, hex, base64, sentAtMs } = only;
  if (meter !== undefined && parseMeterId(meter) === undefined) {
    return lacking("frames[0].meter", "not an id");
  }
  if (address !== undefined && !isAddress(address)) {
    return lacking("frames[0].address", "not an address");
  }
  const inner = frameOf(hex, base64);
  if (!inner.ok) return inner;
  return ok({
    ...emptyEnvelope,
    address: address ?? null,
    meterId: meter ?? null,
    protocol: protocol ?? null,
    inner: inner.value,
    sentAtMs: sentAtMs ?? null,
  });
}

function frameOf(
  hex: string | undefined,
  base64: string | undefined,
): Result<Uint8Array, DecodeFault> {
  if (hex !== undefined && base64 !== undefined) {
    return lacking("frames[0]", "both hex and base64");
  }
  if (hex !== undefined) return frameOfHex(hex, "frames[0].hex");
  if (base64 !== undefined) return frameOfBase64(base64, "frames[0].base64");
  return lacking("frames[0]", "neither hex nor base64");
}

const head = Buffer.from('{"v":1,"frames":[');
const tail = Buffer.from("]}");

/** Each frame in an envelope of its own, byte for byte as it came. */
function split(bytes: Uint8Array): Result<readonly Uint8Array[], DecodeFault> {
  const read = readOpen(many, bytes, envelopeBytesMax);
  if (!read.ok) return read;
  const { frames } = read.value;
  if (frames.length === 0) return lacking("frames", "no frame");
  return ok(frames.map((one) => new Uint8Array(Buffer.concat([head, one, tail]))));
}

function encodeDownlink(order: CarriedOrder): Result<Uint8Array, EncodeFault> {
  if (order.inner.length === 0) return fail({ kind: "unsupported", what: "an empty frame" });
  const { meterId: meter, protocol } = order;
  const hex = Buffer.from(order.inner).toString("hex");
  const expiresAt = formatInstant(order.expiresAtMs);
  const downlink = { v: uploadVersion, meter, protocol, hex, expiresAt };
  return ok(new TextEncoder().encode(JSON.stringify(downlink)));
}

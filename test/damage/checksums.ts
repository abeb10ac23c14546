/** Which frames carry a checksum or a tag, by protocol: of these no damage may go unnoticed. */
import type { DecoderName } from "#decode/candidates.ts";
import { decodeFrame } from "#protocols/wmbus/link.ts";
import type { Boundaries } from "./damage.ts";

export interface Check {
  /** What the protocol has, in words. */
  readonly what: string;
  /** Whether this frame has it. */
  readonly isIn: (bytes: Uint8Array) => boolean;
  readonly boundaries?: Boundaries;
}

const always = () => true;
const never = () => false;
const generalCiphering = 0xdb;
const hdlcFlag = 0x7e;

export const checks: Readonly<Record<DecoderName, Check>> = {
  cjt188: { what: "a sum of 8 bits, its length, 68 and 16", isIn: always },
  cat1: { what: "a sum of 8 bits, its length, 68 and 16", isIn: always },
  mbus: {
    what: "a sum of 8 bits, its length twice, 68 twice and 16",
    isIn: always,
    boundaries: mbusBoundaries,
  },
  wmbus: {
    what: "CRC-16 in every block; many receivers leave them away",
    isIn: (bytes) => {
      const frame = decodeFrame(bytes);
      return frame.ok && frame.value.framing !== "no checksums";
    },
  },
  dsmr: {
    what: "CRC-16 since version 4, a tag of 96 bits where it is ciphered",
    isIn: (bytes) => bytes[0] === generalCiphering || hasP1Checksum(bytes),
  },
  dlms: {
    what: "CRC-16 twice in HDLC, a tag of 96 bits where it is ciphered; none in the wrapper",
    isIn: ([first]) => first === hdlcFlag || first === generalCiphering,
  },
  json: { what: "none: TCP and TLS carry it", isIn: never },
  protobuf: { what: "none: TCP and TLS carry it", isIn: never },
  sparkplug: { what: "none: TCP and TLS carry it", isIn: never },
  lwm2m: { what: "none: UDP's own, and DTLS", isIn: never },
};

function hasP1Checksum(bytes: Uint8Array): boolean {
  return /![0-9A-Fa-f]{1,4}\s*$/.test(Buffer.from(bytes).toString("latin1"));
}

/** Behind each frame of a readout, by its L. */
function mbusBoundaries(bytes: Uint8Array): readonly number[] {
  const ends: number[] = [];
  for (let at = 0; at < bytes.length; at = ends.at(-1) ?? bytes.length) {
    ends.push(at + (bytes[at] === 0x68 ? (bytes[at + 1] ?? 0) + 6 : bytes.length));
  }
  return ends;
}

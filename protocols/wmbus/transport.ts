/** The layers of a radio frame one behind the other, up to the transport layer. EN 13757-4, EN 13757-7. */
import { code } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import type { MbusAddress } from "#protocols/mbus/header.ts";
import { hexByte } from "#protocols/mbus/modifiers.ts";
import type { Content } from "#protocols/mbus/opened.ts";
import {
  isExtendedLink,
  readAuthentication,
  readExtendedLink,
  type Authentication,
} from "./layers.ts";
import { linkHead } from "./link.ts";

const authenticationLayer = 0x90;
/** Layers that are known and not read. */
const unreadLayers: Readonly<Record<number, string>> = {
  0x81: "network layer, CI 81H",
  0x82: "network management, CI 82H",
  0x86: "extended link layer of variable length, CI 86H",
};
/** Bit 6 of C is set in what meters send of their own accord and in what gateways ask; these are the askers. */
const gatewayControls: ReadonlySet<number> = new Set([0x40, 0x53, 0x73, 0x5a, 0x7a, 0x5b, 0x7b]);

/** What a CI of the transport layer announces: the header, and what follows it. */
export interface Transport {
  readonly header: "none" | "short" | "long";
  readonly content: "records" | "compact" | "format" | "alarm" | "error" | "nothing";
}

const transports: Readonly<Record<number, Transport>> = {
  0x72: { header: "long", content: "records" },
  0x7a: { header: "short", content: "records" },
  0x78: { header: "none", content: "records" },
  0x73: { header: "long", content: "compact" },
  0x7b: { header: "short", content: "compact" },
  0x79: { header: "none", content: "compact" },
  0x6a: { header: "short", content: "format" },
  0x6b: { header: "long", content: "format" },
  0x69: { header: "none", content: "format" },
  0x74: { header: "short", content: "alarm" },
  0x75: { header: "long", content: "alarm" },
  0x71: { header: "none", content: "alarm" },
  0x6e: { header: "short", content: "error" },
  0x6f: { header: "long", content: "error" },
  0x70: { header: "none", content: "error" },
  0x80: { header: "long", content: "nothing" },
  0x8a: { header: "short", content: "nothing" },
  0x8b: { header: "long", content: "nothing" },
};

const ciField = layout("wmbus.ci", {
  controlInformation: code({
    0x69: "format of compact frames",
    0x6a: "format of compact frames after a short header",
    0x6b: "format of compact frames after a long header",
    0x6e: "application error after a short header",
    0x6f: "application error after a long header",
    0x70: "application error",
    0x71: "alarm",
    0x72: "records after a long header",
    0x73: "compact frame after a long header",
    0x78: "records",
    0x74: "alarm after a short header",
    0x75: "alarm after a long header",
    0x79: "compact frame",
    0x7a: "records after a short header",
    0x7b: "compact frame after a short header",
    0x80: "long header alone",
    0x8a: "short header alone",
    0x8b: "long header alone",
    0x8c: "extended link layer",
    0x8d: "extended link layer, ciphered",
    0x8e: "extended link layer with receiver",
    0x8f: "extended link layer with receiver, ciphered",
    0x90: "authentication",
  }),
});

/** What stands around the transport layer. */
export interface Layers {
  readonly sender: MbusAddress;
  readonly authentication: Authentication | null;
  /** The extended link layer was ciphered: then so was all behind it. */
  readonly isOpened: boolean;
  readonly transport: Transport;
  readonly content: Content;
}

/** A fault, and who sent the frame as far as that was read. */
interface LayersFault {
  readonly ok: false;
  readonly fault: DecodeFault;
  readonly sender: MbusAddress | null;
}

/** The layers of a frame without checksums. The key is that of the extended link layer. */
export function readLayers(
  frame: Uint8Array,
  key: Uint8Array | undefined,
  trace: FieldTrace[] | null,
): { readonly ok: true; readonly value: Layers } | LayersFault {
  const head = linkHead.decode(frame, 0, trace);
  if (!head.ok) return { ...head, sender: null };
  const { control, countedBytes: _countedBytes, ...sender } = head.value;
  const refused = (fault: DecodeFault): LayersFault => ({ ok: false, fault, sender });
  if (gatewayControls.has(control)) {
    const what = `request of a gateway, C ${hexByte(control)}`;
    return { ok: false, fault: { kind: "unsupported", what }, sender: null };
  }
  let bytes = frame;
  let at = linkHead.sizeBytes;
  let isOpened = false;
  let authentication: Authentication | null = null;
  for (;;) {
    const read = ciField.decode(bytes, at, trace);
    if (!read.ok) return refused(read.fault);
    const ci = read.value.controlInformation;
    const next = { bytes, at: at + 1 };
    if (isExtendedLink(ci) && authentication === null) {
      const layer = readExtendedLink(ci, next, sender, key, trace);
      if (!layer.ok) return refused(layer.fault);
      ({ bytes, at } = layer.value);
      isOpened ||= layer.value.isOpened;
    } else if (ci === authenticationLayer && authentication === null) {
      const layer = readAuthentication(next, trace);
      if (!layer.ok) return refused(layer.fault);
      authentication = layer.value;
      at = authentication.signedAt;
    } else {
      const transport = transports[ci];
      if (transport === undefined) {
        return refused({ kind: "unsupported", what: unreadLayers[ci] ?? `CI ${hexByte(ci)}` });
      }
      const content = { bytes, from: at + 1, end: bytes.length };
      return { ok: true, value: { sender, authentication, isOpened, transport, content } };
    }
  }
}

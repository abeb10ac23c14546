/** Every decoder that there is, for people with a frame in hand; `registry.ts` names those that meters may use. */
import type { FieldTrace, DecodeFault } from "#protocols/contract.ts";
import type { Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { cat1Protocol } from "#protocols/cat1/protocol.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { dlmsProtocol } from "#protocols/dlms/protocol.ts";
import { dsmrProtocol } from "#protocols/dsmr/protocol.ts";
import { jsonProtocol } from "#protocols/json/protocol.ts";
import { lwm2mProtocol } from "#protocols/lwm2m/protocol.ts";
import { mbusProtocol } from "#protocols/mbus/protocol.ts";
import { protobufProtocol } from "#protocols/protobuf/protocol.ts";
import { wmbusProtocol } from "#protocols/wmbus/protocol.ts";

/** Keys of one meter, where its frames are ciphered. */
export interface FrameKeys {
  readonly key?: Uint8Array;
  readonly authKey?: Uint8Array;
}

export interface Decoder {
  decode(bytes: Uint8Array, keys: FrameKeys): Result<Telegram, DecodeFault>;
  explain(
    bytes: Uint8Array,
    keys: FrameKeys,
  ): { readonly fields: readonly FieldTrace[]; readonly fault: DecodeFault | null };
}

export const decoders = {
  json: jsonProtocol,
  protobuf: protobufProtocol,
  cjt188: cjt188Protocol,
  cat1: cat1Protocol,
  mbus: mbusProtocol,
  wmbus: wmbusProtocol,
  dsmr: dsmrProtocol,
  dlms: dlmsProtocol,
  lwm2m: lwm2mProtocol,
} as const satisfies Readonly<Record<string, Decoder>>;

export type DecoderName = keyof typeof decoders;
export const decoderNames = Object.keys(decoders) as readonly DecoderName[];

/** Cards: frames with what they say, told by somebody else than the decoder. */
import { readdirSync, readFileSync } from "node:fs";
import type { ProtocolName } from "#domain/meter.ts";
import type { Telegram } from "#domain/telegram.ts";

/** The protocols whose cards need nothing beside the bytes. */
const cardProtocols = ["json", "protobuf", "cjt188"] as const;

export interface Card {
  readonly name: string;
  readonly protocol: ProtocolName;
  readonly title: string;
  readonly source: string;
  readonly licence: string;
  readonly oracle: string;
  readonly bytes: Uint8Array;
  readonly expect: Telegram;
}

const cardsDirectory = new URL("../../cards/", import.meta.url);

/** Every card of every protocol. */
export function loadCards(): readonly Card[] {
  return cardProtocols.flatMap((protocol) => {
    const directory = new URL(`${protocol}/`, cardsDirectory);
    return readdirSync(directory).map((file): Card => {
      const card = JSON.parse(readFileSync(new URL(file, directory), "utf8")) as Card & {
        readonly hex: string;
      };
      return { ...card, name: `${protocol}/${file}`, protocol, bytes: bytesOfHex(card.hex) };
    });
  });
}

export function loadCard(name: string): Card {
  const card = loadCards().find((candidate) => candidate.name === `${name}.json`);
  if (card === undefined) throw new Error(`no card ${name}`);
  return card;
}

export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

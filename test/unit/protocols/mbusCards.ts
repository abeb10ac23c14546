/** Cards of the M-Bus family: a frame may need a key, or what the meter's profile knows. */
import { readdirSync, readFileSync } from "node:fs";
import type { StatusMap } from "#domain/meterFile.ts";
import type { Telegram } from "#domain/telegram.ts";
import { bytesOfHex } from "./cards.ts";

/** What a card gives a decoder beside the bytes. */
export interface CardOptions {
  readonly key?: Uint8Array;
  readonly clockOffsetMs?: number;
  readonly volumeAt?: "measurement" | "base";
  readonly companion?: "dsmrP2";
  readonly formats?: Readonly<Record<string, string>>;
  readonly allowPlain?: boolean;
  readonly statusMap?: StatusMap;
}

export interface MbusCard {
  readonly name: string;
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly options: CardOptions;
  readonly expect: Telegram;
}

interface CardFile {
  readonly title: string;
  readonly hex: string;
  readonly options?: Omit<CardOptions, "key"> & { readonly key?: string };
  readonly expect: Telegram;
}

/** Every card of a folder. */
export function loadMbusCards(folder: "mbus" | "wmbus"): readonly MbusCard[] {
  const directory = new URL(`../../cards/${folder}/`, import.meta.url);
  return readdirSync(directory).map((file) => {
    const card = JSON.parse(readFileSync(new URL(file, directory), "utf8")) as CardFile;
    const { key, ...rules } = card.options ?? {};
    const options = key === undefined ? rules : { ...rules, key: bytesOfHex(key) };
    return { ...card, name: `${folder}/${file}`, bytes: bytesOfHex(card.hex), options };
  });
}

/** A small repeatable generator, so that a failure can be run again. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A third is noise, a third a frame with some bytes changed, a third a frame cut and joined. */
export function damaged(random: () => number, seed: Uint8Array): Uint8Array {
  const pick = (below: number) => Math.floor(random() * below);
  const way = pick(3);
  if (way === 0) return Uint8Array.from({ length: pick(300) }, () => pick(256));
  const bytes = seed.slice();
  if (way === 2) {
    const front = bytes.subarray(0, pick(bytes.length));
    return Uint8Array.from([...front, ...bytes.subarray(pick(bytes.length))]);
  }
  for (let change = 0; change <= pick(3); change += 1) bytes[pick(bytes.length)] = pick(256);
  return bytes;
}

/** The cards as frames with what is on file of their meters, to begin from. */
import { readdirSync, readFileSync } from "node:fs";
import type { FrameFile } from "#decode/candidates.ts";
import { fileOf } from "#decode/frameFile.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";

/** Bytes, and what is on file of their meter. */
export interface FuzzInput {
  readonly bytes: Uint8Array;
  readonly file: FrameFile;
}

/** A card, by the name of its file. */
export interface Seed extends FuzzInput {
  readonly name: string;
}

const cardsDirectory = new URL("../cards/", import.meta.url);

/** Cards of a folder, those of whose file something is known with it. */
export function seedsIn(folder: string): readonly Seed[] {
  const directory = new URL(`${folder}/`, cardsDirectory);
  return readdirSync(directory).map((name): Seed => {
    const text = readFileSync(new URL(name, directory), "utf8");
    const {
      hex,
      options = {},
      path,
    } = JSON.parse(text) as {
      readonly hex: string;
      readonly options?: object;
      readonly path?: string;
    };
    const told = fileOf(JSON.stringify({ ...options, path }));
    if ("trouble" in told) throw new TypeError(`${folder}/${name}: ${told.trouble}`);
    return { name, bytes: bytesOfHex(hex), file: told };
  });
}

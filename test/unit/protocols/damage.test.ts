/**
 * Every truncation and every single-bit flip of every valid card, and of every valid row of a collection of frames
 * where one is at hand: refused, or exactly the same telegram, wherever the frame has a checksum or a tag.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { candidateOf, decoderNames, type DecoderName } from "#decode/candidates.ts";
import { cipherOf } from "../../corpus/keys.ts";
import { isMalformed, readRows, type Row } from "../../corpus/rows.ts";
import { checks } from "../../damage/checksums.ts";
import { damageAll } from "../../damage/damage.ts";
import { seedsIn, type FuzzInput } from "../../fuzz/seeds.ts";
import { bytesOfHex } from "./cards.ts";

interface Frame extends FuzzInput {
  readonly name: string;
}

const folders: Readonly<Partial<Record<DecoderName, readonly string[]>>> = {
  dsmr: ["dsmr", "dsmrOld", "dsmrCiphered"],
  dlms: ["dlms", "dlmsCiphered"],
  lwm2m: ["lwm2m", "lwm2mTlv"],
};

function cardsOf(name: DecoderName): readonly Frame[] {
  return (folders[name] ?? [name]).flatMap((folder) => seedsIn(folder));
}

const root = path.resolve(import.meta.dirname, "../../..");
const directory = path.resolve(root, process.env["MERCAPTAN_CORPORA"] ?? "../shared/corpora");
/** The file and the name of the rows' protocol in it. */
const corpusOf: Readonly<Partial<Record<DecoderName, readonly [file: string, protocol: RegExp]>>> =
  {
    cjt188: ["cjt188", /^cjt188$/],
    cat1: ["cjt188", /^cjt188-cat1$/],
    mbus: ["mbus", /^mbus/],
    wmbus: ["wmbus", /^wmbus$/],
    dsmr: ["dsmr", /^dsmr/],
    dlms: ["dlms", /^dlms-push$/],
  };

function rowsOf(name: DecoderName): readonly Frame[] {
  const [file = "", protocol = /^$/] = corpusOf[name] ?? [];
  const full = path.join(directory, `${file}.jsonl`);
  if (file === "" || !existsSync(full)) return [];
  const rows = readRows(full).filter((one): one is Row => !isMalformed(one));
  return rows
    .filter((row) => protocol.test(row.protocol))
    .map((row) => {
      const bytes = bytesOfHex(row.hex);
      const { decoder } = candidateOf(name);
      const { options } = cipherOf(row, (keys) => decoder.decode(bytes, keys));
      return { name: row.id, bytes, file: options };
    });
}

const protocols = decoderNames.map((name) => {
  const { decoder } = candidateOf(name);
  const frames = [...cardsOf(name), ...rowsOf(name)];
  const valid = frames.filter(({ bytes, file }) => decoder.decode(bytes, file).ok);
  const checked = valid.filter(({ bytes }) => checks[name].isIn(bytes));
  return { name, what: checks[name].what, decoder, valid, checked };
});

describe.each(protocols)("$name: $what", ({ name, decoder, valid, checked }) => {
  test("there are frames", () => {
    expect(valid.length).toBeGreaterThan(2);
    expect(checked.length > 0).toBe(!checks[name].what.startsWith("none"));
  });

  test("no damage goes unnoticed", { timeout: 120_000 }, () => {
    let [refused, equal, between] = [0, 0, 0];
    for (const frame of checked) {
      const report = damageAll(decoder, frame.bytes, frame.file, checks[name].boundaries);
      expect([frame.name, report.wrong.slice(0, 3)]).toEqual([frame.name, []]);
      refused += report.refused;
      equal += report.equal;
      between += report.betweenFrames;
    }
    if (checked.length === 0) return;
    console.info(
      `DAMAGE ${name}: ${checked.length} frames, ${refused} damaged ones refused, ` +
        `${equal} equal, ${between} cut between frames, 0 silently wrong`,
    );
    expect(refused).toBeGreaterThan(equal);
  });
});

test("what has no checksum is a typed answer all the same", { timeout: 60_000 }, () => {
  for (const { decoder, valid, checked } of protocols) {
    for (const { bytes, file } of valid.filter((frame) => !checked.includes(frame)).slice(0, 4)) {
      expect(() => damageAll(decoder, bytes, file)).not.toThrow();
    }
  }
});

test("a decoder that looks away is seen", () => {
  const { decoder } = candidateOf("cjt188");
  const [card] = seedsIn("cjt188");
  if (card === undefined) return;
  const whole = decoder.decode(card.bytes, {});
  const blind = { ...decoder, decode: () => whole };
  const lying = {
    ...decoder,
    decode: (bytes: Uint8Array) => {
      const isWhole = Buffer.from(bytes).equals(card.bytes);
      const wrong = { address: "0", frameId: null, readings: [], replies: [] };
      return isWhole ? whole : ({ ok: true, value: wrong } as const);
    },
  };
  expect(damageAll(blind, card.bytes, {})).toMatchObject({ refused: 0, wrong: [] });
  expect(damageAll(lying, card.bytes, {}).wrong).toHaveLength(9 * card.bytes.length);
});

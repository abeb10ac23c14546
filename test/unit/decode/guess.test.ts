/** Which protocol a frame is: every card is recognised, and what is none is told with every decoder's answer. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decoderNames } from "#decode/candidates.ts";
import { envelopesIn } from "#decode/envelopes.ts";
import { fileOf, keyOf } from "#decode/frameFile.ts";
import { inputsOfText } from "#decode/frameText.ts";
import { answersInside, answerTo, isWhole } from "#decode/guess.ts";
import { seedsIn } from "../../fuzz/seeds.ts";
import { bytesOfHex } from "../protocols/cards.ts";

const cardsDirectory = new URL("../../cards/", import.meta.url);

/** Folders of frames; envelopes are below, and what a fuzzer once found is no frame. */
const folders = readdirSync(cardsDirectory).filter((name) => !["carriers", "found"].includes(name));
const cards = folders.flatMap((folder) =>
  seedsIn(folder).map(({ name, bytes, file }) => ({
    name,
    protocol: folder.replace(/(?:Tlv|Ciphered|Old)$/, ""),
    hex: Buffer.from(bytes).toString("hex"),
    file,
  })),
);

test.each(cards)("$protocol/$name is recognised", ({ protocol, hex, file }) => {
  const answer = answerTo(inputsOfText(hex), undefined, file);
  expect(answer).toMatchObject({ protocol, isGuess: true, isLost: false, decoded: { ok: true } });
  expect(answer?.fields.length).toBeGreaterThan(0);
});

const hexOf = (name: string) => cards.find((card) => card.name === name)?.hex ?? "";

test("a damaged frame is still the one that it looks like", () => {
  const damaged = hexOf("gasLeak.json").replace("563412", "563413");
  expect(answerTo(inputsOfText(damaged), undefined, {})).toMatchObject({
    protocol: "cjt188",
    isLost: false,
    decoded: { ok: false, fault: { kind: "checksumMismatch" } },
  });
});

test("a ciphered frame without its key is recognised", () => {
  expect(answerTo(inputsOfText(hexOf("mode7.json")), undefined, {})).toMatchObject({
    protocol: "wmbus",
    decoded: { ok: false, fault: { kind: "keyMissing" } },
  });
});

test("a named decoder alone is asked", () => {
  const answer = answerTo(inputsOfText(hexOf("gasLeak.json")), "mbus", {});
  expect(answer).toMatchObject({ protocol: "mbus", isGuess: false, decoded: { ok: false } });
  expect(answer?.opinions).toHaveLength(1);
});

test("bytes that are none: every decoder has said why not", () => {
  const answer = answerTo(inputsOfText("deadbeef"), undefined, {});
  expect(answer).toMatchObject({ isLost: true, decoded: { ok: false } });
  expect(answer?.opinions.map(({ protocol }) => protocol).toSorted()).toEqual(
    decoderNames.toSorted(),
  );
});

describe("frames inside", () => {
  const frame = hexOf("gasLeak.json");
  const insideOf = (hex: string) => answersInside({ form: "hex", bytes: bytesOfHex(hex) }, {});

  test("a frame as a whole has none inside", () => {
    expect(insideOf(frame)).toBeNull();
    expect(insideOf("00112233")).toBeNull();
  });

  test("two behind each other are both decoded", () => {
    const inside = insideOf(frame + frame);
    expect(inside?.answers.map(({ decoded }) => decoded.ok)).toEqual([true, true]);
    expect(inside !== null && isWhole(inside)).toBe(true);
  });

  test("noise is counted", () => {
    const inside = insideOf(`00ff${frame}`);
    expect(inside).toMatchObject({ noiseBytes: 2, answers: [{ protocol: "cjt188" }] });
    expect(inside !== null && isWhole(inside)).toBe(false);
  });

  test("a frame of DL/T 645 is recognised and has no decoder", () => {
    const inside = insideOf("68aaaaaaaaaaaa68110433333433ae16");
    expect(inside).toMatchObject({ frames: [{ protocol: "dl645" }], answers: [] });
    expect(inside !== null && isWhole(inside)).toBe(false);
  });
});

describe("what is on file of a meter", () => {
  const key = "000102030405060708090a0b0c0d0e0f";

  test("keys in hexadecimal or as they are", () => {
    expect(keyOf(Buffer.from(` ${key}\n`))).toEqual(bytesOfHex(key));
    expect(keyOf(Buffer.from(key.replaceAll(/../g, "$&:")))).toEqual(bytesOfHex(key));
    expect(keyOf(bytesOfHex(key))).toEqual(bytesOfHex(key));
    expect(keyOf(Buffer.from("0011"))).toBeUndefined();
  });

  test.each([
    ["{", "JSON"],
    ["[]", "not a JSON object"],
    [`{"kye":"${key}"}`, `unknown member "kye"`],
    [`{"__proto__":{}}`, `unknown member "__proto__"`],
    [`{"key":"00"}`, "key is not"],
    [`{"volumeAt":"somewhere"}`, "volumeAt is not"],
    [`{"clockOffsetMs":"3600000"}`, "clockOffsetMs is not"],
  ])("%s is refused", (text, why) => {
    const told = fileOf(text);
    expect("trouble" in told ? told.trouble : "taken").toContain(why);
  });

  test("bytes come out of hexadecimal", () => {
    expect(fileOf(`{"key":"${key}","volumeAt":"base"}`)).toEqual({
      key: bytesOfHex(key),
      volumeAt: "base",
    });
  });
});

const envelopes = readdirSync(new URL("carriers/", cardsDirectory)).map((name) => {
  const card = readFileSync(new URL(`carriers/${name}`, cardsDirectory), "utf8");
  return [name, JSON.parse(card) as EnvelopeCard] as const;
});

interface EnvelopeCard {
  readonly carrier: string;
  readonly hex: string;
  readonly expect: Readonly<Record<string, unknown>> & { readonly inner: string | null };
}

test.each(envelopes)("envelope %s is opened", (_name, { carrier, hex, expect: wanted }) => {
  const input = { form: "text" as const, bytes: bytesOfHex(hex) };
  expect(answerTo([input], undefined, {})?.decoded.ok).toBe(false);
  const opened = envelopesIn(input, undefined, {});
  expect(opened).toHaveLength(1);
  const { inner, ...rest } = wanted;
  expect(opened?.[0]).toMatchObject({ carrier, envelope: rest });
  expect(opened?.[0]?.answer?.decoded.ok ?? null).toBe(inner === null ? null : true);
});

test("a frame is no envelope", () => {
  const frame = { form: "hex" as const, bytes: bytesOfHex(hexOf("gasLeak.json")) };
  expect(envelopesIn(frame, undefined, {})).toBeNull();
  const upload = { form: "text" as const, bytes: bytesOfHex(hexOf("everything.json")) };
  expect(envelopesIn(upload, undefined, {})).toBeNull();
});

/**
 * Generated frames for each decoder, beside the 100,000 random and changed ones of its own test: a typed answer,
 * nothing thrown, nothing polluted; and the fuzzer can fail.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decoderNames } from "#decode/candidates.ts";
import { fileOf } from "#decode/frameFile.ts";
import { carrierNames } from "#domain/platform.ts";
import { minimised, writeCard } from "../../fuzz/cards.ts";
import { failsAs, runFuzz } from "../../fuzz/run.ts";
import { targets, type FuzzTarget } from "../../fuzz/targets.ts";
import { bytesOfHex } from "../protocols/cards.ts";

const folder = mkdtempSync(join(tmpdir(), "mercaptan-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));

const count = 20_000;
const options = { count, seed: 20_261_128, limitMicros: Infinity };

test("every decoder and every carrier is a target", () => {
  const names = targets.map(({ name }) => name);
  expect(names.toSorted()).toEqual([...decoderNames, ...carrierNames, "stream"].toSorted());
});

test.each(targets)(
  "$name bears anything",
  (target) => {
    const { failures, answers } = runFuzz(target, options);
    expect(failures).toEqual([]);
    // Inputs come through, and inputs are refused for more than one reason.
    expect(Object.keys(answers).length).toBeGreaterThan(2);
    expect(answers["taken"] ?? answers["1 frames"]).toBeGreaterThan(count / 100);
  },
  120_000,
);

/** Fails over every input with these two bytes behind each other. */
const broken: FuzzTarget = {
  name: "broken",
  seeds: [{ bytes: bytesOfHex("00112233445566778899"), file: { path: "/3" } }],
  generate: (_chance, { bytes }) => bytes,
  mend: (_chance, changed) => changed,
  take: ({ bytes }) => {
    if (Buffer.from(bytes).includes(Buffer.of(0x33, 0x44))) throw new RangeError("33 44");
    return { answer: "taken", trouble: null };
  },
};

describe("a decoder that fails", () => {
  const report = runFuzz(broken, { ...options, count: 200 });
  const [failure] = report.failures;

  test("is found, and the input that shows it is made small", () => {
    expect(failure).toMatchObject({ kind: "thrown", what: "RangeError: 33 44" });
    const input = failure === undefined ? undefined : minimised(broken, failure);
    expect(Buffer.from(input?.bytes ?? []).toString("hex")).toBe("3344");
  });

  test("is written down as a card", () => {
    const input = { bytes: bytesOfHex("3344"), file: { path: "/3" } };
    if (failure === undefined) throw new TypeError("nothing was found");
    const path = writeCard(folder, "broken", failure, input);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
      decoder: "broken",
      hex: "3344",
      options: { path: "/3" },
      expect: { never: "thrown" },
    });
  });

  test("the same seed is the same story", () => {
    const again = runFuzz(broken, { ...options, count: 200 });
    expect(again.answers).toEqual(report.answers);
    const other = runFuzz(broken, { ...options, count: 200, seed: 2 });
    expect(other.answers).not.toEqual(report.answers);
  });
});

const polluting: FuzzTarget = {
  ...broken,
  take: () => {
    Reflect.defineProperty(Object.prototype, "polluted", { configurable: true, value: 1 });
    return { answer: "taken", trouble: null };
  },
};

test("a changed Object.prototype is seen", () => {
  const { failures } = runFuzz(polluting, { ...options, count: 10_000 });
  Reflect.deleteProperty(Object.prototype, "polluted");
  expect(failures).toMatchObject([{ kind: "polluted" }]);
});

const foundDirectory = new URL("../../cards/found/", import.meta.url);
const found = existsSync(foundDirectory) ? readdirSync(foundDirectory) : [];

test.each(found)("found once: %s", (name) => {
  const text = readFileSync(new URL(name, foundDirectory), "utf8");
  const card = JSON.parse(text) as {
    readonly decoder: string;
    readonly hex: string;
    readonly options: object;
  };
  const target = targets.find((one) => one.name === card.decoder);
  const file = fileOf(JSON.stringify(card.options));
  if (target === undefined || "trouble" in file) throw new TypeError(`no such card: ${name}`);
  const input = { bytes: bytesOfHex(card.hex), file };
  expect(failsAs(target, "thrown", input) || failsAs(target, "wrong", input)).toBe(false);
});

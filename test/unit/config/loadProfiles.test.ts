/** Profiles of meter models: what is taken, and where a mistake stands. */
import { expect, test } from "vitest";
import { ConfigError } from "#config/configError.ts";
import { loadProfiles } from "#config/loadProfiles.ts";
import { testProfiles } from "../../support/vault.ts";

const good = `id: maker-x1
version: 3
title: Maker X1
protocol: cjt188
confirmed: true
quantumMl: 1000
functions: [valve]
dialect:
  statusMap:
    valve: { byte: 0, mask: 192, positions: { 0: open, 64: closed } }
    bits: [{ byte: 1, bit: 3, status: leak }]
  valveDialect: nonForced
`;

function load(...texts: readonly string[]) {
  const files = new Map(texts.map((text, place) => [`models/${place}.yaml`, text]));
  return loadProfiles(["models"], {
    readFolder: () => [...files.keys(), "models/README.md"].map((path) => path.slice(7)),
    readFile: (path) => files.get(path),
  });
}

function problems(...texts: readonly string[]): readonly string[] {
  try {
    load(...texts);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((one) => `${one.where}: ${one.message}`);
    throw error;
  }
  return [];
}

test("a profile is the file as the decoders take it", () => {
  expect(load(good)).toEqual({
    "maker-x1": {
      id: "maker-x1",
      version: 3,
      title: "Maker X1",
      protocol: "cjt188",
      isConfirmed: true,
      quantumMl: 1000,
      functions: ["valve"],
      actuationsRated: null,
      selfClosesAfterDays: null,
      dialect: {
        statusMap: {
          valve: { byte: 0, mask: 192, positions: { "0": "open", "64": "closed" } },
          bits: [{ byte: 1, bit: 3, status: "leak" }],
        },
        valveDialect: "nonForced",
      },
    },
  });
});

test("offsets and keys become what the decoders count in", () => {
  const text = `{ id: d, version: 1, title: D, protocol: dlms, functions: [],
    dialect: { systemTitle: 4d4d4d0000bc614e }, clock: { offset: "-03:30" } }`;
  expect(load(text)["d"]?.dialect).toEqual({
    systemTitle: Uint8Array.from(Buffer.from("4d4d4d0000bc614e", "hex")),
    offsetMinutes: -210,
    clockOffsetMs: -210 * 60_000,
  });
});

test.each([
  ["a misspelt switch", good.replace("valveDialect", "valveDialekt"), "models/0.yaml:12:3"],
  ["another protocol's switch", `${good}  emptyAad: true\n`, "models/0.yaml:13:3"],
  ["a status that there is not", good.replace("leak", "leek"), "models/0.yaml:11:5"],
  ["a position that there is not", good.replace("closed", "shut"), "models/0.yaml:10:56"],
  ["no version", good.replace("version: 3\n", ""), "models/0.yaml:1:1"],
  ["a protocol that there is not", good.replace("cjt188", "cjt189"), "models/0.yaml:4:1"],
  ["no YAML at all", "id: [", "models/0.yaml:1:6"],
])("%s is refused with its place", (_, text, where) => {
  const found = problems(text);
  expect(found.length).toBeGreaterThan(0);
  expect(found[0]).toContain(`${where}: `);
});

test("two files of one id, and a folder that cannot be read, are told together with the rest", () => {
  expect(problems(good, good)).toEqual(["models/1.yaml: id: a second profile is named maker-x1"]);
  expect(() => loadProfiles(["/nowhere/at/all"])).toThrow("the folder of profiles cannot be read");
});

test("the profiles that come along are sound, and only those of simulated meters are confirmed", () => {
  const confirmed = Object.values(testProfiles).filter(({ isConfirmed }) => isConfirmed);
  expect(confirmed.map(({ id }) => id)).toEqual(["simulated-cjt188", "simulated-sparkplug"]);
  expect(Object.keys(testProfiles).length).toBeGreaterThanOrEqual(4);
});

import { expect, test } from "vitest";
import { ConfigError } from "#config/configError.ts";
import { loadRules, readRules } from "#config/loadRules.ts";
import { parseMeterId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import { factoryTuning } from "#rules/tuning.ts";
import { conductFor, tuningFor } from "#rules/tuningFor.ts";
import { ruleWords } from "../../../src/ruleBook.ts";

const known = { known: { ...factoryTuning }, checkExpression: () => null };
const read = (text: string) => loadRules("rules.yaml", known, () => text);

function problems(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ where, message }) => `${where} ${message}`);
  }
}

const document = `version: "2026-11"
all:
  R5: { smallHoursMax: 8 }
sizes:
  G1.6:
    R5: { smallHoursMax: 7, middleHoursMax: 10 }
siteClasses:
  commercial:
    R5: { smallHoursMax: 9, siteClasses: [household] }
areas:
  old-town:
    R13: { lowKpa: 1.2 }
    R5: { smallHoursMax: 5 }
meters:
  M0001:
    R5: { smallHoursMax: 4 }
`;

function meter(id: string, differing: object = {}) {
  const meterId = parseMeterId(id);
  invariant(meterId !== undefined, "an id");
  return {
    id: meterId,
    size: "G4",
    siteClass: "household",
    area: "new-town",
    ...differing,
  } as const;
}

test("the narrower entry is the stronger one, key by key", () => {
  const rules = read(document);
  const hours = (one: ReturnType<typeof meter>) => tuningFor(rules, one).R5.smallHoursMax;
  expect(hours(meter("X"))).toBe(8);
  expect(hours(meter("X", { size: "G1.6" }))).toBe(7);
  expect(hours(meter("X", { size: "G1.6", siteClass: "commercial" }))).toBe(9);
  expect(hours(meter("X", { siteClass: "commercial", area: "old-town" }))).toBe(5);
  expect(hours(meter("M0001", { area: "old-town" }))).toBe(4);
  const old = tuningFor(rules, meter("X", { size: "G1.6", area: "old-town" }));
  expect(old.R5.middleHoursMax).toBe(10);
  expect(old.R13).toEqual({ ...factoryTuning.R13, lowKpa: 1.2 });
  expect(old.R6).toEqual(factoryTuning.R6);
  expect(tuningFor(null, meter("X"))).toBe(factoryTuning);
});

test("every mistake is told with line and column", () => {
  expect(problems(document)).toEqual([]);
  expect(
    problems(`version: "1"
all:
  R5:
    smallHourMax: 8
    middleHoursMax: soon
  R99: {}
sizes:
  G5: {}
areas:
  old-town:
    R13: { lowKpa: -1 }
`),
  ).toEqual([
    "rules.yaml:5:5 all.R5.middleHoursMax: Invalid input: expected number, received string",
    "rules.yaml:4:5 all.R5.smallHourMax: there is no such rule or threshold",
    "rules.yaml:6:3 all.R99: there is no such rule or threshold",
    "rules.yaml:8:3 sizes.G5: there is no such rule or threshold",
    "rules.yaml:11:12 areas.old-town.R13.lowKpa: Too small: expected number to be >=0",
  ]);
  expect(problems("all: {}")[0]).toMatch(/version/);
  expect(problems("version: [")[0]).toMatch(/^rules\.yaml:\d+:\d+ /);
  expect(() => loadRules("none.yaml", known, () => undefined)).toThrow(ConfigError);
});

test("two texts that say the same are one content; another version is another content", () => {
  const text = `version: "1"\nareas:\n  a: { R7: { nights: 9 }, R5: { smallHoursMax: 7 } }\n`;
  const same = `# for the old town\nareas: { a: { R5: { smallHoursMax: 7.0 }, R7: { nights: 9 } } }\nversion: '1'\n`;
  expect(read(same).hash).toBe(read(text).hash);
  expect(read(text).hash).toMatch(/^[0-9a-f]{64}$/);
  expect(read(text.replace('"1"', '"2"')).hash).not.toBe(read(text).hash);
});

test("a document says how a rule behaves, as far as it may", () => {
  const check = (text: string) => readRules("rules.yaml", text, ruleWords);
  const good = check(`version: "1"
all:
  R3: { priority: 3, onDelayMinutes: 30, offDelayMinutes: 60, deadBandShare: 0.1, asksForClose: true }
areas:
  south: { R3: { priority: 2 }, R1: { asksForClose: false }, R13: { priority: 3 } }
`);
  invariant(good.ok, "a good document");
  const conduct = conductFor(good.document, meter("X", { area: "south" }));
  expect(conduct.R3).toEqual({
    ...{ priority: 2, gravePriority: 2, onDelayMinutes: 30, offDelayMinutes: 60 },
    asksForClose: true,
  });
  expect(conduct.R1.asksForClose).toBe(false);
  expect(conduct.R13).toMatchObject({ priority: 3, gravePriority: 1 });
  const tuning = tuningFor(good.document, meter("X"));
  expect(tuning.R3).toEqual({ ...factoryTuning.R3, deadBandShare: 0.1 });
  const bad = check(`version: "1"
all:
  R1: { onDelayMinutes: 5, priority: 2 }
  R2: { priority: 2 }
  R3: { priority: 5, onDelayMinutes: 20000, asksForClose: 1 }
  R9: { asksForClose: true }
  R13: { gravePriority: 2 }
`);
  expect(bad.ok ? [] : bad.problems.map(({ where }) => where).sort()).toEqual([
    "rules.yaml:3:28",
    "rules.yaml:3:9",
    "rules.yaml:4:9",
    "rules.yaml:5:22",
    "rules.yaml:5:45",
    "rules.yaml:5:9",
    "rules.yaml:6:9",
    "rules.yaml:7:10",
  ]);
});

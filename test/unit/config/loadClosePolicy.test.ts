import { expect, test } from "vitest";
import { ConfigError } from "#config/configError.ts";
import { loadClosePolicy } from "#config/loadClosePolicy.ts";
import { parseMeterId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import { closeWordFor } from "#valves/closePolicy.ts";

const read = (text: string) => loadClosePolicy("closing.yaml", () => text);

const document = `version: "2026-11"
by: gas safety board
reason: pilot in the old town
all: { R1: person }
siteClasses:
  household: { R1: automatic, R19: never }
areas:
  old-town: { R1: never }
meters:
  M0001: { R1: automatic }
`;

function problems(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ where, message }) => `${where} ${message}`);
  }
}

test("the narrowest layer that names the rule decides", () => {
  const policy = read(document);
  const word = (text: string, siteClass: "household" | "industry", area: string, rule = "R1") => {
    const id = parseMeterId(text);
    invariant(id !== undefined, "an id");
    return closeWordFor(policy, { id, siteClass, area }, rule as "R1");
  };
  expect(word("X", "industry", "new-town")).toBe("person");
  expect(word("X", "household", "new-town")).toBe("automatic");
  expect(word("X", "household", "old-town")).toBe("never");
  expect(word("M0001", "household", "old-town")).toBe("automatic");
  expect(word("M0001", "household", "old-town", "R19")).toBe("never");
  expect(word("X", "industry", "old-town", "R19")).toBe("person");
});

test("without a policy a leak closes and an uncontrolled flow is proposed", () => {
  const id = parseMeterId("X");
  invariant(id !== undefined, "an id");
  const meter = { id, siteClass: "household", area: "a" } as const;
  expect(closeWordFor(null, meter, "R1")).toBe("automatic");
  expect(closeWordFor(null, meter, "R19")).toBe("person");
});

test("every mistake is told with line and column", () => {
  expect(problems(document)).toEqual([]);
  expect(
    problems(`version: "1"
by: board
reason: " "
all:
  R4: never
  R19: automatic
siteClasses:
  castle: { R1: never }
areas:
  old-town: { R1: open }
`),
  ).toEqual([
    expect.stringMatching(/^closing.yaml:3:1 reason: /),
    expect.stringMatching(/^closing.yaml:6:3 all.R19: /),
    "closing.yaml:5:3 all.R4: there is no such rule or key",
    expect.stringMatching(/^closing.yaml:8:3 siteClasses.castle: /),
    expect.stringMatching(/^closing.yaml:10:15 areas.old-town.R1: /),
  ]);
  expect(problems('version: "1"\n')).toEqual([
    expect.stringMatching(/^closing.yaml:1:1 by: /),
    expect.stringMatching(/^closing.yaml:1:1 reason: /),
  ]);
  expect(() => loadClosePolicy("none.yaml", () => undefined)).toThrow(ConfigError);
});

/** A rule document over HTTP: mistakes with their place, shown before it counts, signed, never silently replaced. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

let rig: ApiRig;
beforeAll(async () => {
  rig = await startApiRig();
  for (const [id, area] of [
    ["M1", "north"],
    ["M2", "south"],
    ["M3", "south"],
  ]) {
    await rig.json("POST", "/v1/meters", { body: { id, area, size: "G4", protocol: "json" } });
  }
});
afterAll(async () => rig.close());

const strict = `version: "1"
areas:
  south:
    R13: { lowKpa: 1.2 }
meters:
  M1:
    R5: { smallHoursMax: 4 }
`;
const role = "engineer" as const;
const reason = "old pipes";

async function problem(path: string, body: object): Promise<Json> {
  const response = await rig.call("POST", path, { role, body });
  return { status: response.status, ...((await response.json()) as object) };
}

test("mistakes are told with line and column", async () => {
  const yaml = 'version: "1"\nall:\n  R5: { smallHourMax: 8 }\n';
  const answer = await problem("/v1/rules/preview", { yaml });
  expect(answer).toMatchObject({ status: 422, type: "urn:mercaptan:problem:invalid" });
  expect(answer.errors).toEqual([
    {
      in: "body",
      pointer: "/yaml",
      detail: "rules:3:9: all.R5.smallHourMax: there is no such rule or threshold",
    },
  ]);
});

test("what nobody was shown does not come into force", async () => {
  const answer = await problem("/v1/rules", { yaml: strict, replaces: 0, reason });
  expect(answer).toMatchObject({ status: 409 });
  expect((await rig.json("GET", "/v1/rules")).items).toEqual([]);
});

test("a preview names what changes for which meters; then it is signed and in force", async () => {
  const shown = await rig.json("POST", "/v1/rules/preview", { role, body: { yaml: strict } });
  expect(shown).toMatchObject({ version: "1", replaces: 0, meters: 3, rules: ["R13", "R5"] });
  expect(shown.changes).toEqual([
    { rule: "R13", name: "lowKpa", before: 0.8, after: 1.2, meters: 2, examples: ["M2", "M3"] },
    { rule: "R5", name: "smallHoursMax", before: 6, after: 4, meters: 1, examples: ["M1"] },
  ]);
  const put = await rig.json("POST", "/v1/rules", {
    role,
    body: { yaml: `# the same\n${strict}`, replaces: shown.replaces, reason },
  });
  expect(put).toMatchObject({
    ...{ no: 1, version: "1", hash: shown.hash, source: "api", previewedAt: shown.previewedAt },
    ...{ by: "engineer one", role, reason },
  });
  expect(Date.parse(put.inForceAt)).toBeGreaterThanOrEqual(Date.parse(shown.previewedAt));
  expect((await rig.json("GET", "/v1/rules")).items).toEqual([put]);
  const audit = await rig.json("GET", "/v1/audit?limit=1000", { role: "auditor" });
  expect(audit.items.at(-1)).toMatchObject({
    ...{ actor: "engineer one", role, act: "rules.put", subject: "rules 1", reason },
  });
});

test("who has seen something else is refused, and so is another text under the same version", async () => {
  const other = strict.replace("1.2", "1.3");
  await rig.json("POST", "/v1/rules/preview", { role, body: { yaml: other } });
  expect(await problem("/v1/rules", { yaml: other, replaces: 0, reason })).toMatchObject({
    status: 412,
  });
  expect(await problem("/v1/rules", { yaml: other, replaces: 1, reason })).toMatchObject({
    status: 409,
    detail: "version 1 said something else",
  });
});

test("back to the factory's rules is a change as well", async () => {
  const body = { replaces: 1, reason: "wrong pipes" };
  const put = await rig.json("POST", "/v1/rules/factory", { role, body });
  expect(put).toMatchObject({ no: 2, version: null, document: null, reason: "wrong pipes" });
  expect(await problem("/v1/rules/factory", { replaces: 2, reason })).toMatchObject({
    status: 409,
  });
});

test("who answers the alarms does not make the rules", async () => {
  for (const other of ["operator", "dispatcher", "auditor", "viewer", "admin"] as const) {
    const response = await rig.call("POST", "/v1/rules/preview", {
      role: other,
      body: { yaml: strict },
    });
    expect(response.status).toBe(403);
  }
  expect((await rig.call("GET", "/v1/rules", { role: "viewer" })).status).toBe(200);
});

test("a document is tried on the past; nothing rings, and the mistakes are told as ever", async () => {
  const startMs = Date.now() - 30 * 60_000;
  for (const [minute, flowM3h] of [
    [0, "0.100"],
    [10, "3.000"],
    [20, "0.100"],
  ] as const) {
    const measuredAt = new Date(startMs + minute * 60_000).toISOString();
    rig.uplink(1, { measuredAt, flowM3h });
  }
  const yaml = 'version: "try"\nall: { R2: { flowFactor: 0.4 } }\n';
  const report = await rig.json("POST", "/v1/rules/test", { role, body: { yaml, days: 1 } });
  expect(report).toMatchObject({ version: "try", meters: 3, readings: 3 });
  expect(report.rules).toMatchObject([
    {
      ...{ rule: "R2", candidate: { occurrences: 1, meters: 1 }, happened: { occurrences: 0 } },
      ...{ added: 1, gone: 0, moved: 0, goneExamples: [] },
      addedExamples: [{ meterId: "M1", raisedAt: new Date(startMs + 600_000).toISOString() }],
    },
  ]);
  expect(report.candidate).toMatchObject({ rang: 1, byPriority: { 1: 1 } });
  expect((await rig.json("GET", "/v1/alarms")).items).toEqual([]);
  expect((await problem("/v1/rules/test", { yaml: "all: [" })).status).toBe(422);
});

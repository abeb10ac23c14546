/** What closes without a person, and what persons decide about it, over HTTP. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiRig, type ApiRig } from "../support/apiRig.ts";

const policy = {
  version: "2026-11",
  by: "gas safety board",
  reason: "pilot",
  all: { R1: "person" },
  siteClasses: {},
  areas: { "old-town": { R1: "never" } },
  meters: {},
} as const;

let rig: ApiRig;

beforeAll(async () => {
  rig = await startApiRig({ closePolicy: policy });
});
afterAll(async () => rig.close());

test("the policy in force is there to be read, and is not changed over the API", async () => {
  const shown = await rig.json("GET", "/v1/close-policy", { role: "auditor" });
  expect(shown).toMatchObject({ ...policy, inForceSince: expect.stringMatching(/Z$/) as string });
  expect((await rig.call("GET", "/v1/close-policy", { role: "billing" })).status).toBe(403);
  for (const method of ["PUT", "POST", "PATCH", "DELETE"] as const) {
    expect((await rig.call(method, "/v1/close-policy", { role: "admin" })).status).not.toBe(200);
  }
});

test("without a policy it says so", async () => {
  const bare = await startApiRig();
  const shown = await bare.json("GET", "/v1/close-policy", { role: "engineer" });
  expect(shown).toMatchObject({ version: null, by: null, all: {} });
  await bare.close();
});

/** What closes without a person, and what persons decide about it, over HTTP. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

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

test("what is held: where it is, two persons' yes to the whole list, and who may not give it", async () => {
  const area = "old-town";
  const position = { longitude: 120.5, latitude: 30.1, crs: "WGS84" };
  const town = await startApiRig();
  for (const [place, id] of ["M1", "M2", "M3", "M4", "M5"].entries()) {
    const body = { id, size: "G4", protocol: "json", area, ...(place === 3 ? { position } : {}) };
    await town.json("POST", "/v1/meters", { body });
    const reading = { measuredAt: Date.now(), volumeM3: "1.000", valve: "open", status: ["leak"] };
    town.uplink(place + 1, reading);
  }
  const { items }: Json = await town.json("GET", "/v1/commands?state=held", { role: "operator" });
  expect(items).toMatchObject([
    { meterId: "M5", area, position: null, detail: "breaker" },
    { meterId: "M4", area, position, detail: "breaker" },
  ]);
  const commandIds = items.map(({ id }: Json) => id);
  const say = async (role: "operator" | "dispatcher" | "engineer", ids: readonly string[]) =>
    town.call("POST", "/v1/commands/approve", { role, body: { commandIds: ids, reason: "seen" } });
  expect((await say("engineer", commandIds)).status).toBe(403);
  expect((await say("operator", [])).status).toBe(400);
  expect((await say("operator", Array<string>(251).fill("c"))).status).toBe(400);
  const outcomes = async (answer: Response) => ((await answer.json()) as Json).items;
  expect(await outcomes(await say("operator", commandIds))).toMatchObject([
    { state: "held", refusal: null },
    { state: "held", refusal: null },
  ]);
  expect(await outcomes(await say("operator", commandIds))).toMatchObject([
    { state: "held", refusal: "same-person" },
    { state: "held", refusal: "same-person" },
  ]);
  // Two tabs of the second person at once: each command is let go once.
  const both = await Promise.all([say("dispatcher", commandIds), say("dispatcher", commandIds)]);
  const told = (await Promise.all(both.map(outcomes))).flat();
  expect(told.filter(({ refusal }: Json) => refusal === null)).toHaveLength(2);
  const cancel = { commandIds: [...commandIds, "none"], reason: "false alarm" };
  const role = "operator";
  expect(await town.json("POST", "/v1/commands/cancel", { role, body: cancel })).toMatchObject({
    items: [{ state: "cancelled" }, { state: "cancelled" }, { state: null, refusal: "not-found" }],
  });
  await town.close();
});

test("a meter that was moved to where leaks close by themselves: refused, and until when", async () => {
  const closePolicy = { ...policy, all: { R1: "automatic" } } as const;
  const town = await startApiRig({ closePolicy });
  const body = { id: "M1", size: "G4", protocol: "json", area: "old-town" };
  await town.json("POST", "/v1/meters", { body });
  const movedMs = Date.now();
  const headers = { "if-match": "*" };
  await town.json("PATCH", "/v1/meters/M1", { body: { area: "new-town" }, headers });
  const reading = { measuredAt: Date.now(), volumeM3: "1.000", valve: "open", status: ["leak"] };
  town.uplink(1, reading);
  const { items }: Json = await town.json("GET", "/v1/commands", { role: "operator" });
  expect(items).toMatchObject([{ state: "refused", detail: "not-armed" }]);
  const inHours = (Date.parse(items[0].armedAt) - movedMs) / 3_600_000;
  expect(inHours).toBeCloseTo(24, 1);
  const order = { reason: "smell of gas" };
  const byHand = { role: "operator", body: order } as const;
  const closed: Json = await town.json("POST", "/v1/meters/M1/valve/close", byHand);
  expect(closed).toMatchObject({ state: "queued", armedAt: null });
  await town.close();
});

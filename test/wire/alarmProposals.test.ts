/** Proposals for a meter whose pressure bit comes and goes, over HTTP: read, and nothing changed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiRig, type ApiRig } from "../support/apiRig.ts";

let rig: ApiRig;
beforeAll(async () => {
  rig = await startApiRig();
});
afterAll(async () => {
  await rig.close();
});

test("a swinging meter is proposed a dead band; the rules stay as they were", async () => {
  const body = { id: "S1", size: "G4", protocol: "json", area: "north" };
  await rig.json("POST", "/v1/meters", { body });
  for (let turn = 0; turn < 12; turn += 1) {
    const measuredAt = new Date(rig.clock.nowMs()).toISOString();
    const status = turn % 2 === 0 ? ["low_pressure"] : [];
    rig.uplink(1, { measuredAt, volumeM3: "1.000", status });
  }
  const rules = await rig.json("GET", "/v1/rules");
  const { items } = await rig.json("GET", "/v1/alarm-figures/proposals?area=north", {
    role: "viewer",
  });
  expect(items).toMatchObject([
    { meterId: "S1", rule: "R13", rang: 6, kind: "dead-band", wouldHaveRung: 1 },
  ]);
  expect(await rig.json("GET", "/v1/rules")).toEqual(rules);
  const elsewhere = await rig.json("GET", "/v1/alarm-figures/proposals?area=south");
  expect(elsewhere.items).toEqual([]);
});

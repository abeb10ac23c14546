/** Why an alarm rang, for whoever asks: the rule as it was in force, the readings, and the way to the bytes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

let rig: ApiRig;
const minuteMs = 60_000;
const startMs = Date.now() - 50 * minuteMs;
const at = (minute: number) => new Date(startMs + minute * minuteMs).toISOString();
const role = "engineer" as const;

const rules = `version: "7"
areas: { north: { R13: { lowKpa: 1.2, priority: 3, offDelayMinutes: 5 } } }
`;

beforeAll(async () => {
  rig = await startApiRig();
  const meter = { size: "G4", protocol: "json", area: "north", quantumMl: 1_000 };
  await rig.json("POST", "/v1/meters", { body: { id: "M1", ...meter } });
});
afterAll(async () => rig.close());

async function occurrences(rule: string): Promise<Json> {
  const { items } = await rig.json("GET", "/v1/alarms");
  const alarm = items.find((one: Json) => one.rule === rule);
  return (await rig.json("GET", `/v1/alarms/${alarm.id}/occurrences`)).items;
}

test("before there was a document the factory's values are told", async () => {
  rig.uplink(1, { measuredAt: at(0), volumeM3: "10.000", pressureKpa: "2.00" });
  rig.uplink(1, { measuredAt: at(10), volumeM3: "10.000", pressureKpa: "0.70" });
  rig.uplink(1, { measuredAt: at(20), volumeM3: "10.010", pressureKpa: "0.65" });
  const [one] = await occurrences("R13");
  expect(one).toMatchObject({
    ...{ raisedAt: at(20), returnedAt: null, level: 1, historical: false, withdrawnAt: null },
    rule: {
      ...{ id: "R13", version: 1, latching: false, priority: 2, gravePriority: 1 },
      ...{ onDelayMinutes: 0, offDelayMinutes: 0, asksForClose: false, floor: null },
      thresholds: { lowKpa: 0.8, siteClasses: ["household", "commercial"] },
      deadBand: { hysteresisKpa: 0.1 },
    },
    document: null,
    proof: { pressurePa: 650 },
  });
  expect(one.message.en).toBe(
    "Meter M1: gas pressure is outside its limits (pressure 0.65 kPa, low limit 0.80 kPa, high limit 3.50 kPa).",
  );
  expect(one.message.zh).toContain("燃气表 M1");
  expect(one.readings.map((reading: Json) => reading.pressureKpa)).toEqual([
    ...["2.000", "0.700", "0.650"],
  ]);
});

test("the uplinks of an explanation are the bytes that the meter sent", async () => {
  const [one] = await occurrences("R13");
  const bytes = await Promise.all(
    one.uplinks.map(async (seq: number) => {
      const page = await rig.json("GET", `/v1/uplinks?after=${seq - 1}&limit=1`);
      return Buffer.from(page.items[0].hex, "hex").toString();
    }),
  );
  expect(bytes.map((text) => JSON.parse(text).pressureKpa)).toEqual(["2.00", "0.70", "0.65"]);
});

test("a later document does not change what was in force, and speaks for what comes after it", async () => {
  rig.uplink(1, { measuredAt: at(30), volumeM3: "10.020", pressureKpa: "2.00" });
  rig.uplink(1, { measuredAt: at(31), volumeM3: "10.020", pressureKpa: "2.00" });
  const shown = await rig.json("POST", "/v1/rules/preview", { role, body: { yaml: rules } });
  const body = { yaml: rules, replaces: shown.replaces, reason: "old pipes" };
  await rig.json("POST", "/v1/rules", { role, body });
  const nowMs = Date.now();
  for (const later of [1, 2]) {
    const measuredAt = new Date(nowMs + later * 1_000).toISOString();
    rig.uplink(1, { measuredAt, volumeM3: "10.030", pressureKpa: "1.10" });
  }
  const [newer, older] = await occurrences("R13");
  expect(older).toMatchObject({ document: null, rule: { thresholds: { lowKpa: 0.8 } } });
  expect(newer).toMatchObject({
    document: { no: 1, version: "7", hash: shown.hash },
    rule: { priority: 3, offDelayMinutes: 5, thresholds: { lowKpa: 1.2 } },
    proof: { rulesVersion: "7", pressurePa: 1_100 },
  });
});

test("what old data made is marked as history", async () => {
  const oldMs = startMs - 3 * 3_600_000;
  const measuredAt = (minute: number) => new Date(oldMs + minute * minuteMs).toISOString();
  await rig.json("POST", "/v1/meters", { body: { id: "M2", size: "G4", protocol: "json" } });
  for (const [minute, pressureKpa] of [
    [0, "0.50"],
    [1, "0.50"],
    [2, "2.00"],
    [3, "2.00"],
  ] as const) {
    rig.uplink(2, { measuredAt: measuredAt(minute), pressureKpa });
  }
  const { items } = await rig.json("GET", "/v1/alarms?meterId=M2");
  const [one] = (await rig.json("GET", `/v1/alarms/${items[0].id}/occurrences`)).items;
  expect(one).toMatchObject({ historical: true, returnedAt: measuredAt(3) });
  expect(one.message.en).toMatch(/^Past: Meter M2/);
  expect(one.message.zh).toMatch(/^历史记录：/);
});

test("what the clock raised is explained by the alarm itself", async () => {
  const body = { id: "M3", size: "G4", protocol: "json", verificationDueOn: "2020-02-29" };
  await rig.json("POST", "/v1/meters", { body });
  rig.tick();
  const { items } = await rig.json("GET", "/v1/worklists?meterId=M3");
  const [one] = (await rig.json("GET", `/v1/alarms/${items[0].id}/occurrences`)).items;
  expect(one).toMatchObject({
    rule: { id: "R17", thresholds: { firstDays: 30, secondDays: 7 } },
    proof: { what: "verification", dueOn: "2020-02-29", daysBefore: 0 },
    readings: [],
  });
});

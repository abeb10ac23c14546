/** A bill over HTTP: frozen once, never changed, adjusted by what comes later. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

let rig: ApiRig;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** One in the morning in Shanghai, three days ago: no gas day begins then, so no meter is asked for its register. */
const oneMs = Math.floor((Date.now() + 8 * hourMs) / dayMs - 3) * dayMs - 7 * hourMs;
const at = (hour: number) => new Date(oneMs + hour * hourMs).toISOString();
const billing = { role: "billing" } as const;

async function meter(no: number, registers: readonly (readonly [number, string])[]) {
  const body = { id: `M${no}`, size: "G4", protocol: "json", quantumMl: 1_000 };
  await rig.json("POST", "/v1/meters", { body });
  for (const [hour, volumeM3] of registers) rig.uplink(no, { measuredAt: at(hour), volumeM3 });
}

beforeAll(async () => {
  rig = await startApiRig();
  await meter(1, [
    [0, "100.000"],
    [24, "103.000"],
    [48, "107.000"],
  ]);
  // Its register at the end of the first day is not known yet.
  await meter(2, [
    [0, "10.000"],
    [22, "11.000"],
    [30, "19.000"],
    [48, "30.000"],
  ]);
  // It has said nothing since.
  await meter(3, [[0, "5.000"]]);
});
afterAll(async () => rig.close());

const firstDay = { from: at(0), to: at(24) };
const freeze = async (bill: string, body: Record<string, unknown>, reason = "run of day 1") =>
  rig.json("POST", `/v1/billing/bills/${bill}/determinants`, {
    ...billing,
    body: { ...body, reason },
  });
const frozen = async (bill: string): Promise<Json[]> => {
  const page: Json = await rig.json("GET", `/v1/billing/bills/${bill}/determinants`, billing);
  return page.items;
};

describe("a bill", () => {
  test("is frozen row by row; what is for review is not, and is named", async () => {
    const answer: Json = await freeze("B-1", firstDay);
    expect(answer.counts).toEqual({ frozen: 2, review: 1 });
    expect(answer.items).toEqual([
      { meterId: "M3", outcome: "review", flags: ["closing-not-reached"], otherBill: null },
    ]);
    const rows = await frozen("B-1");
    expect(rows).toMatchObject([
      { meterId: "M1", bill: "B-1", volumeM3: "3.000", frozenBy: "billing one", adjustments: [] },
      { meterId: "M2", volumeM3: "3.000", flags: ["closing-estimated"] },
    ]);
    expect(rows[1]).toMatchObject({
      closing: { method: "estimated", between: { fromVolumeM3: "11.000", toVolumeM3: "19.000" } },
    });
  });

  test("asked for again goes on where it stopped, and changes nothing", async () => {
    const before = await frozen("B-1");
    const answer: Json = await freeze("B-1", firstDay);
    expect(answer.counts).toEqual({ "already-frozen": 2, review: 1 });
    expect(await frozen("B-1")).toEqual(before);
  });

  test("a second bill over the same gas is refused, and the first one named", async () => {
    const answer: Json = await freeze("B-2", { from: at(12), to: at(36) });
    expect(answer.items).toContainEqual({
      meterId: "M1",
      outcome: "overlaps",
      flags: expect.anything(),
      otherBill: "B-1",
    });
  });

  test("a person who has looked may take what was for review, meter by meter", async () => {
    const everything = await rig.call("POST", "/v1/billing/bills/B-1/determinants", {
      ...billing,
      body: { ...firstDay, acceptReview: true, reason: "all" },
    });
    expect(everything.status).toBe(400);
    expect(await everything.text()).toContain("name the meters");
    const looked = { ...firstDay, meterIds: ["M3"], acceptReview: true };
    expect((await freeze("B-1", looked, "vacant, seen")).counts).toEqual({ frozen: 1 });
  });

  test("better data makes an adjustment beside it; all together come to what is known now", async () => {
    const before = await frozen("B-1");
    rig.uplink(2, { measuredAt: at(24), volumeM3: "12.500" });
    const path = "/v1/billing/bills/B-1/adjustments";
    const body = { reason: "late readings" };
    const answer: Json = await rig.json("POST", path, { ...billing, body });
    expect(answer.counts).toEqual({ unchanged: 1, adjusted: 1, review: 1 });
    expect(answer.items).toContainEqual({
      meterId: "M2",
      outcome: "adjusted",
      volumeM3: "-0.500",
      baseVolumeM3: null,
    });
    const after = await frozen("B-1");
    const { adjustments, adjustedVolumeM3, ...rest } = after[1];
    expect({ ...rest, adjustments: [], adjustedVolumeM3: "3.000" }).toEqual(before[1]);
    expect(adjustedVolumeM3).toBe("2.500");
    const now: Json = await rig.json(
      "GET",
      `/v1/meters/M2/consumption?from=${at(0)}&to=${at(24)}`,
      billing,
    );
    expect(adjustments).toMatchObject([
      { volumeM3: "-0.500", reason: "late readings", by: "billing one", hash: now.hash },
    ]);
    expect(now.volumeM3).toBe("2.500");
    const again: Json = await rig.json("POST", path, { ...billing, body });
    expect(again.counts).toEqual({ unchanged: 2, review: 1 });
  });

  test("the register that it was made with counts before a contradiction, which stays open", async () => {
    rig.uplink(1, { measuredAt: at(24), volumeM3: "104.000" });
    const row: Json = await rig.json(
      "GET",
      `/v1/meters/M1/consumption?from=${at(24)}&to=${at(48)}`,
      billing,
    );
    expect(row).toMatchObject({ volumeM3: "4.000", openConflicts: 1, standing: "review" });
    expect(row.opening).toMatchObject({ volumeM3: "103.000", method: "exact" });
  });

  test("a conversion that is entered late changes the volume at base conditions alone", async () => {
    await meter(4, [
      [0, "10.000"],
      [24, "20.000"],
    ]);
    const conversion = (gasPressureKpa: string) =>
      rig.json("POST", "/v1/meters/M4/conversions", {
        role: "engineer",
        body: { from: at(0), gasPressureKpa, gasTemperatureC: "20", reason: "regulator set" },
      });
    await conversion("202.65");
    await freeze("B-4", { ...firstDay, meterIds: ["M4"] });
    await conversion("405.3");
    const adjust = async (): Promise<Json> =>
      rig.json("POST", "/v1/billing/bills/B-4/adjustments", {
        ...billing,
        body: { reason: "fit" },
      });
    const changed = { meterId: "M4", outcome: "adjusted", volumeM3: "0.000" };
    expect((await adjust()).items).toEqual([{ ...changed, baseVolumeM3: "20.000" }]);
    expect((await adjust()).counts).toEqual({ unchanged: 1 });
    await conversion("303.975");
    expect((await adjust()).items).toEqual([{ ...changed, baseVolumeM3: "-10.000" }]);
    expect(await frozen("B-4")).toMatchObject([
      {
        volumeM3: "10.000",
        base: { volumeM3: "20.000" },
        adjustments: [{ baseVolumeM3: "20.000" }, { baseVolumeM3: "-10.000" }],
        adjustedVolumeM3: "10.000",
        adjustedBaseVolumeM3: "30.000",
      },
    ]);
  });

  test("as CSV, and every act in the audit", async () => {
    const url = "/v1/billing/bills/B-1/determinants?format=csv";
    const csv = await (await rig.call("GET", url, billing)).text();
    expect(csv.split("\r\n")[0]).toMatch(/^bill,frozenAt,meterId,area,from,to,/);
    expect(csv.trim().split("\r\n")).toHaveLength(4);
    const audit: Json = await rig.json("GET", "/v1/audit?after=0", { role: "auditor" });
    const acts = audit.items.filter((item: Json) => item.act.startsWith("billing."));
    expect(acts[0]).toMatchObject({
      actor: "billing one",
      subject: "bill B-1",
      reason: "run of day 1",
    });
  });

  test("is for billing; a bill that is not there is not found", async () => {
    const body = { ...firstDay, reason: "x" };
    const path = "/v1/billing/bills/B-9/determinants";
    for (const role of ["viewer", "engineer", "auditor"] as const) {
      expect((await rig.call("POST", path, { role, body })).status, role).toBe(403);
    }
    const none = await rig.call("POST", "/v1/billing/bills/B-9/adjustments", {
      ...billing,
      body: { reason: "x" },
    });
    expect(none.status).toBe(404);
  });
});

/** Registers and consumption over HTTP, on what meters really sent. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

let rig: ApiRig;
const hourMs = 3_600_000;
/** Yesterday's midnight in Shanghai, so that two gas days lie behind it and all of it is history. */
const dayMs = 24 * hourMs;
const midnightMs = Math.floor((Date.now() + 8 * hourMs) / dayMs - 1) * dayMs - 8 * hourMs;
const at = (hour: number) => new Date(midnightMs + hour * hourMs).toISOString();
const date = (day: number) =>
  new Date(midnightMs + day * dayMs + 8 * hourMs).toISOString().slice(0, 10);
const billing = { role: "billing" } as const;

beforeAll(async () => {
  rig = await startApiRig();
  for (const [id, area] of [
    ["M1", "north"],
    ["M2", "north"],
    ["M3", "=south"],
  ]) {
    const body = { id, area, size: "G4", protocol: "json", quantumMl: 1_000 };
    await rig.json("POST", "/v1/meters", { body });
  }
  const hours = [-24, -12, -1, 0, 6, 18, 24];
  const history = hours.map((hour) => ({ measuredAt: at(hour), volumeM3: `${100 + hour}.000` }));
  rig.uplink(1, { ...history.at(-1), history: history.slice(0, -1) });
  rig.uplink(3, { measuredAt: at(-24), volumeM3: "5.000" });
  rig.uplink(3, { measuredAt: at(3), volumeM3: "5.000" });
});
afterAll(async () => rig.close());

describe("the register", () => {
  test("at the start of a gas day, by its date", async () => {
    const found: Json = await rig.json("GET", `/v1/meters/M1/register?at=${date(0)}`, billing);
    expect(found).toMatchObject({ at: at(0), volumeM3: "100.000", method: "exact", between: null });
  });

  test("between two readings says between which, and how", async () => {
    const found: Json = await rig.json("GET", `/v1/meters/M1/register?at=${at(12)}`, billing);
    expect(found).toMatchObject({
      volumeM3: "112.000",
      method: "estimated",
      quality: "estimated",
      between: { fromVolumeM3: "106.000", toVolumeM3: "118.000", by: "long-line", weeks: 0 },
    });
    const half: Json = await rig.json("GET", `/v1/meters/M1/register?at=${at(-0.5)}`, billing);
    expect(half).toMatchObject({
      volumeM3: "99.500",
      method: "interpolated",
      between: { by: "line" },
    });
  });

  test("what is no instant is told what would be", async () => {
    const answer = await rig.call("GET", "/v1/meters/M1/register?at=yesterday", billing);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("2026-11-01");
  });
});

describe("consumption", () => {
  const days = `from=${date(0)}&to=${date(1)}`;

  test("of one gas day: both registers, volume, hash; every meter has its row", async () => {
    const page: Json = await rig.json("GET", `/v1/billing/consumption?${days}`, billing);
    expect(page.next).toBeNull();
    expect(page.items).toMatchObject([
      {
        meterId: "M1",
        from: at(0),
        to: at(24),
        opening: { volumeM3: "100.000", method: "exact" },
        closing: { volumeM3: "124.000", method: "exact" },
        volumeM3: "24.000",
        segments: [{ openingM3: "100.000", closingM3: "124.000", rollovers: 0, serial: null }],
        quality: "validated",
        estimatedShare: "0.000000",
        openConflicts: 0,
        flags: [],
        standing: "ready",
      },
      { meterId: "M2", volumeM3: null, flags: ["no-register"], standing: "review" },
      {
        meterId: "M3",
        volumeM3: "0.000",
        flags: ["closing-not-reached", "gap"],
        standing: "review",
      },
    ]);
    const again: Json = await rig.json("GET", `/v1/billing/consumption?${days}`, billing);
    expect(again).toEqual(page);
  });

  test("its hash is that of the canonical text that BILLING describes", async () => {
    const one: Json = await rig.json("GET", `/v1/meters/M1/consumption?${days}`, billing);
    const [fromMs, toMs] = [Date.parse(at(0)), Date.parse(at(24))];
    const end = (atMs: number, ml: number) => [atMs, ml, atMs, "validated", "exact", null];
    const text = JSON.stringify([
      "mercaptan determinant 1",
      ["M1", "north", fromMs, toMs],
      end(fromMs, 100_000_000),
      end(toMs, 124_000_000),
      24_000_000,
      [[fromMs, toMs, 100_000_000, 124_000_000, 24_000_000, 0, null]],
      ["validated", 0, 0, [], "ready"],
    ]);
    expect(one.hash).toBe(createHash("sha256").update(text).digest("hex"));
  });

  test("as NDJSON and CSV, of one area, page by page", async () => {
    const path = `/v1/billing/consumption?${days}`;
    const first: Json = await rig.json("GET", `${path}&limit=2`, billing);
    const rest: Json = await rig.json("GET", `${path}&cursor=${first.next}`, billing);
    const ndjson = await (await rig.call("GET", `${path}&format=ndjson`, billing)).text();
    const lines: Json = ndjson
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([...first.items, ...rest.items]);
    const csv = await (await rig.call("GET", `${path}&area=%3Dsouth&format=csv`, billing)).text();
    const [heading, ...rows] = csv.trim().split("\r\n");
    expect(heading).toContain("openingM3,openingQuality,openingMethod,openingMeasuredAt");
    expect(rows).toHaveLength(1);
    // A spreadsheet must not run an area's name as a formula.
    expect(rows[0]).toMatch(/^M3,'=south,/);
  });

  test.each([
    [`from=${date(1)}&to=${date(0)}`, "before `to`"],
    [`from=${date(0)}&to=${at(3)}`, "both as dates or both as instants"],
    [`from=2024-01-01&to=2026-01-01`, "400 days"],
  ])("%s is refused, and why", async (query, why) => {
    const answer = await rig.call("GET", `/v1/billing/consumption?${query}`, billing);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(why);
  });

  test("is for billing, auditors and administrators; one meter's for everybody with a key", async () => {
    for (const [role, status] of [
      ["viewer", 403],
      ["operator", 403],
      ["auditor", 200],
    ] as const) {
      const answer = await rig.call("GET", `/v1/billing/consumption?${days}`, { role });
      expect(answer.status, role).toBe(status);
    }
    const own = await rig.call("GET", `/v1/meters/M1/consumption?${days}`, { role: "viewer" });
    expect(own.status).toBe(200);
  });
});

describe("what persons say", () => {
  const engineer = { role: "engineer" } as const;

  test("an exchange makes two segments whose four registers add up", async () => {
    await rig.json("POST", "/v1/meters", { body: { id: "M4", size: "G4", protocol: "json" } });
    rig.uplink(4, { measuredAt: at(0), volumeM3: "900.000" });
    rig.uplink(4, { measuredAt: at(24), volumeM3: "3.000" });
    const body = { at: at(12), closingM3: "905.500", openingM3: "0.250", formerSerial: "SN-1" };
    const path = "/v1/meters/M4/exchange";
    const made: Json = await rig.json("POST", path, {
      ...engineer,
      body: { ...body, serial: "SN-2", reason: "age", change: { size: "G6" } },
    });
    expect(made.exchanges).toMatchObject([{ ...body, serial: "SN-2", by: "engineer one" }]);
    const days = `from=${date(0)}&to=${date(1)}`;
    const row: Json = await rig.json("GET", `/v1/meters/M4/consumption?${days}`, billing);
    expect(row).toMatchObject({
      volumeM3: "8.250",
      quality: "edited",
      standing: "ready",
      flags: ["exchange"],
      segments: [
        { openingM3: "900.000", closingM3: "905.500", volumeM3: "5.500", serial: "SN-1" },
        { openingM3: "0.250", closingM3: "3.000", volumeM3: "2.750", serial: "SN-2" },
      ],
    });
    expect(await rig.json("GET", "/v1/meters/M4", engineer)).toMatchObject({ size: "G6" });
    const odd = { ...body, at: at(13), closingM3: "0.100", openingM3: "0", reason: "again" };
    const refused = await rig.call("POST", path, { ...engineer, body: odd });
    expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining("0.250")]);
    expect((await rig.call("POST", path, { ...billing, body: odd })).status).toBe(403);
  });

  test("a conflict is shown until a person settles it", async () => {
    await rig.json("POST", "/v1/meters", { body: { id: "M5", size: "G4", protocol: "json" } });
    for (const [hour, m3] of [
      [-1, "10.000"],
      [0, "10.500"],
      [1, "11.000"],
      [24, "12.000"],
      [0, "10.700"],
    ] as const) {
      rig.uplink(5, { measuredAt: at(hour), volumeM3: m3 });
    }
    const days = `from=${date(0)}&to=${date(1)}`;
    const before: Json = await rig.json("GET", `/v1/meters/M5/consumption?${days}`, billing);
    expect(before).toMatchObject({ openConflicts: 1, standing: "review" });
    expect(before.flags).toContain("opening-conflict");
    const open: Json = await rig.json("GET", "/v1/billing/conflicts", billing);
    expect(open.items).toMatchObject([
      {
        meterId: "M5",
        measuredAt: at(0),
        versions: [{ volumeM3: "10.500" }, { volumeM3: "10.700" }],
      },
    ]);
    const body = { measuredAt: at(0), volumeM3: "10.700", decision: "validated", reason: "photo" };
    const path = "/v1/meters/M5/register-decisions";
    expect((await rig.call("POST", path, { role: "operator", body })).status).toBe(403);
    await rig.json("POST", path, { ...billing, body });
    const after: Json = await rig.json("GET", `/v1/meters/M5/consumption?${days}`, billing);
    expect(after).toMatchObject({ volumeM3: "1.300", openConflicts: 0, standing: "ready" });
    expect(after.hash).not.toBe(before.hash);
    expect(await rig.json("GET", "/v1/billing/conflicts", billing)).toEqual({
      items: [],
      next: null,
    });
  });

  test("a volume at base conditions stands beside the raw one, with all it was made from", async () => {
    await rig.json("POST", "/v1/meters", { body: { id: "M6", size: "G25", protocol: "json" } });
    for (const [hour, m3] of [
      [0, "100.000"],
      [12, "110.000"],
      [24, "130.000"],
    ] as const) {
      rig.uplink(6, { measuredAt: at(hour), volumeM3: m3 });
    }
    const path = "/v1/meters/M6/conversions";
    const gas = { gasPressureKpa: "103.325", gasTemperatureC: "5", reason: "regulator set" };
    await rig.json("POST", path, { ...engineer, body: { from: at(-24), ...gas } });
    const later = { from: at(12), ...gas, gasPressureKpa: "202.65", gasTemperatureC: "20" };
    await rig.json("POST", path, { ...engineer, body: { ...later, compressibilityRatio: "1.01" } });
    const days = `from=${date(0)}&to=${date(1)}`;
    const row: Json = await rig.json("GET", `/v1/meters/M6/consumption?${days}`, billing);
    expect(row.volumeM3).toBe("30.000");
    // 10 m³ by (103.325/101.325)·(293.15/278.15), 20 m³ by 2 · 1.01; worked out with fractions.
    expect(row.base).toMatchObject({
      volumeM3: "51.147307",
      parts: [
        { from: at(0), to: at(12), rawM3: "10.000", volumeM3: "10.747307", factor: "1.074731" },
        {
          rawM3: "20.000",
          volumeM3: "40.400",
          factor: "2.020000",
          gasPressureKpa: "202.650",
          basePressureKpa: "101.325",
          baseTemperatureC: "20.00",
          compressibilityRatio: "1.010000",
          method: "fixed",
        },
      ],
    });
    const odd = await rig.call("POST", path, {
      ...engineer,
      body: { ...later, gasPressureKpa: "0" },
    });
    expect(odd.status).toBe(400);
  });

  test("the checks are shown by name and instant, with what became of the register", async () => {
    rig.uplink(1, { measuredAt: at(12), volumeM3: "900.000" });
    const days = `from=${date(0)}&to=${date(1)}`;
    const found: Json = await rig.json("GET", `/v1/meters/M1/checks?${days}`, billing);
    expect(found.items).toEqual([{ check: "capacity", at: at(12), verdict: "left-out" }]);
    const row: Json = await rig.json("GET", `/v1/meters/M1/consumption?${days}`, billing);
    expect(row).toMatchObject({ volumeM3: "24.000", flags: ["capacity"], standing: "ready" });
  });
});

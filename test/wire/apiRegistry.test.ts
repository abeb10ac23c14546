/** Registry, credentials and keys over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiRig, type ApiRig } from "../support/apiRig.ts";

let rig: ApiRig;

beforeAll(async () => {
  rig = await startApiRig();
});
afterAll(async () => {
  await rig.close();
});

const minimal = (id: string) => ({ id, size: "G4", protocol: "json" });

describe("meters", () => {
  test("a meter is registered with defaults and read back", async () => {
    const created = await rig.call("POST", "/v1/meters", { body: minimal("A1") });
    expect(created.status).toBe(201);
    expect(created.headers.get("etag")).toBe('"1"');
    expect(created.headers.get("location")).toBe("/v1/meters/A1");
    const expected = {
      id: "A1",
      size: "G4",
      protocol: "json",
      quantumMl: 10_000,
      registerRangeMl: 100_000_000_000,
      area: "default",
      siteClass: "household",
      position: null,
      address: null,
      critical: false,
      pilotMlPerHour: 0,
      frameAddress: null,
      carrierAddress: null,
      kind: "meter",
      verificationDueOn: null,
      retirementDueOn: null,
      profile: null,
      selfClosesAfterDays: null,
      reportEverySeconds: 3600,
      state: "active",
      lastSeenAt: null,
      valve: null,
      etag: '"1"',
    };
    expect(await created.json()).toEqual(expected);
    expect(await rig.json("GET", "/v1/meters/A1")).toEqual(expected);
  });

  test("the postal address is for those who may see it", async () => {
    await rig.call("POST", "/v1/meters", { body: { ...minimal("A2"), address: "1 Canal Road" } });
    expect(await rig.json("GET", "/v1/meters/A2", { role: "dispatcher" })).toHaveProperty(
      "address",
      "1 Canal Road",
    );
    for (const role of ["viewer", "auditor"] as const) {
      expect(await rig.json("GET", "/v1/meters/A2", { role })).not.toHaveProperty("address");
    }
  });

  test("a second registration of the same id is refused", async () => {
    await rig.call("POST", "/v1/meters", { body: minimal("A3") });
    const again = await rig.call("POST", "/v1/meters", { body: minimal("A3") });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ type: "urn:mercaptan:problem:already-exists" });
  });

  test("a change needs the ETag that was read", async () => {
    await rig.call("POST", "/v1/meters", { body: minimal("A4") });
    const change = async (headers: Record<string, string>) =>
      rig.call("PATCH", "/v1/meters/A4", { body: { area: "north", critical: true }, headers });
    expect((await change({})).status).toBe(428);
    expect((await change({ "if-match": '"7"' })).status).toBe(412);
    expect((await change({ "if-match": 'W/"1"' })).status).toBe(412);
    const changed = await change({ "if-match": '"1"' });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("etag")).toBe('"2"');
    expect(await changed.json()).toMatchObject({ area: "north", critical: true, size: "G4" });
    expect((await change({ "if-match": '"1"' })).status).toBe(412);
    expect((await change({ "if-match": "*" })).status).toBe(200);
  });

  test("pages go on at the cursor", async () => {
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const suffix = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: { items: { id: string }[]; next: string | null } = await rig.json(
        "GET",
        `/v1/meters?limit=2${suffix}`,
      );
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    }
    expect(seen).toEqual(["A1", "A2", "A3", "A4"]);
    expect((await rig.call("GET", "/v1/meters?cursor=nonsense")).status).toBe(400);
  });
});

describe("bulk import", () => {
  const post = async (type: string, body: string) =>
    rig.json("POST", "/v1/meters/import", { body, headers: { "content-type": type } });

  test("CSV: a result per row", async () => {
    const result = await post(
      "text/csv",
      "id,size,protocol,area,longitude,latitude,address,critical\r\n" +
        'B1,G4,json,north,120.58,30.01,"Canal ""Old"" Road, 1",true\r\n' +
        "B1,G4,json,north,,,,\r\n" +
        "B2,G99,json,north,,,,\r\n",
    );
    expect(result).toMatchObject({ created: 1, refused: 2 });
    expect(result["items"]).toMatchObject([
      { row: 1, id: "B1", result: "created", problem: null },
      { row: 2, id: "B1", result: "refused", problem: "already-exists" },
      { row: 3, id: "B2", result: "refused", problem: "invalid-request" },
    ]);
    expect(await rig.json("GET", "/v1/meters/B1")).toMatchObject({
      area: "north",
      address: 'Canal "Old" Road, 1',
      critical: true,
      position: { longitude: 120.58, latitude: 30.01, crs: "WGS84" },
    });
  });

  test("NDJSON and a JSON array", async () => {
    const rows = [minimal("B3"), minimal("B4")];
    const ndjson = rows.map((row) => JSON.stringify(row)).join("\n");
    expect(await post("application/x-ndjson", ndjson)).toMatchObject({ created: 2, refused: 0 });
    const array = JSON.stringify([minimal("B5"), { id: "B6" }]);
    expect(await post("application/json", array)).toMatchObject({ created: 1, refused: 1 });
  });

  test("a body larger than other routes take", async () => {
    const address = "a long street ".repeat(18);
    const rows = Array.from({ length: 300 }, (_, no) => ({ ...minimal(`BULK-${no}`), address }));
    const body = JSON.stringify(rows);
    expect(body.length).toBeGreaterThan(64 * 1024);
    expect(await post("application/json", body)).toMatchObject({ created: 300, refused: 0 });
  });

  test("a stray quote is a problem, not a guess", async () => {
    const response = await rig.call("POST", "/v1/meters/import", {
      body: 'id,size\r\nB9,"G4\r\n',
      headers: { "content-type": "text/csv" },
    });
    expect(response.status).toBe(400);
  });
});

describe("credentials, gateways and keys", () => {
  test("a meter's secret is shown once and can be revoked", async () => {
    await rig.call("POST", "/v1/meters", { body: minimal("C1") });
    const issued = await rig.call("POST", "/v1/meters/C1/credentials");
    expect(issued.status).toBe(201);
    expect(await issued.json()).toEqual({ username: "C1", secret: "meter-C1" });
    expect((await rig.call("DELETE", "/v1/meters/C1/credentials")).status).toBe(204);
    expect((await rig.call("POST", "/v1/meters/none/credentials")).status).toBe(404);
  });

  test("a gateway with its meters, and its secret", async () => {
    const body = { id: "GW1", meterIds: ["A1", "A2"] };
    expect((await rig.call("POST", "/v1/gateways", { body })).status).toBe(201);
    expect(await rig.json("GET", "/v1/gateways")).toEqual({ items: [body] });
    expect(await rig.json("POST", "/v1/gateways/GW1/credentials")).toEqual({
      username: "GW1",
      secret: "gateway-GW1",
    });
    expect((await rig.call("DELETE", "/v1/gateways/GW1/credentials")).status).toBe(204);
    expect((await rig.call("POST", "/v1/gateways/none/credentials")).status).toBe(404);
  });

  test("a key works until it is revoked, is listed without its secret, and cannot revoke itself", async () => {
    const body = { role: "viewer", label: "lobby screen" };
    const { id, key } = await rig.json("POST", "/v1/keys", { body });
    expect(key).toMatch(/^mk_[0-9a-f]{12}_[0-9a-f]{64}$/);
    const headers = { authorization: `Bearer ${String(key)}` };
    const read = async () => rig.call("GET", "/v1/alarms", { role: null, headers });
    expect((await read()).status).toBe(200);
    const listed = await (await rig.call("GET", "/v1/keys")).text();
    expect(listed).toContain("lobby screen");
    expect(listed).not.toContain(String(key));
    expect((await rig.call("DELETE", `/v1/keys/${String(id)}`)).status).toBe(204);
    expect((await read()).status).toBe(401);
    const [, own] = rig.keyOf("admin").split("_");
    expect((await rig.call("DELETE", `/v1/keys/${own}`)).status).toBe(409);
  });
});

test("an Idempotency-Key is passed on, bound to key and address; another body under it is refused", async () => {
  const headers = { "idempotency-key": "once-1" };
  const first = await rig.call("POST", "/v1/meters", { body: minimal("D1"), headers });
  const again = await rig.call("POST", "/v1/meters", { body: minimal("D1"), headers });
  expect([first.status, again.status]).toEqual([201, 201]);
  const other = await rig.call("POST", "/v1/meters", { body: minimal("D2"), headers });
  expect(other.status).toBe(422);
  expect(await other.json()).toMatchObject({ type: "urn:mercaptan:problem:idempotency-mismatch" });
  const byOther = await rig.call("POST", "/v1/meters", {
    body: minimal("D2"),
    headers,
    role: "engineer",
  });
  expect(byOther.status).toBe(201);
  const [, adminId] = rig.keyOf("admin").split("_");
  expect(rig.asked.at(-3)?.idempotency?.key).toBe(`${adminId} POST /v1/meters once-1`);
  const invalid = await rig.call("POST", "/v1/meters", {
    body: minimal("D3"),
    headers: { "idempotency-key": "x".repeat(129) },
  });
  expect(invalid.status).toBe(400);
});

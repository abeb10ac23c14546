/** Keys of ciphered meters and frames in quarantine over HTTP. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiRig, type ApiRig } from "../support/apiRig.ts";

const encryption = "00112233445566778899aabbccddeeff";
let rig: ApiRig;

beforeAll(async () => {
  rig = await startApiRig();
  await rig.json("POST", "/v1/meters", { body: { id: "K1", size: "G4", protocol: "mbus" } });
});
afterAll(async () => {
  await rig.close();
});

const put = (body: unknown, role: "engineer" | "operator" = "engineer") =>
  rig.call("PUT", "/v1/meters/K1/keys", { body, role });
const listed = () => rig.json("GET", "/v1/meters/K1/keys");

test("a key goes in and never comes out", async () => {
  expect((await put({ encryption })).status).toBe(204);
  const { items } = await listed();
  expect(items).toEqual([
    { purpose: "encryption", algorithm: "aes-128", setAt: expect.any(String) },
  ]);
  const everywhere = await Promise.all(
    ["/v1/meters/K1", "/v1/meters/K1/keys", "/v1/audit", "/v1/events"].map(async (path) =>
      (await rig.call("GET", path)).text(),
    ),
  );
  const said = [...everywhere, JSON.stringify(rig.asked), rig.noted.join()].join();
  expect(said).toContain("meterKeys.put");
  expect(said.toLowerCase()).not.toContain(encryption);
  expect(said).not.toContain(Buffer.from(encryption, "hex").toString("base64"));
});

test("a wrong key is refused without being repeated", async () => {
  for (const wrong of [`${encryption}00`, "zz", 17, null]) {
    const answer = await put({ encryption: wrong });
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain(encryption);
  }
  expect((await put({})).status).toBe(400);
  expect((await put({ encryption }, "operator")).status).toBe(403);
});

test("a second purpose is added, and all go at once", async () => {
  await put({ authentication: encryption, algorithm: "aes-128" });
  expect((await listed()).items).toHaveLength(2);
  const dropped = await rig.call("DELETE", "/v1/meters/K1/keys", { role: "engineer" });
  expect(dropped.status).toBe(204);
  expect((await listed()).items).toEqual([]);
  expect((await rig.call("DELETE", "/v1/meters/NONE/keys")).status).toBe(404);
});

test("without a master key nothing can be kept, and the answer says what to set", async () => {
  const bare = await startApiRig({ vault: null });
  try {
    await bare.json("POST", "/v1/meters", { body: { id: "K1", size: "G4", protocol: "mbus" } });
    const answer = await bare.call("PUT", "/v1/meters/K1/keys", { body: { encryption } });
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain("keys.masterKeyFile");
  } finally {
    await bare.close();
  }
});

test("what still cannot be decoded stays in quarantine, with the reason in the answer", async () => {
  rig.uplink(1, { nonsense: true });
  const { items } = await rig.json("GET", "/v1/quarantine");
  const path = `/v1/quarantine/${items[0].id}/redecode`;
  const answer = await rig.call("POST", path, { role: "engineer" });
  expect(answer.status).toBe(409);
  expect(await answer.text()).toContain("SCHEMA");
  expect((await rig.call("POST", path, { role: "operator" })).status).toBe(403);
  expect((await rig.call("POST", "/v1/quarantine/999/redecode")).status).toBe(404);
  expect((await rig.json("GET", "/v1/quarantine")).items).toEqual(items);
});

/** Every route × every role, by the table; and the documents that say so. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { ApiKeys } from "#api/apiKeys.ts";
import {
  isPermitted,
  mayNow,
  permissions,
  type Permission,
  type RoutePermission,
} from "#api/permissions.ts";
import { problems } from "#api/problems.ts";
import { roles, type Role } from "#domain/role.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiRig, type ApiRig } from "../support/apiRig.ts";

let rig: ApiRig;
let routes: readonly { method: string; path: string; permission: RoutePermission }[];

interface OpenApi {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { "x-permission": RoutePermission }>>>
  >;
}

beforeAll(async () => {
  rig = await startApiRig();
  const { paths } = (await rig.json("GET", "/openapi.json")) as OpenApi;
  routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{(?:id|gatewayId)\}/g, "X1"),
      permission: operation["x-permission"],
    })),
  );
});
afterAll(async () => rig.close());

describe("the permission table", () => {
  test("every route of the contract is there, with a permission", () => {
    expect(routes.map(({ method, path, permission }) => `${method} ${path} ${permission}`)).toEqual(
      expect.arrayContaining([
        "POST /v1/meters/X1/valve/close valves.close",
        "GET /v1/live events.read",
        "GET /metrics public",
        "POST /v1/push/chirpstack/X1 gateway",
      ]),
    );
    expect(routes.length).toBeGreaterThan(40);
    for (const { permission } of routes) {
      expect(["public", "gateway", ...Object.keys(permissions)]).toContain(permission);
    }
  });

  test.each(roles)("%s: refused exactly where the table does not permit", async (role) => {
    for (const { method, path, permission } of routes) {
      // An API key is no gateway's secret; test/wire/apiPushes.test.ts tries those.
      if (permission === "gateway") continue;
      // The feed that never ends has tests of its own; here only its refusal is asked for.
      const mayPass = permission === "public" || isPermitted(role, permission);
      if (path.endsWith("/sse") && mayPass) continue;
      const headers = method === "GET" ? {} : { "content-type": "application/json" };
      const response = await rig.call(method, path, { role, headers });
      await response.arrayBuffer();
      if (mayPass) expect([401, 403], `${method} ${path}`).not.toContain(response.status);
      else expect(response.status, `${method} ${path}`).toBe(403);
    }
  });

  test("without a key, or with one that nobody issued: 401 with a challenge", async () => {
    for (const { method, path, permission } of routes) {
      const response = await rig.call(method, path, { role: null });
      await response.arrayBuffer();
      if (permission === "public") expect(response.status).toBe(200);
      else if (method === "GET" && permission === "gateway") expect(response.status).toBe(400);
      else expect(response.status, `${method} ${path}`).toBe(401);
    }
    for (const authorization of ["Bearer mk_0_0", "Basic YTpi", "Bearer", "bearer  ", "x"]) {
      const response = await rig.call("GET", "/v1/alarms", {
        role: null,
        headers: { authorization },
      });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /);
    }
    expect(rig.noted).toContain("api.unauthorised");
    expect(rig.noted).toContain("api.forbidden");
  });

  test("the auditor changes nothing, the administrator touches no valve, no alarm, no automation", () => {
    const held = (role: "auditor" | "admin") =>
      Object.keys(permissions).filter((name) => isPermitted(role, name as Permission));
    expect(held("auditor").filter((name) => !name.endsWith(".read"))).toEqual([]);
    expect(
      held("admin").filter((name) => /^(valves|commands|alarms|automation)\./.test(name)),
    ).toEqual(["alarms.read", "commands.read"]);
  });

  test("while only administrators hold keys they may do everything, and no longer", () => {
    const row = (role: Role) => ({ id: role, keyHash: role, role, label: role });
    const alone = new ApiKeys([row("admin")]);
    expect(mayNow("admin", "valves.close", alone)).toBe(true);
    const staffed = new ApiKeys([row("admin"), row("viewer")]);
    expect(mayNow("admin", "valves.close", staffed)).toBe(false);
    expect(mayNow("viewer", "valves.close", new ApiKeys([row("viewer")]))).toBe(false);
  });

  test("nothing in the whole API opens: one route permits it to whoever is at the meter", async () => {
    const { paths } = (await rig.json("GET", "/openapi.json")) as OpenApi;
    const text = JSON.stringify(paths).replaceAll('"enum":["open","closed"', "");
    expect(Object.keys(paths).filter((path) => /open(?!api)/.test(path))).toEqual([
      "/v1/meters/{id}/valve/permit-opening",
    ]);
    expect(text).not.toMatch(/"open"/i);
    await rig.call("POST", "/v1/meters", { body: { id: "X9", size: "G4", protocol: "json" } });
    for (const body of [
      { reason: "x", action: "open" },
      { reason: "x", valve: "open" },
    ]) {
      const close = "/v1/meters/X9/valve/close";
      expect((await rig.call("POST", close, { role: "operator", body })).status).toBe(400);
    }
    const open = await rig.call("POST", "/v1/meters/X9/valve/open", { role: "dispatcher" });
    expect(open.status).toBe(404);
  });
});

describe("documents", () => {
  test("OpenAPI 3.1 that a validator of another house accepts", async () => {
    const document = await rig.json("GET", "/openapi.json", { role: null });
    const result = await new Validator().validate(document);
    expect(result).toEqual({ valid: true });
    expect(document).toMatchObject({ openapi: "3.1.0" });
    expect(JSON.stringify(document)).toContain("application/problem+json");
  });

  test("AsyncAPI 3 names the feed", async () => {
    expect(await rig.json("GET", "/asyncapi.json", { role: null })).toMatchObject({
      asyncapi: "3.0.0",
      channels: { live: { address: "/v1/live" } },
    });
  });

  test("problems have titles in both languages", async () => {
    const titles = await Promise.all(
      ["zh-CN,zh;q=0.9,en;q=0.8", "en;q=0.9,zh;q=0.1", "fr"].map(async (language) => {
        const response = await rig.call("GET", "/v1/nothing", {
          headers: { "accept-language": language },
        });
        expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
        const { title } = (await response.json()) as { title: string };
        return [title, response.headers.get("content-language")];
      }),
    );
    const { zh, en } = problems["no-such-route"];
    expect(titles).toEqual([
      [zh, "zh-CN"],
      [en, "en"],
      [en, "en"],
    ]);
  });
});

describe("probes", () => {
  test("alive, metrics, and ready with reasons", async () => {
    expect(await rig.json("GET", "/healthz", { role: null })).toEqual({ status: "ok" });
    expect(await rig.json("GET", "/readyz", { role: null })).toEqual({ ready: true, reasons: [] });
    expect(await (await rig.call("GET", "/metrics", { role: null })).text()).toBe("up 1\n");
    const reasons = ["engine: no commit for 5 s"];
    const blind = await startApiRig({ readiness: () => ({ ready: false, reasons }) });
    const response = await blind.call("GET", "/readyz", { role: null });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ ready: false, reasons });
    await blind.close();
  });
});

/** Hostile HTTP: each input gets its typed answer, and the process goes on. */
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startApiRig, type ApiRig } from "../support/apiRig.ts";

let rig: ApiRig;

beforeAll(async () => {
  rig = await startApiRig({ limits: { requestTimeoutMs: 400 } });
});
afterEach(async () => {
  expect((await rig.call("GET", "/healthz")).status).toBe(200);
});
afterAll(async () => rig.close());

/** Everything that comes back until the other side closes. */
async function raw(port: number, ...chunks: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (bytes) => (answer += bytes.toString()));
  const ended = Promise.withResolvers<void>();
  socket.on("close", () => ended.resolve());
  socket.on("error", () => ended.resolve());
  for (const chunk of chunks) socket.write(chunk);
  await ended.promise;
  return answer;
}

function head(method: string, path: string, ...headers: readonly string[]): string {
  const authorization = `Authorization: Bearer ${rig.keyOf("admin")}`;
  const lines = [`${method} ${path} HTTP/1.1`, "Host: x", authorization, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

async function post(body: string | Buffer, ...headers: readonly string[]): Promise<string> {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return raw(rig.port, head("POST", "/v1/meters", length, "Connection: close", ...headers), body);
}

function expectProblem(answer: string, status: number, word: string): void {
  expect(answer.split("\r\n", 1)[0]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer.toLowerCase()).toContain("content-type: application/problem+json");
  expect(answer).toContain(`urn:mercaptan:problem:${word}`);
}

const json = "Content-Type: application/json";
const meter = JSON.stringify({ id: "H1", size: "G4", protocol: "json" });

describe("the body", () => {
  test.each([
    ["text/plain"],
    ["application/x-www-form-urlencoded"],
    ["text/csv"],
    ["application/jsonx"],
    ["application/json\tx"],
    ["\tapplication/json\t,"],
    ["application /json"],
    ["multipart/form-data; boundary=x"],
  ])("content type %j", async (type) => {
    expectProblem(await post(meter, `Content-Type: ${type}`), 415, "unsupported-media-type");
  });

  test("a content type with parameters and tabs is validated all the same", async () => {
    for (const type of ["application/json;\tcharset=utf-8", "application/json\t; charset=utf-8"]) {
      const answer = await post(JSON.stringify({ id: "no good id" }), `Content-Type: ${type}`);
      expect(answer).toMatch(/^HTTP\/1\.1 4(00|15) /);
    }
  });

  test.each([
    ["not JSON", "{", "malformed-json"],
    ["NaN", '{"id":NaN}', "malformed-json"],
    ["a prototype", '{"__proto__":{"x":1},"id":"H1"}', "malformed-json"],
    ["a constructor", '{"constructor":{"prototype":{}},"id":"H1"}', "malformed-json"],
    ["17 levels", "[".repeat(17) + "]".repeat(17), "too-deep"],
    ["broken UTF-8", Buffer.from([0x22, 0xc3, 0x28, 0x22]), "invalid-request"],
    ["an array", "[]", "invalid-request"],
    ["no body", "", "invalid-request"],
  ])("%s", async (_what, body, word) => {
    expectProblem(await post(body, json), 400, word);
  });

  test("500,000 levels do not reach the parser", async () => {
    const deep = "[".repeat(500_000);
    const headers = { "content-type": "application/json" };
    const response = await rig.call("POST", "/v1/meters/import", { body: deep, headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: "urn:mercaptan:problem:too-deep" });
  });

  test("too large: 413 by the length it claims, and by what it sends in chunks", async () => {
    expectProblem(await post(`"${"x".repeat(70_000)}"`, json), 413, "body-too-large");
    const chunk = `2000\r\n${"x".repeat(0x2000)}\r\n`;
    const start = head("POST", "/v1/meters", json, "Transfer-Encoding: chunked");
    expectProblem(await raw(rig.port, start, chunk.repeat(9)), 413, "body-too-large");
  });

  test.each([
    ["lone surrogate", '"\\ud800"'],
    ["NUL", '"a\\u0000b"'],
    ["escape sequence", '"\\u001b[31mred"'],
    ["right-to-left override", '"\\u202egnp.exe"'],
    ["65 characters", JSON.stringify("x".repeat(65))],
    ["a number", "1e999"],
  ])("an area of %s is refused with its pointer", async (_what, area) => {
    const answer = await post(`{"id":"H1","size":"G4","protocol":"json","area":${area}}`, json);
    expectProblem(answer, 400, "invalid-request");
    expect(answer).toContain('"in":"body","pointer":"/area"');
  });

  test.each(["", "../x", "M 1", "a".repeat(33), "M1\u0000", "Ｍ１", "<script>"])(
    "the id %j is refused",
    async (id) => {
      const answer = await post(JSON.stringify({ id, size: "G4", protocol: "json" }), json);
      expectProblem(answer, 400, "invalid-request");
    },
  );

  test("an unknown key is refused", async () => {
    const answer = await post(`${meter.slice(0, -1)},"isAdmin":true}`, json);
    expectProblem(answer, 400, "invalid-request");
  });
});

describe("the message", () => {
  test.each([
    ["two lengths", ["Content-Length: 4", "Content-Length: 40"]],
    ["a length and chunks", ["Content-Length: 4", "Transfer-Encoding: chunked"]],
    ["a length that is none", ["Content-Length: -1"]],
    ["a header with a line break in its name", ["Bad Header: 1"]],
  ])("%s", async (_what, headers) => {
    expectProblem(
      await raw(rig.port, head("POST", "/v1/meters", ...headers), "abcd"),
      400,
      "malformed-http",
    );
  });

  test("a chunk that is none", async () => {
    const start = head("POST", "/v1/meters", json, "Transfer-Encoding: chunked");
    const answer = await raw(rig.port, start, "zz\r\n{}\r\n0\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("random bytes, another protocol, an unknown method", async () => {
    for (const bytes of [
      Buffer.from("102a00044d5154540402003c00166d657263617074616e", "hex"),
      "\u0016\u0003\u0001",
      "BREW /v1/meters HTTP/1.1\r\n\r\n",
    ]) {
      expectProblem(await raw(rig.port, bytes, "\r\n\r\n"), 400, "malformed-http");
    }
  });

  test("headers and addresses without end", async () => {
    const huge = "x".repeat(20_000);
    const answers = [
      await raw(rig.port, head("GET", "/v1/meters", `X-Huge: ${huge}`)),
      await raw(rig.port, head("GET", `/v1/meters?area=${huge}`)),
    ];
    for (const answer of answers) expectProblem(answer, 431, "headers-too-large");
    const long = await rig.call("GET", `/v1/meters/${"x".repeat(700)}`);
    expect(long.status).toBeGreaterThanOrEqual(400);
    expect(long.status).toBeLessThan(500);
    expect(long.headers.get("content-type")).toMatch(/problem/);
  });

  test("an address that cannot be decoded", async () => {
    const answer = await raw(rig.port, head("GET", "/v1/meters/%zz", "Connection: close"));
    expectProblem(answer, 400, "invalid-request");
  });

  test("one byte and then nothing: cut at the deadline", async () => {
    expectProblem(await raw(rig.port, "G"), 408, "request-timeout");
    const start = head("POST", "/v1/meters", json, "Content-Length: 100");
    expect(await raw(rig.port, start, "{")).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe("the query", () => {
  test.each([
    ["/v1/meters?limit=1000000000", "/limit"],
    ["/v1/meters?limit=0", "/limit"],
    ["/v1/meters?limit=ten", "/limit"],
    ["/v1/events?limit=1000000000", "/limit"],
    ["/v1/events?after=-1", "/after"],
    ["/v1/meters/H1/readings?from=1926-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "/from"],
    ["/v1/meters/H1/readings?from=yesterday", "/from"],
    ["/v1/meters/H1/readings?from=2026-01-01T00:00:00", "/from"],
    ["/v1/billing/registers?format=xlsx", "/format"],
    ["/v1/meters?area=a&area=b", "/area"],
  ])("%s", async (path, pointer) => {
    const response = await rig.call("GET", path);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: "urn:mercaptan:problem:invalid-request",
      errors: [{ in: "query", pointer }],
    });
  });

  test("an unknown parameter, and an injection in one that is known", async () => {
    expect((await rig.call("GET", "/v1/meters?limt=5")).status).toBe(400);
    const injection = encodeURIComponent("'; DROP TABLE meters; --");
    expect(await rig.json("GET", `/v1/meters?area=${injection}`)).toEqual({
      items: [],
      next: null,
    });
  });

  test("wrong methods and unknown routes are problems too", async () => {
    for (const [method, path] of [
      ["PUT", "/v1/meters"],
      ["DELETE", "/v1/meters"],
      ["GET", "/%2e%2e/etc/passwd"],
      ["POST", "/v1/alarms/x/forget"],
    ] as const) {
      const response = await rig.call(method, path);
      expect(response.status, path).toBe(404);
      expect(await response.json()).toMatchObject({ status: 404 });
    }
  });
});

test("too many requests: 429 and when to come again; probes are never limited", async () => {
  const limits = { requestsPerWindowAndAddress: 3, requestsPerWindowAndKey: 5 };
  const strict = await startApiRig({ limits });
  const statuses: number[] = [];
  for (let tried = 0; tried < 5; tried++) {
    statuses.push((await strict.call("GET", "/v1/alarms", { role: null })).status);
  }
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
  const limited = await strict.call("GET", "/v1/nothing", { role: null });
  expect(limited.status).toBe(429);
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await limited.json()).toMatchObject({ type: "urn:mercaptan:problem:too-many-requests" });
  expect((await strict.call("GET", "/v1/alarms")).status).toBe(200);
  expect((await strict.call("GET", "/readyz", { role: null })).status).toBe(200);
  expect(strict.noted).toContain("api.rateLimited");
  await strict.close();
});

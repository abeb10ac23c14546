/**
 * What may be asked of the API, and what a meter may say about its valve: faults-and-security section 6, rows 24 and
 * 39 to 45, against the real process. The answers in detail are tested in the wire tests of the API.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { connect as connectTcp } from "node:net";
import { once } from "node:events";
import { WebSocket } from "ws";
import { minuteMs } from "#domain/units.ts";
import { Books, expectCalm, json, nowMs } from "../support/hostile.ts";
import { Home, type Service } from "../support/program.ts";

interface Order {
  readonly id: string;
  readonly meterId: string;
  readonly state: string;
}

const home = new Home();
let service: Service;
let books: Books;
/** Orders that a person or a leak has rightly given so far. */
let orders = 0;
const keys: Record<string, string> = {};

beforeAll(async () => {
  service = await home.serve();
  books = new Books(service);
  const ids = ["V1", "V2", "L1", "-A1"];
  await service.register(ids.map((id) => ({ id, protocol: "json" as const })));
  for (const role of ["viewer", "dispatcher"]) {
    const made = await service.call<{ key: string }>("POST", "/v1/keys", { role, label: role });
    keys[role] = made.key;
  }
});
afterEach(async () => expectCalm(service, orders));
afterAll(async () => home.remove());

async function publish(meterId: string, ...frames: readonly Buffer[]): Promise<void> {
  const meter = await service.login(meterId, { clientId: `${meterId}/reporting` });
  for (const frame of frames) {
    await meter.publishAsync(`meters/${meterId}/up/json`, frame, { qos: 1 });
    books.stored += 1;
  }
  await meter.endAsync();
}

function asRole(role: string, method: string, path: string, body?: unknown, headers = {}) {
  return service.fetch(method, path, body, { authorization: `Bearer ${keys[role]}`, ...headers });
}

async function expectProblem(response: Response, status: number, word: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ type: `urn:mercaptan:problem:${word}`, status });
}

test.each([
  ["limit=10^9", "/v1/meters?limit=1000000000"],
  ["a hundred years", "/v1/meters/V1/readings?from=1926-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"],
  ["an unknown parameter", "/v1/meters?limt=1"],
])("40: %s", async (_what, path) => {
  await expectProblem(await service.fetch("GET", path), 400, "invalid-request");
});

test("40: another content type, a form, an endless header", async () => {
  const body = { id: "X1", size: "G4", protocol: "json" };
  const asText = { "content-type": "text/plain" };
  const refused = await service.fetch("POST", "/v1/meters", body, asText);
  await expectProblem(refused, 415, "unsupported-media-type");
  const endless = await service.fetch("GET", "/v1/meters", undefined, {
    "x-a": "a".repeat(20_000),
  });
  await expectProblem(endless, 431, "headers-too-large");
});

test.each([
  ["two lengths", "Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd"],
  ["a length and chunks", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nabcd"],
  ["a chunk that lies", "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"],
])("40: %s", async (_what, rest) => {
  const socket = connectTcp(Number(new URL(service.api).port), "127.0.0.1");
  let answer = "";
  socket.on("data", (bytes) => (answer += bytes.toString()));
  const head = `POST /v1/meters HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${service.key}\r\n`;
  socket.write(`${head}Content-Type: application/json\r\n${rest}`);
  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

test("39: the live feed takes no foreign page, no stranger and no speeches", async () => {
  const address = `${service.api.replace("http", "ws")}/v1/live`;
  const authorization = `Bearer ${service.key}`;
  const statusOf = async (headers: Record<string, string>) => {
    const socket = new WebSocket(address, { headers });
    const [, response] = (await once(socket, "unexpected-response")) as [
      unknown,
      { statusCode?: number },
    ];
    return response.statusCode;
  };
  expect(await statusOf({ authorization, origin: "https://elsewhere.example" })).toBe(403);
  const before = await service.event("api.unauthorised");
  expect(await statusOf({})).toBe(401);
  expect(await service.event("api.unauthorised")).toBe(before + 1);
  const talkative = new WebSocket(address, { headers: { authorization } });
  await once(talkative, "open");
  talkative.send("x".repeat(64 * 1_024));
  const [code] = (await once(talkative, "close")) as [number];
  expect(code).toBe(1009);
});

test("24: an id that a spreadsheet would run is made text, an injection is a name like any other", async () => {
  await publish("-A1", json());
  const exported = await service.fetch("GET", "/v1/billing/registers?format=csv");
  expect(await exported.text()).toContain("\r\n'-A1,");
  const area = "'; DROP TABLE meter; --<script>";
  await service.call("POST", "/v1/meters", { id: "X2", size: "G4", protocol: "json", area });
  expect(await service.items(`/v1/meters?area=${encodeURIComponent(area)}`)).toHaveLength(1);
});

const close = "/v1/meters/V1/valve/close";

test("41: no such meter, not your role, the same key for another request, nobody at all", async () => {
  const nowhere = await asRole("dispatcher", "POST", "/v1/meters/V9/valve/close", { reason: "x" });
  await expectProblem(nowhere, 404, "not-found");
  const before = await service.event("api.forbidden");
  await expectProblem(await asRole("viewer", "POST", close, { reason: "x" }), 403, "forbidden");
  await expectProblem(await service.fetch("POST", close, { reason: "x" }), 403, "forbidden");
  expect(await service.event("api.forbidden")).toBe(before + 2);
  const stranger = await fetch(`${service.api}${close}`, { method: "POST" });
  await expectProblem(stranger, 401, "unauthorised");

  const sameKey = { "idempotency-key": "one-order" };
  const ordered = await asRole("dispatcher", "POST", close, { reason: "smell of gas" }, sameKey);
  expect(ordered.status).toBe(202);
  orders += 1;
  const again = await asRole("dispatcher", "POST", close, { reason: "smell of gas" }, sameKey);
  expect(await again.json()).toMatchObject({ id: ((await ordered.json()) as Order).id });
  const other = await asRole("dispatcher", "POST", close, { reason: "another" }, sameKey);
  await expectProblem(other, 422, "idempotency-mismatch");
  const audit = await service.items<{ act: string; actor: string }>("/v1/audit");
  expect(audit.filter(({ act }) => act.startsWith("valve"))).toMatchObject([
    { actor: "dispatcher" },
  ]);
});

async function orderOf(meterId: string): Promise<Order> {
  const [order] = await service.items<Order>(`/v1/commands?meterId=${meterId}`);
  if (order === undefined) expect.unreachable(`no order for ${meterId}`);
  return order;
}

test("42: an answer by another meter, to an unknown id, or before sending, moves nothing", async () => {
  const { id, state } = await orderOf("V1");
  const mismatches = async () =>
    service.metric("mercaptan_commands_total", { action: "other", outcome: "other" });
  const before = await mismatches();
  const reply = (commandId: string) =>
    json({
      measuredAt: undefined,
      volumeM3: undefined,
      status: undefined,
      reply: { commandId, result: "executed" },
    });
  await publish("V2", reply(id));
  await publish("V1", reply("0192-nobody"), reply(id));
  expect(await mismatches()).toBe(before + 3);
  expect(await orderOf("V1")).toMatchObject({ id, state });
});

test("43: closed, says the meter, and the register runs on: passing, and a person is called", async () => {
  const meter = await service.login("V1");
  const arrived = new Promise<Buffer>((resolve) => {
    meter.once("message", (_topic, payload) => resolve(payload));
  });
  await meter.subscribeAsync("meters/V1/down/json", { qos: 1 });
  const payload = await arrived;
  const { commandId, action } = JSON.parse(payload.toString()) as Record<string, string>;
  expect(action).toBe("close");
  const say = async (minutes: number, volumeM3: string) => {
    const measuredAt = nowMs + minutes * minuteMs;
    const reply = { commandId, result: "executed" };
    await publish(
      "V1",
      json({ measuredAt, volumeM3, valve: "closed", ...(minutes === 1 ? { reply } : {}) }),
    );
  };
  await say(1, "1000.000");
  expect(await orderOf("V1")).toMatchObject({ state: "executed" });
  await say(2, "1000.050");
  await say(3, "1000.100");
  await meter.endAsync();
  expect(await orderOf("V1")).toMatchObject({ state: "passing" });
  const alarms = await service.items<{ rule: string; meterId: string }>("/v1/alarms");
  const rules = alarms.filter(({ meterId }) => meterId === "V1").map(({ rule }) => rule);
  expect(rules.toSorted()).toEqual(["COMMAND_MISMATCH", "R15", "R9"]);
});

test("45: a leak bit that comes and goes with each frame is one alarm and one order that leaves", async () => {
  const frames = Array.from({ length: 10 }, (_, index) =>
    json({ measuredAt: nowMs + index * 1_000, status: index % 2 === 0 ? ["leak"] : [] }),
  );
  await publish("L1", ...frames);
  orders += 1;
  const alarms = await service.items<{ rule: string; meterId: string }>("/v1/alarms");
  expect(alarms.filter(({ meterId }) => meterId === "L1")).toMatchObject([{ rule: "R1" }]);
  const given = await service.items<Order>("/v1/commands?meterId=L1");
  expect(given.map(({ state }) => state).filter((state) => state !== "refused")).toEqual([
    "queued",
  ]);
  expect(await service.metric("mercaptan_alarms_active", { priority: "1" })).toBeGreaterThan(0);
});

test("received is what was acknowledged", async () => {
  await books.expectBalance();
});

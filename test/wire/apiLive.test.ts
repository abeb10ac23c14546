/** The live feed over real sockets: no gap, no repeat, nobody slowed by somebody else. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket, type ClientOptions, type RawData } from "ws";
import { startApiRig, type ApiRig, type Json, type RigOptions } from "../support/apiRig.ts";

let rig: ApiRig;
const sockets = new Set<WebSocket>();

async function start(options: RigOptions = {}): Promise<void> {
  await rig.close();
  rig = await startApiRig(options);
}

beforeEach(async () => {
  rig = await startApiRig({ limits: { liveHeartbeatMs: 50 } });
});
afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  sockets.clear();
  await rig.close();
});

function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString() : "";
}

interface Follower {
  readonly socket: WebSocket;
  readonly messages: Json[];
  /** Sequences of the events that came, in the order in which they came. */
  sequences(): number[];
}

function follow(query = "", options: ClientOptions = {}, protocols: string[] = []): Follower {
  const headers = protocols.length > 0 ? {} : { authorization: `Bearer ${rig.keyOf("viewer")}` };
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/v1/live${query}`, protocols, {
    headers,
    ...options,
  });
  sockets.add(socket);
  const messages: Json[] = [];
  socket.on("message", (data) => messages.push(JSON.parse(textOf(data))));
  socket.on("error", () => socket.terminate());
  const sequences = () => messages.filter(({ seq }) => seq !== undefined).map(({ seq }) => seq);
  return { socket, messages, sequences };
}

async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, "close")) as [number];
  return code;
}

async function refusalStatus(query: string, options: ClientOptions): Promise<number | undefined> {
  const { socket } = follow(query, options);
  const [, response] = (await once(socket, "unexpected-response")) as [
    unknown,
    { statusCode?: number },
  ];
  return response.statusCode;
}

function upTo(last: number, from = 1): number[] {
  return Array.from({ length: last - from + 1 }, (_, place) => place + from);
}

test("hello with the sequences there are, then everything behind `after`, then what is new", async () => {
  await rig.makeEvents(4);
  const all = follow("?after=0");
  const fresh = follow();
  await vi.waitFor(() => expect(all.sequences()).toEqual(upTo(5)));
  await vi.waitFor(() => expect(fresh.messages).not.toEqual([]));
  expect(all.messages[0]).toMatchObject({ kind: "hello", oldest: 1, newest: 5 });
  expect(Date.parse(all.messages[0].serverTime)).toBeGreaterThan(0);
  await rig.makeEvents(2);
  await vi.waitFor(() => expect(all.sequences()).toEqual(upTo(7)));
  await vi.waitFor(() => expect(fresh.sequences()).toEqual([6, 7]));
  await vi.waitFor(() =>
    expect(fresh.messages.at(-1)).toMatchObject({ kind: "heartbeat", newest: 7 }),
  );
});

test("no gap and no repeat over many reconnects while events keep coming", async () => {
  // A ring of a few events, small pages and a store that dawdles: every seam is crossed again and
  // again.
  await start({
    limits: { liveRingEvents: 12, livePageEvents: 5, liveHeartbeatMs: 20 },
    queries: (real) => ({
      ...real,
      events: async (after, limit) => {
        const events = await real.events(after, limit);
        await pause(Math.random() * 4);
        return events;
      },
    }),
  });
  const total = 600;
  const publishing = (async () => {
    while (rig.asked.length < total) {
      await rig.makeEvents(1 + Math.floor(Math.random() * 8));
      await pause(Math.random() * 3);
    }
  })();
  const followers = Array.from({ length: 4 }, async () => {
    const seen: number[] = [];
    while (seen.length < total) {
      const enough = seen.length + 1 + Math.floor(Math.random() * 90);
      const { socket } = follow(`?after=${seen.at(-1) ?? 0}`);
      socket.on("message", (data) => {
        const { seq } = JSON.parse(textOf(data));
        if (seq !== undefined) seen.push(seq);
        // Torn away in the middle of the stream: what was read is what counts.
        if (seen.length >= enough) socket.removeAllListeners("message").terminate();
      });
      await once(socket, "close");
    }
    return seen;
  });
  await publishing;
  await rig.makeEvents(100);
  for (const seen of await Promise.all(followers)) expect(seen).toEqual(upTo(seen.length));
});

/** Upgrades by hand, so that it can stop reading. */
async function deafSocket() {
  const socket = connect(rig.port, "127.0.0.1");
  socket.write(
    "GET /v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      `Authorization: Bearer ${rig.keyOf("viewer")}\r\n\r\n`,
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 101 /);
  socket.pause();
  socket.on("error", () => socket.destroy());
  return socket;
}

test("a client that stops reading is cut; the others and the API notice nothing", async () => {
  await start({ limits: { liveHeartbeatMs: 50, liveDrainTimeoutMs: 400 } });
  const healthy = follow();
  await vi.waitFor(() => expect(healthy.messages).not.toEqual([]));
  const deaf = await deafSocket();
  await vi.waitFor(() => expect(rig.live.clientCount).toBe(2));
  // More than the kernel takes for a reader that reads nothing.
  const filler = "x".repeat(20_000);
  let seq = 1;
  await vi.waitFor(
    async () => {
      for (let made = 0; made < 50; made++) {
        seq += 1;
        rig.live.publish([{ seq, json: JSON.stringify({ seq, filler }) }]);
      }
      expect((await rig.call("GET", "/healthz")).status).toBe(200);
      expect(rig.noted).toContain("live.slowClientCut");
    },
    { timeout: 20_000, interval: 5 },
  );
  expect(rig.live.clientCount).toBe(1);
  await vi.waitFor(() => expect(healthy.sequences().at(-1)).toBe(seq));
  expect(healthy.sequences()).toEqual(upTo(seq, 2));
  deaf.destroy();
});

test("server-sent events carry the same and resume by Last-Event-ID", async () => {
  await rig.makeEvents(5);
  const seen: number[] = [];
  const read = async (headers: Record<string, string>, enough: number) => {
    const cut = new AbortController();
    const response = await fetch(`${rig.origin}/v1/live/sse`, {
      headers: { authorization: `Bearer ${rig.keyOf("viewer")}`, ...headers },
      signal: cut.signal,
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    let text = "";
    try {
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        const ids = [...text.matchAll(/^id: (\d+)\ndata: (.*)$/gm)];
        if (ids.length < enough) continue;
        for (const [, id, data] of ids.slice(0, enough)) {
          expect(JSON.parse(data ?? "")).toMatchObject({ seq: Number(id) });
          seen.push(Number(id));
        }
        break;
      }
    } finally {
      cut.abort();
    }
    expect(text).toMatch(/^data: \{"kind":"hello"/);
  };
  await read({ "last-event-id": "0" }, 3);
  const more = rig.makeEvents(3);
  await read({ "last-event-id": "3" }, 6);
  await more;
  expect(seen).toEqual(upTo(9));
});

test("a browser brings its key as a subprotocol, never in the address", async () => {
  const key = `bearer.${rig.keyOf("viewer")}`;
  const browser = follow("", {}, ["mercaptan.v1", key]);
  await once(browser.socket, "open");
  expect(browser.socket.protocol).toBe("mercaptan.v1");
  const without = { headers: {} };
  expect(await refusalStatus("", without)).toBe(401);
  expect(await refusalStatus(`?key=${rig.keyOf("viewer")}`, without)).toBe(401);
  const billing = { headers: { authorization: `Bearer ${rig.keyOf("billing")}` } };
  expect(await refusalStatus("", billing)).toBe(403);
  expect(await refusalStatus("?after=abc", {})).toBe(400);
});

test("a foreign page is refused, our own and a listed one are not", async () => {
  expect(await refusalStatus("", { origin: "https://evil.example" })).toBe(403);
  expect(await refusalStatus("", { origin: "null" })).toBe(403);
  for (const origin of [rig.origin, "https://control.example"]) {
    const { socket } = follow("", { origin });
    await once(socket, "open");
  }
});

test("clients have nothing to say", async () => {
  const cases: [string, (socket: WebSocket) => void, number][] = [
    ["a message", (socket) => socket.send("hi"), 1008],
    ["5 KiB", (socket) => socket.send("x".repeat(5_000)), 1009],
    [
      "tiny fragments",
      (socket) => {
        for (let sent = 0; sent < 20; sent++) socket.send("x", { fin: false });
      },
      1008,
    ],
  ];
  for (const [what, say, code] of cases) {
    const { socket } = follow();
    await once(socket, "open");
    say(socket);
    expect(await closeCode(socket), what).toBe(code);
  }
  const { socket } = follow();
  await once(socket, "open");
  socket.ping();
  await once(socket, "pong");
});

test("a revoked key ends its feed", async () => {
  const body = { role: "viewer", label: "lobby screen" };
  const { id, key } = await rig.json("POST", "/v1/keys", { body });
  const { socket } = follow("", { headers: { authorization: `Bearer ${key}` } });
  await once(socket, "open");
  await rig.call("DELETE", `/v1/keys/${id}`);
  expect(await closeCode(socket)).toBe(1008);
});

test("as many clients as there are places; the next is told to come again", async () => {
  await start({ limits: { liveClientsMax: 2 } });
  for (const { socket } of [follow(), follow()]) await once(socket, "open");
  await vi.waitFor(() => expect(rig.live.clientCount).toBe(2));
  expect(await refusalStatus("", {})).toBe(503);
  expect(rig.noted).toContain("api.refused");
});

test("plain HTTP is told that this is a WebSocket; at the end everybody is told to come again", async () => {
  const plain = await rig.call("GET", "/v1/live");
  expect(plain.status).toBe(426);
  const { socket } = follow();
  await once(socket, "open");
  await vi.waitFor(() => expect(rig.live.clientCount).toBe(1));
  rig.live.close();
  expect(await closeCode(socket)).toBe(1012);
});

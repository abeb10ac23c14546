/** Pushes of platforms and gateways over HTTP: who may, what is answered and when, and what a full house says. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDeliveryDesk, type DeliveryDeskOptions } from "#intake/deliveryDesk.ts";
import { onenetSignature } from "#protocols/carriers/security.ts";
import { platformEnvelopes } from "../../src/envelopes.ts";
import { onenetPushes } from "../../src/onenetPushes.ts";
import { startApiRig, type ApiRig, type CallOptions, type RigOptions } from "../support/apiRig.ts";
import {
  chirpstackUp,
  ctwingPush,
  gatewayPush,
  hexFrame,
  onenetMessage,
  onenetPush,
} from "../support/envelopes.ts";
import {
  HandClock,
  HandDirectory,
  HandQueue,
  Notebook,
  pepper,
  secretOf,
  until,
} from "../support/mqttRig.ts";
import { createCipheriv } from "node:crypto";

const frame = Buffer.from(
  "6830420000000051518116901f05563412002c000000002c0500082211262004014616",
  "hex",
);
const imei = "860000000000042";
const token = "token of the utility";
const aesKey = Buffer.from("0123456789abcdef");
const up = chirpstackUp({ frame, address: "0101010101010142" });
const basic = (username: string, secret = secretOf(username)) =>
  `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`;
const asGateway = { authorization: basic("G1") };

let rig: ApiRig;
let queue: HandQueue;
let observer: Notebook;
let directory: HandDirectory;

async function start(options: Partial<DeliveryDeskOptions> = {}, api: RigOptions = {}) {
  queue = new HandQueue();
  observer = new Notebook();
  directory = new HandDirectory();
  directory.addCredential("G2", "gateway");
  const listeners = { find: () => undefined };
  const signed = onenetPushes([
    { gateway: "G1", token, aesKey: null },
    { gateway: "G2", token, aesKey },
  ]);
  const pushes = openDeliveryDesk({
    ...{ queue, observer, directory, listeners, signed, pepper },
    envelopes: platformEnvelopes,
    clock: new HandClock(),
    isOpen: () => true,
    ...options,
  });
  rig = await startApiRig({ ...api, pushes });
}

beforeEach(async () => start());
afterEach(async () => rig.close());

async function push(carrier: string, body: string, extra: CallOptions & { gateway?: string } = {}) {
  const { gateway = "G1", headers = asGateway, ...rest } = extra;
  return rig.call("POST", `/v1/push/${carrier}/${gateway}`, {
    role: null,
    body,
    headers: { "content-type": "application/json", ...headers },
    ...rest,
  });
}

async function problemOf(response: Response) {
  const { type } = (await response.json()) as { type: string };
  return `${response.status} ${type.replace("urn:mercaptan:problem:", "")}`;
}

const stored = { accepted: 1, items: [{ outcome: "stored" }] };

describe("what is taken", () => {
  test.each([
    ["ctwing", ctwingPush({ frame, address: imei })],
    ["chirpstack", up],
    ["gatewayjson", gatewayPush(hexFrame(frame, { meter: "M0002" }))],
  ])("%s with the gateway's secret", async (carrier, text) => {
    for (const headers of [asGateway, { "x-mercaptan-secret": secretOf("G1") }]) {
      const response = await push(carrier, text, { headers });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual(stored);
    }
    expect(queue.texts()).toEqual([text, text]);
    expect(queue.offered).toMatchObject([{ protocol: carrier, route: "gateway:G1" }, {}]);
  });

  test("the answer waits for the commit", async () => {
    queue.isAutomatic = false;
    let isAnswered = false;
    const answer = push("chirpstack", up).then((response) => {
      isAnswered = true;
      return response.status;
    });
    await until(() => queue.waiting.length === 1, "the uplink is offered");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isAnswered).toBe(false);
    queue.settle();
    expect(await answer).toBe(200);
  });

  test("any content type, for platforms call it as they like; and what is no envelope waits in quarantine", async () => {
    for (const type of ["application/json", "text/plain", "application/octet-stream", ""]) {
      const headers = { ...asGateway, ...(type === "" ? {} : { "content-type": type }) };
      const url = `${rig.origin}/v1/push/chirpstack/G1?event=up`;
      const response = await fetch(url, { method: "POST", headers, body: Buffer.from("{") });
      expect(await response.json()).toEqual(stored);
    }
    expect(queue.texts()).toEqual(["{", "{", "{", "{"]);
  });

  test("a thousand frames: each an uplink, each with its own result", async () => {
    const frames = Array.from({ length: 998 }, (_, n) =>
      hexFrame(Buffer.of(n & 255), { meter: "M0002" }),
    );
    const large = hexFrame(Buffer.alloc(40_000), { meter: "M0002" });
    const body = gatewayPush(...frames, large, { hex: "odd" });
    const response = await push("gatewayjson", body);
    const { accepted, items } = (await response.json()) as { accepted: number; items: object[] };
    expect(accepted).toBe(999);
    expect(items).toHaveLength(1_000);
    expect(items.slice(-3)).toEqual([
      { outcome: "stored" },
      { outcome: "refused", reason: "SIZE" },
      { outcome: "stored" },
    ]);
    expect(queue.offered).toHaveLength(999);
    expect(observer.count("delivery.refused", { reason: "SIZE", protocol: "gatewayjson" })).toBe(1);
  });
});

describe("what is refused", () => {
  test.each([
    ["nothing", {}],
    ["a wrong secret", { authorization: basic("G1", "guess") }],
    ["a wrong secret in the header", { "x-mercaptan-secret": "guess" }],
    ["another gateway's secret", { authorization: basic("G2") }],
    ["another gateway's secret in the header", { "x-mercaptan-secret": secretOf("G2") }],
    ["a meter's secret", { authorization: basic("M0001") }],
    ["an API key", { authorization: "Bearer mk_1_2" }],
    ["no base64", { authorization: "Basic !!!" }],
  ])("%s: 401, before the body is read", async (_what, headers) => {
    const response = await push("chirpstack", up, { headers });
    expect(response.headers.get("www-authenticate")).toMatch(/^Basic /);
    expect(await problemOf(response)).toBe("401 unauthorised");
    expect(queue.offered).toEqual([]);
    expect(observer.count("delivery.unauthorised")).toBe(1);
  });

  test("a meter by its own name, and a gateway that does not exist", async () => {
    const meter = await push("chirpstack", up, {
      gateway: "M0001",
      headers: { authorization: basic("M0001") },
    });
    expect(await problemOf(meter)).toBe("401 unauthorised");
    const nobody = await push("chirpstack", up, {
      gateway: "G9",
      headers: { authorization: basic("G9") },
    });
    expect(await problemOf(nobody)).toBe("401 unauthorised");
  });

  test("who guesses is noted, and silences nobody", async () => {
    const guess = { headers: { authorization: basic("G1", "guess") } };
    for (let attempt = 0; attempt < 5; attempt += 1) await push("chirpstack", up, guess);
    expect(observer.count("login.locked")).toBe(1);
    // Both may come through one proxy: the gateway itself is not locked out.
    expect((await push("chirpstack", up)).status).toBe(200);
    expect(observer.notes.some(({ fields }) => Object.values(fields).includes("guess"))).toBe(
      false,
    );
  });

  test.each([
    ["an unknown carrier", "/v1/push/tuya/G1", "404 no-such-route"],
    ["a gateway's id that is none", "/v1/push/chirpstack/G%201", "404 no-such-route"],
    ["no gateway", "/v1/push/chirpstack", "404 no-such-route"],
  ])("%s", async (_what, path, problem) => {
    const response = await rig.call("POST", path, { role: null, body: up, headers: asGateway });
    expect(await problemOf(response)).toBe(problem);
  });

  test.each([
    ["a body over 64 KiB", "chirpstack", " ".repeat(65_537), "413 body-too-large"],
    ["many frames over 1 MiB", "gatewayjson", " ".repeat(1024 * 1024 + 1), "413 body-too-large"],
    [
      "more frames than a thousand, too large to be kept as one",
      "gatewayjson",
      gatewayPush(...Array.from({ length: 1_001 }, () => hexFrame(frame))),
      "422 invalid",
    ],
    ["noise that is too large to be kept", "gatewayjson", "x".repeat(70_000), "422 invalid"],
  ])("%s", async (_what, carrier, body, problem) => {
    expect(await problemOf(await push(carrier, body))).toBe(problem);
    expect(queue.offered).toEqual([]);
  });

  test.each(["store-failed", "stopping"] as const)(
    "%s: 503, and nobody is told that it is stored",
    async (failure) => {
      queue.isAutomatic = false;
      const answer = push("gatewayjson", gatewayPush(hexFrame(frame), hexFrame(frame)));
      await until(() => queue.waiting.length === 2, "both are offered");
      const [first, second] = queue.waiting.splice(0);
      first?.(null);
      second?.(failure);
      const response = await answer;
      expect(response.headers.get("retry-after")).toBe("2");
      expect(await problemOf(response)).toBe("503 store-unavailable");
    },
  );

  test("a full queue takes one frame of each gateway, so that a leak gets through", async () => {
    queue.isFull = true;
    queue.isAutomatic = false;
    const many = await push("gatewayjson", gatewayPush(hexFrame(frame), hexFrame(frame)));
    expect(many.headers.get("retry-after")).toBe("2");
    expect(await problemOf(many)).toBe("503 overloaded");
    const first = push("chirpstack", up);
    await until(() => queue.waiting.length === 1, "the first is offered");
    expect(await problemOf(await push("chirpstack", up))).toBe("503 overloaded");
    const other = push("chirpstack", up, {
      gateway: "G2",
      headers: { authorization: basic("G2") },
    });
    await until(() => queue.waiting.length === 2, "another gateway's too");
    queue.settle();
    expect((await first).status).toBe(200);
    expect((await other).status).toBe(200);
    // Each frame is an uplink that was refused: two of the first push, one of the second.
    expect(observer.count("delivery.refused", { reason: "overloaded" })).toBe(3);
  });

  test("a gateway may have only so much in flight, and gets its share back", async () => {
    await rig.close();
    await start({ limits: { pushesInFlightMax: 3, framesInFlightMax: 4 } });
    queue.isAutomatic = false;
    const two = gatewayPush(hexFrame(frame), hexFrame(frame));
    const taken = [push("gatewayjson", two), push("chirpstack", up)];
    await until(() => queue.waiting.length === 3, "three frames");
    expect(await problemOf(await push("gatewayjson", two))).toBe("503 overloaded");
    taken.push(push("chirpstack", up));
    await until(() => queue.waiting.length === 4, "four frames");
    expect(await problemOf(await push("chirpstack", up))).toBe("503 overloaded");
    queue.settle();
    for (const one of await Promise.all(taken)) expect(one.status).toBe(200);
    queue.isAutomatic = true;
    expect((await push("gatewayjson", two)).status).toBe(200);
  });

  test("while the service starts or stops nothing is taken", async () => {
    await rig.close();
    await start({ isOpen: () => false });
    expect(await problemOf(await push("chirpstack", up))).toBe("503 overloaded");
  });

  test("too many pushes from one address", async () => {
    await rig.close();
    await start({}, { limits: { pushesPerWindowAndAddress: 3 } });
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push((await push("chirpstack", up)).status);
    expect(answers).toEqual([200, 200, 200, 429]);
  });
});

describe("OneNET", () => {
  const msg = onenetMessage({ frame, address: imei });
  const signed = (text: string, by = token) =>
    onenetPush(text, onenetSignature(by, "abcdefgh", text));
  const question = (text: string, signature: string, gateway = "G1") => {
    const query = new URLSearchParams({ msg: text, nonce: "abcdefgh", signature });
    return rig.call("GET", `/v1/push/onenet/${gateway}?${query.toString()}`, { role: null });
  };

  test("the first question is answered with its message, when it is signed", async () => {
    const response = await question(
      "a random text",
      onenetSignature(token, "abcdefgh", "a random text"),
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(await response.text()).toBe("a random text");
  });

  test("a page cannot be put in its mouth", async () => {
    const page = "<script>alert(1)</script>";
    const response = await question(page, onenetSignature(token, "abcdefgh", page));
    expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test.each([
    ["another token", "G1", onenetSignature("another", "abcdefgh", "a")],
    ["no signature", "G1", "x"],
    ["a gateway without a token", "G9", onenetSignature(token, "abcdefgh", "a")],
    ["the token of nobody", "G9", onenetSignature("none", "abcdefgh", "a")],
  ])("%s: 401, and a security event", async (_what, gateway, signature) => {
    expect(await problemOf(await question("a", signature, gateway))).toBe("401 unauthorised");
    expect(observer.count("security.deliverySignature", { gateway })).toBe(1);
  });

  test("a signed push is stored as it came, without any secret", async () => {
    const text = signed(msg);
    const response = await push("onenet", text, { headers: {} });
    expect(await response.json()).toEqual(stored);
    expect(queue.texts()).toEqual([text]);
  });

  test("a repetition hours later is taken too: the signature covers no time", async () => {
    for (let attempt = 0; attempt < 17; attempt += 1) {
      expect((await push("onenet", signed(msg), { headers: {} })).status).toBe(200);
    }
  });

  test.each([
    ["another token", signed(msg, "another")],
    ["a changed message", signed(msg).replace(imei, "860000000000043")],
    ["no signature", JSON.stringify({ msg, nonce: "abcdefgh" })],
    ["no JSON", "{"],
    ["nothing", ""],
  ])("%s: 401, and a security event, even with the gateway's secret", async (_what, text) => {
    expect(await problemOf(await push("onenet", text))).toBe("401 unauthorised");
    expect(observer.count("security.deliverySignature")).toBe(1);
    expect(queue.offered).toEqual([]);
  });

  test("for a gateway without a token: 401 before its body is read", async () => {
    const text = " ".repeat(65_537);
    const answer = await push("onenet", text, { gateway: "G9", headers: {} });
    expect(await problemOf(answer)).toBe("401 unauthorised");
    expect(observer.count("delivery.unauthorised", { gateway: "G9" })).toBe(1);
  });

  test("who guesses at signatures is noted like one who guesses at secrets, and silences nobody", async () => {
    const guess = () => push("onenet", signed(msg, "another"), { headers: {} });
    for (let attempt = 0; attempt < 3; attempt += 1) await guess();
    for (let attempt = 0; attempt < 2; attempt += 1) await question("a", "x");
    expect(observer.count("login.failed", { username: "G1" })).toBe(5);
    expect(observer.count("login.locked", { username: "G1" })).toBe(1);
    expect((await push("onenet", signed(msg), { headers: {} })).status).toBe(200);
    expect((await push("chirpstack", up)).status).toBe(200);
  });

  test("a stranger's request is no refused uplink, a signed one is", async () => {
    await rig.close();
    await start({ isOpen: () => false });
    const stranger = await push("onenet", signed(msg, "another"), { headers: {} });
    expect(await problemOf(stranger)).toBe("401 unauthorised");
    expect(observer.count("delivery.refused")).toBe(0);
    const own = await push("onenet", signed(msg), { headers: {} });
    expect(await problemOf(own)).toBe("503 overloaded");
    expect(observer.count("delivery.refused", { reason: "overloaded" })).toBe(1);
  });

  test("in secure mode it is deciphered before it is stored", async () => {
    const cipher = createCipheriv("aes-128-cbc", aesKey, aesKey);
    const ciphered = Buffer.concat([cipher.update(msg), cipher.final()]).toString("base64");
    const response = await push("onenet", signed(ciphered), { gateway: "G2", headers: {} });
    expect(await response.json()).toEqual(stored);
    const [text = ""] = queue.texts();
    expect((JSON.parse(text) as { msg: string }).msg).toBe(msg);
    expect(queue.offered[0]?.carried?.bytes).toEqual(new Uint8Array(frame));
  });

  test("signed and not deciphered: it is the platform's, and waits in quarantine as it came", async () => {
    const text = signed(msg);
    const response = await push("onenet", text, { gateway: "G2", headers: {} });
    expect(response.status).toBe(200);
    expect(queue.texts()).toEqual([text]);
  });
});

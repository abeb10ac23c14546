/** Webhooks over real sockets, to a receiver that loses, delays, repeats, refuses and comes back. */
import { createHmac } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hourMs } from "#domain/units.ts";
import type { Json } from "../support/apiRig.ts";
import { startNotifyRig } from "../support/notifyRig.ts";
import { startReceiver, type ReceivedCall } from "../support/receiver.ts";

type Rig = Awaited<ReturnType<typeof startNotifyRig>>;
type Receiver = Awaited<ReturnType<typeof startReceiver>>;
let rig: Rig;
let receiver: Receiver;

beforeEach(async () => {
  rig = await startNotifyRig();
  receiver = await startReceiver();
  await rig.start();
});
afterEach(async () => {
  await rig.close();
  await receiver.close();
});

const until = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 10_000, interval: 10 });
const create = (more: object = {}): Promise<Json> =>
  rig.json("POST", "/v1/webhooks", { body: { label: "test", url: receiver.url, ...more } });
const data = (call: ReceivedCall): Json => JSON.parse(call.body).data;
const kinds = () => receiver.calls.map((call) => data(call).kind as string);
const ids = () => receiver.calls.map(({ headers }) => headers["webhook-id"]);

/** By hand, from the text of Standard Webhooks. */
function signatureOf(call: ReceivedCall, secret: string): string {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const { "webhook-id": id, "webhook-timestamp": at } = call.headers;
  const text = `${String(id)}.${String(at)}.${call.body}`;
  return `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}

test("an event arrives once, signed, as CloudEvents, with the event as it stands in /v1/events", async () => {
  const { secret, id } = await create();
  await rig.makeEvents(1);
  await until(() => expect(receiver.calls).toHaveLength(1));
  const [call] = receiver.calls as [ReceivedCall];
  expect(call.headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
  expect(call.headers["webhook-signature"]).toBe(signatureOf(call, secret));
  const body = JSON.parse(call.body);
  const { items } = await rig.json("GET", "/v1/events?after=0");
  expect(body).toEqual({
    specversion: "1.0",
    id: call.headers["webhook-id"],
    source: "urn:test",
    type: "mercaptan.automation.stopped",
    time: body.data.at,
    datacontenttype: "application/json",
    data: items.at(-1),
  });
  const { items: sendings } = await rig.json("GET", `/v1/webhooks/${id}/deliveries`);
  expect(sendings).toMatchObject([{ outcome: "delivered", status: 204, attempt: 1 }]);
});

test("what is lost, late or answered with a fault comes again under the same id, in order", async () => {
  receiver.next.push("cut", "hang", 500, 503, { lateMs: 20 });
  await create();
  await rig.makeEvents(3);
  const { items } = await rig.json("GET", "/v1/events?after=0");
  const wanted = items.slice(-3).map(({ seq }: { seq: number }) => seq);
  await until(() => expect(new Set(ids()).size).toBe(3));
  const seqs = receiver.calls.map((call) => data(call).seq as number);
  expect([...new Set(seqs)]).toEqual(wanted);
  expect(seqs.length).toBeGreaterThanOrEqual(7);
  expect(new Set(seqs).size).toBe(new Set(ids()).size);
});

test("nothing is lost when the process ends in the middle, and nothing of before comes twice", async () => {
  const { id } = await create();
  await rig.makeEvents(2);
  await until(() => expect(receiver.calls).toHaveLength(2));
  receiver.state.usual = 503;
  await rig.makeEvents(2);
  await until(() => expect(receiver.calls.length).toBeGreaterThan(2));
  await rig.stop();
  await rig.makeEvents(1);
  const before = receiver.calls.length;
  receiver.state.usual = 204;
  await rig.start();
  await until(() => expect(new Set(ids()).size).toBe(5));
  expect(receiver.calls).toHaveLength(before + 3);
  await until(async () => {
    const { failing } = await rig.json("GET", `/v1/webhooks/${id}`);
    expect(failing).toBeNull();
  });
});

test("a receiver that refuses one event and takes others does not stop them", async () => {
  const { id } = await create();
  receiver.next.push(422, 422, 422);
  await rig.makeEvents(2);
  await until(() => expect(new Set(ids()).size).toBe(2));
  expect(kinds().slice(0, 4)).toEqual([
    ...Array.from({ length: 3 }, () => "automation.stopped"),
    "automation.resumed",
  ]);
  const { items } = await rig.json("GET", `/v1/webhooks/${id}/deliveries`);
  expect(items.map(({ outcome }: Json) => outcome)).toEqual([
    "delivered",
    "refused",
    "failed",
    "failed",
  ]);
  expect(rig.notes.map(({ event }) => event)).toContain("webhook.refused");
});

test("after a day without an answer it is disabled, said aloud, kept, and goes on when a person says so", async () => {
  const { id } = await create();
  receiver.state.usual = 500;
  await rig.makeEvents(1);
  await until(() => expect(rig.notes.map(({ event }) => event)).toContain("webhook.failed"));
  rig.forward(23 * hourMs);
  const calls = receiver.calls.length;
  await until(() => expect(receiver.calls.length).toBeGreaterThan(calls));
  expect((await rig.json("GET", `/v1/webhooks/${id}`)).state).toBe("enabled");
  rig.forward(hourMs);
  await until(async () => {
    const hook = await rig.json("GET", `/v1/webhooks/${id}`);
    expect(hook).toMatchObject({ state: "disabled", disabledReason: "no-answer" });
  });
  expect(rig.notifier()?.stuck(20_000)).toBe(1);
  const { items } = await rig.json("GET", "/v1/events?after=0");
  expect(items.at(-1)).toMatchObject({ kind: "webhook.disabled", webhook: { id } });
  receiver.state.usual = 204;
  const seen = receiver.calls.length;
  await rig.json("PATCH", `/v1/webhooks/${id}`, { body: { state: "enabled" } });
  await until(() => expect(receiver.calls).toHaveLength(seen + 2));
  expect(kinds().slice(-2)).toEqual(["automation.stopped", "webhook.disabled"]);
  await until(() => expect(rig.notifier()?.stuck(20_000)).toBe(0));
});

test("gone is gone at once", async () => {
  const { id } = await create();
  receiver.state.usual = 410;
  await rig.makeEvents(1);
  await until(async () => {
    const hook = await rig.json("GET", `/v1/webhooks/${id}`);
    expect(hook).toMatchObject({ state: "disabled", disabledReason: "gone" });
  });
  expect(receiver.calls).toHaveLength(1);
});

test("filters by kind, priority and area; history is quiet", async () => {
  const meter = { id: "W1", size: "G4", protocol: "json", area: "north" };
  const { no } = await registered(meter);
  await create({ kinds: ["alarm.*"], priorities: [1], areas: ["north"] });
  const at = (ms: number) => new Date(rig.clock.nowMs() + ms).toISOString();
  rig.uplink(no, { measuredAt: at(-7 * hourMs), volumeM3: "1.000", status: ["leak"] });
  rig.uplink(no, { measuredAt: at(-6 * hourMs), volumeM3: "1.000" });
  await rig.makeEvents(2);
  rig.uplink(no, { measuredAt: at(0), volumeM3: "1.000", status: ["leak"] });
  await until(() => expect(kinds()).toEqual(["alarm.raised"]));
  const { items } = await rig.json("GET", "/v1/events?after=0&limit=1000");
  const told = items.map(({ kind }: Json) => kind);
  expect(told).toContain("alarm.historical");
  expect(data(receiver.calls[0] as ReceivedCall)).toMatchObject({
    meterId: "W1",
    alarm: { rule: "R1", priority: 1, area: "north" },
  });
});

async function registered(meter: object): Promise<{ no: number }> {
  await rig.json("POST", "/v1/meters", { body: meter });
  return { no: 1 };
}

test("while a secret changes both sign; afterwards only the new one", async () => {
  const { id, secret: first } = await create();
  const { secret: second } = await rig.json("POST", `/v1/webhooks/${id}/rotate`, { body: {} });
  expect(second).not.toBe(first);
  await rig.makeEvents(1);
  await until(() => expect(receiver.calls).toHaveLength(1));
  const call = receiver.calls[0] as ReceivedCall;
  const both = [signatureOf(call, second), signatureOf(call, first)].join(" ");
  expect(call.headers["webhook-signature"]).toBe(both);
  rig.forward(25 * hourMs);
  await rig.makeEvents(1);
  await until(() => expect(receiver.calls).toHaveLength(2));
  const later = receiver.calls[1] as ReceivedCall;
  expect(later.headers["webhook-signature"]).toBe(signatureOf(later, second));
});

test("a replay tells everything since an instant again, under the same ids", async () => {
  const { id } = await create();
  const from = new Date(rig.clock.nowMs() - 1_000).toISOString();
  await rig.makeEvents(3);
  await until(() => expect(receiver.calls).toHaveLength(3));
  await rig.json("POST", `/v1/webhooks/${id}/replay`, { body: { from } });
  // What happened at the start of the engine lies behind that instant as well.
  await until(() => expect(ids().slice(3)).toEqual(expect.arrayContaining(ids().slice(0, 3))));
});

test("secrets stand in no event, audit entry, list or note", async () => {
  const { id, secret } = await create();
  const { secret: second } = await rig.json("POST", `/v1/webhooks/${id}/rotate`, { body: {} });
  await rig.makeEvents(1);
  await until(() => expect(receiver.calls).toHaveLength(1));
  const everywhere = await Promise.all(
    [
      "/v1/webhooks",
      `/v1/webhooks/${id}`,
      `/v1/webhooks/${id}/deliveries`,
      "/v1/audit",
      "/v1/events",
    ].map(async (path) => (await rig.call("GET", path)).text()),
  );
  const said = [...everywhere, JSON.stringify(rig.notes), JSON.stringify(rig.asked)].join();
  expect(said).toContain(id);
  for (const word of [secret, second]) expect(said).not.toContain(word.replace("whsec_", ""));
});

test("an address inside is refused, whatever it is called", async () => {
  const urls = [
    "http://example.com/hook",
    "https://10.0.0.1/hook",
    "https://[::1]/hook",
    "https://[::ffff:127.0.0.1]/hook",
    "https://2130706434/hook",
    "https://169.254.169.254/latest/meta-data",
    "https://user:pass@example.com/",
    "ftp://example.com/",
    "not an address",
  ];
  for (const url of urls) {
    const answer = await rig.call("POST", "/v1/webhooks", { body: { label: "x", url } });
    expect([url, answer.status]).toEqual([url, 400]);
  }
});

test("who may: the administrator writes, the engineer replays, nobody else", async () => {
  const { id } = await create();
  const statuses = async (role: "engineer" | "operator" | "auditor") =>
    Promise.all([
      rig.call("GET", "/v1/webhooks", { role }).then(({ status }) => status),
      rig
        .call("POST", `/v1/webhooks/${id}/replay`, {
          role,
          body: { from: new Date().toISOString() },
        })
        .then(({ status }) => status),
      rig
        .call("POST", `/v1/webhooks/${id}/rotate`, { role, body: {} })
        .then(({ status }) => status),
      rig.call("DELETE", `/v1/webhooks/${id}`, { role }).then(({ status }) => status),
    ]);
  expect(await statuses("engineer")).toEqual([200, 200, 403, 403]);
  expect(await statuses("auditor")).toEqual([200, 403, 403, 403]);
  expect(await statuses("operator")).toEqual([403, 403, 403, 403]);
  expect((await rig.call("DELETE", `/v1/webhooks/${id}`)).status).toBe(204);
  await rig.makeEvents(1);
  expect((await rig.call("GET", `/v1/webhooks/${id}`)).status).toBe(404);
});

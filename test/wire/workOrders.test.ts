/** Dispatch over HTTP, and by the utility's own dispatch system: told by a webhook, answering through the API. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Json } from "../support/apiRig.ts";
import { startNotifyRig } from "../support/notifyRig.ts";
import { startReceiver } from "../support/receiver.ts";

let rig: Awaited<ReturnType<typeof startNotifyRig>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeEach(async () => {
  rig = await startNotifyRig();
  receiver = await startReceiver();
  await rig.start();
});
afterEach(async () => {
  await rig.close();
  await receiver.close();
});

async function leak(): Promise<string> {
  const body = { id: "D1", size: "G4", protocol: "json", area: "north", address: "1 Gas Street" };
  await rig.json("POST", "/v1/meters", { body });
  const measuredAt = new Date(rig.clock.nowMs()).toISOString();
  rig.uplink(1, { measuredAt, volumeM3: "1.000", status: ["leak"] });
  const { items } = await rig.json("GET", "/v1/alarms");
  return items[0].id;
}

test("another system owns the order: told by webhook, and each of its steps is on record", async () => {
  await rig.json("POST", "/v1/webhooks", {
    body: {
      label: "EAM",
      url: receiver.url,
      kinds: ["workOrder.*"],
      priorities: [1],
      areas: ["north"],
    },
  });
  const policy = await rig.json("GET", "/v1/dispatch-policy");
  expect(policy.openFor).toEqual([]);
  const body = { ...policy, openFor: [1], reason: "leaks go at once" };
  expect((await rig.call("PUT", "/v1/dispatch-policy", { role: "engineer", body })).status).toBe(
    204,
  );
  await leak();
  await vi.waitFor(() => expect(receiver.calls).toHaveLength(1));
  const told = JSON.parse(receiver.calls[0]?.body ?? "").data.workOrder;
  expect(told).toMatchObject({ state: "opened", meterId: "D1", area: "north", priority: 1 });
  expect(receiver.calls[0]?.body).not.toContain("Gas Street");

  const steps: readonly (readonly [string, object])[] = [
    ["link", { externalRef: { system: "EAM", ref: "WO-77" } }],
    ["assign", { assignee: "crew 3" }],
    ["arrive", {}],
    ["complete", { note: "fitting tightened, no leak found afterwards" }],
    ["call-back", { satisfied: false, note: "still smells" }],
    ["arrive", {}],
    ["complete", { note: "valve exchanged" }],
    ["call-back", { satisfied: true, note: "all well" }],
  ];
  for (const [word, body] of steps) {
    const path = `/v1/work-orders/${told.id}/${word}`;
    await rig.json("POST", path, { role: "dispatcher", body });
  }
  const order = await rig.json("GET", `/v1/work-orders/${told.id}`, { role: "dispatcher" });
  expect(order).toMatchObject({
    state: "called_back",
    assignee: "crew 3",
    externalRef: { system: "EAM", ref: "WO-77" },
    address: "1 Gas Street",
    dueAt: null,
  });
  expect(order.trace.map(({ state }: Json) => state)).toEqual([
    "opened",
    "opened",
    "assigned",
    "on_site",
    "done",
    "assigned",
    "on_site",
    "done",
    "called_back",
  ]);
  await vi.waitFor(() => expect(receiver.calls).toHaveLength(9));
});

test("opened by hand, once; refusals are problems", async () => {
  const alarmId = await leak();
  const open = () => rig.call("POST", "/v1/work-orders", { role: "operator", body: { alarmId } });
  const first = await open();
  expect(first.status).toBe(201);
  const { id } = (await first.json()) as Json;
  expect((await open()).status).toBe(409);
  const early = await rig.call("POST", `/v1/work-orders/${id}/arrive`, {
    role: "dispatcher",
    body: {},
  });
  expect(early.status).toBe(409);
  const ahead = { assignee: "crew 1", at: "2099-01-01T00:00:00Z" };
  const future = await rig.call("POST", `/v1/work-orders/${id}/assign`, {
    role: "dispatcher",
    body: ahead,
  });
  expect(future.status).toBe(422);
  const { items } = await rig.json("GET", "/v1/work-orders?state=opened&meterId=D1");
  expect(items.map((order: Json) => order.id)).toEqual([id]);
  expect(items[0].trace).toHaveLength(1);
});

test("who may: the control room opens, the dispatcher steps, others only read or nothing", async () => {
  const alarmId = await leak();
  const { id } = await rig.json("POST", "/v1/work-orders", { role: "operator", body: { alarmId } });
  const answers = await Promise.all([
    rig.call("POST", `/v1/work-orders/${id}/assign`, { role: "operator", body: { assignee: "x" } }),
    rig.call("GET", "/v1/work-orders", { role: "viewer" }),
    rig.call("PUT", "/v1/dispatch-policy", { role: "dispatcher", body: {} }),
    rig.call("GET", `/v1/work-orders/${id}`, { role: "auditor" }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 200]);
  expect(await answers[3]?.json()).not.toHaveProperty("address");
});

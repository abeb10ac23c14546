/** The real program whose words do not arrive: a webhook that hangs, a console that froze. Each is an alarm in 30 s. */
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, type TestContext } from "vitest";
import { startReceiver } from "../support/receiver.ts";
import { Home, type Service } from "../support/program.ts";

const withinMs = 30_000;

/** What a test leaves behind ends with it. The tests of this file mostly wait, so they do so together. */
type Ends = TestContext["onTestFinished"];

interface AlarmRow {
  readonly rule: string;
  readonly state: string;
  readonly priority: number;
  readonly message: { readonly en: string };
}

/** How long it took until the alarm stood in this state. */
async function until(
  service: Service,
  rule: string,
  state: string,
  ms = withinMs,
): Promise<AlarmRow> {
  const endMs = performance.now() + ms;
  for (;;) {
    const rows = await service.items<AlarmRow>("/v1/alarms");
    const found = rows.find((alarm) => alarm.rule === rule && alarm.state === state);
    if (found !== undefined) return found;
    if (performance.now() > endMs) expect.unreachable(`no ${rule} that is ${state}`);
    await delay(100);
  }
}

async function started(
  ends: Ends,
  environment: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const home = new Home();
  ends(() => home.remove());
  return home.serve(environment);
}

test.concurrent(
  "a receiver that hangs is NOTIFIER within 30 s, and nothing is lost when it is back",
  async ({ onTestFinished: ends }) => {
    const receiver = await startReceiver();
    ends(() => receiver.close());
    receiver.state.usual = "hang";
    const service = await started(ends, { MERCAPTAN_NOTIFY_HOST_ALLOW_LIST: "127.0.0.1" });
    await service.call("POST", "/v1/webhooks", { label: "dispatch", url: receiver.url });
    await service.call("POST", "/v1/automation/stop", { reason: "test" });
    const alarm = await until(service, "NOTIFIER", "unacknowledged");
    expect(alarm).toMatchObject({ priority: 2 });
    expect(alarm.message.en).toContain("receivers not reached: 1");
    receiver.state.usual = 204;
    await until(service, "NOTIFIER", "returned-unacknowledged", 60_000);
    const kinds = new Set(receiver.calls.map(({ body }) => JSON.parse(body).data.kind as string));
    expect([...kinds]).toEqual(
      expect.arrayContaining(["automation.stopped", "alarm.raised", "alarm.returned"]),
    );
    expect(
      await service.metric("mercaptan_deliveries_total", { outcome: "failed" }),
    ).toBeGreaterThan(0);
    expect(await service.stop()).toBe(0);
  },
);

test.concurrent(
  "the settings' provider of short messages is called by the real program, after a leak",
  async ({ onTestFinished: ends }) => {
    const provider = await startReceiver(() => '{"Code":"OK","BizId":"b1"}');
    ends(() => provider.close());
    provider.state.usual = 200;
    const home = new Home();
    ends(() => home.remove());
    const secretFile = join(home.folder, "sms.secret");
    writeFileSync(secretFile, "not-for-logs\n", { mode: 0o600 });
    const service = await home.serve({
      MERCAPTAN_NOTIFY_SMS_PROVIDER: "aliyun",
      MERCAPTAN_NOTIFY_SMS_URL: `http://127.0.0.1:${provider.port}`,
      MERCAPTAN_NOTIFY_SMS_ACCESS_KEY_ID: "id",
      MERCAPTAN_NOTIFY_SMS_SECRET_FILE: secretFile,
      MERCAPTAN_NOTIFY_SMS_SIGN_NAME: "gas",
      MERCAPTAN_NOTIFY_SMS_ALARM_TEMPLATE: "SMS_1",
      MERCAPTAN_NOTIFY_SMS_WORK_ORDER_TEMPLATE: "SMS_2",
      MERCAPTAN_LOG_LEVEL: "debug",
    });
    await service.register([{ id: "T1", protocol: "json" }]);
    const customer = { kind: "customer", label: "Li", meterId: "T1", phone: "+8613812345678" };
    await service.call("POST", "/v1/recipients", customer);
    const meter = await service.login("T1");
    ends(() => meter.endAsync(true));
    const report = {
      v: 1,
      measuredAt: new Date().toISOString(),
      volumeM3: "1.000",
      status: ["leak"],
    };
    await meter.publishAsync("meters/T1/up/json", JSON.stringify(report), { qos: 1 });
    await expect.poll(() => provider.calls.length, { timeout: withinMs }).toBe(1);
    const query = new URL(provider.calls[0]?.path ?? "", "http://x").searchParams;
    expect(query.get("PhoneNumbers")).toBe("+8613812345678");
    await expect
      .poll(() =>
        service.metric("mercaptan_deliveries_total", { way: "sms", outcome: "delivered" }),
      )
      .toBe(1);
    expect(await service.stop()).toBe(0);
    expect(service.program.stderr).not.toMatch(/12345678|not-for-logs/);
  },
);

/** A console that joins the feed at its beginning and then reads or does not read. */
function joinFeed(ends: Ends, service: Service): Socket {
  const { hostname, port } = new URL(service.api);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  ends(() => void socket.destroy());
  const head = ["GET /v1/live/sse?after=0 HTTP/1.1", `Host: ${hostname}`];
  socket.write([...head, `Authorization: Bearer ${service.key}`, "", ""].join("\r\n"));
  return socket;
}

test.concurrent(
  "a feed that nobody reads any more is FANOUT within 30 s, until somebody does",
  async ({ onTestFinished: ends }) => {
    const service = await started(ends);
    const ids = Array.from({ length: 60 }, (_, place) => `F${place}`);
    const rows = ids.map((id) => ({ id, size: "G4", quantumMl: 1_000, protocol: "json" }));
    await service.call("POST", "/v1/meters/import", rows);
    await service.gateway("G1", ids);
    const gateway = await service.login("G1");
    ends(() => gateway.endAsync(true));
    const measuredAt = new Date().toISOString();
    const report = JSON.stringify({ v: 1, measuredAt, volumeM3: "1.000", status: ["leak"] });
    for (const id of ids) {
      await gateway.publishAsync(`gateways/G1/up/json/${id}`, report, { qos: 1 });
    }
    // The breaker has an alarm of its own about so many leaks.
    const alarms = await service.items<{ readonly id: string; readonly rule: string }>(
      "/v1/alarms",
    );
    const leaks = alarms.filter(({ rule }) => rule === "R1");
    expect(leaks.length).toBe(ids.length);
    // More than the kernel holds for one socket.
    const comments = Array.from({ length: 80 }, () =>
      leaks.map(({ id }) => `/v1/alarms/${id}/comment`),
    ).flat();
    const queue = comments.values();
    const write = async () => {
      for (const path of queue) await service.call("POST", path, { comment: "still there" });
    };
    await Promise.all(Array.from({ length: 16 }, write));
    const frozen = joinFeed(ends, service);
    frozen.pause();
    await until(service, "FANOUT", "unacknowledged");
    expect(await service.event("live.slowClientCut")).toBe(1);
    const reading = joinFeed(ends, service);
    reading.resume();
    await until(service, "FANOUT", "returned-unacknowledged");
    expect(await service.stop()).toBe(0);
  },
);

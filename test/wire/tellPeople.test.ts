/** Short messages and mail, to local servers that lose, delay, repeat and refuse; the real ones were never called. */
import { createHash, createHmac } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hourMs } from "#domain/units.ts";
import { aliyunSms } from "#notify/aliyunSms.ts";
import { mailMessenger } from "#notify/mail.ts";
import { openPoster, type Poster } from "#notify/post.ts";
import { tencentSms } from "#notify/tencentSms.ts";
import type { Json } from "../support/apiRig.ts";
import { startMailServer } from "../support/mailServer.ts";
import { startNotifyRig } from "../support/notifyRig.ts";
import { startReceiver, type ReceivedCall } from "../support/receiver.ts";

type Receiver = Awaited<ReturnType<typeof startReceiver>>;
type MailServer = Awaited<ReturnType<typeof startMailServer>>;
let rig: Awaited<ReturnType<typeof startNotifyRig>>;
let provider: Receiver;
let mailServer: MailServer;
const answers: string[] = [];
const templates = { alarm: "SMS_1", workOrder: "SMS_2" };

beforeEach(async () => {
  answers.length = 0;
  rig = await startNotifyRig();
  provider = await startReceiver(() => answers.shift() ?? '{"Code":"OK","BizId":"b1"}');
  provider.state.usual = 200;
  mailServer = await startMailServer();
  await rig.json("POST", "/v1/meters", {
    body: { id: "P1", size: "G4", protocol: "json", area: "north" },
  });
  await rig.json("POST", "/v1/meters", {
    body: { id: "P2", size: "G4", protocol: "json", area: "south" },
  });
});
afterEach(async () => {
  await rig.close();
  await provider.close();
  await mailServer.close();
});

const until = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 10_000, interval: 10 });
/** Waits less long than the real one. */
const poster: Poster = (() => {
  const real = openPoster(["127.0.0.1"]);
  return { post: (call) => real.post({ ...call, timeoutMs: 300 }), close: () => real.close() };
})();
const aliyun = () => {
  const url = provider.url.replace("/told", "");
  const settings = { url, accessKeyId: "id", secret: "s", signName: "燃气", templates };
  return aliyunSms(settings, poster, () => String(provider.calls.length));
};
const mail = () =>
  mailMessenger({
    host: "127.0.0.1",
    port: mailServer.port,
    security: "none",
    user: null,
    password: null,
    from: "Control <control@gas.example>",
  });
const recipient = (body: object): Promise<Json> =>
  rig.json("POST", "/v1/recipients", { body: { label: "someone", ...body } });
function report(no: number, status: readonly string[], ageMs = 0): void {
  const measuredAt = new Date(rig.clock.nowMs() - ageMs).toISOString();
  rig.uplink(no, { measuredAt, volumeM3: "1.000", status });
}
const told = async (): Promise<Json[]> => (await rig.json("GET", "/v1/notifications")).items;
const queryOf = ({ path }: ReceivedCall) => new URL(path, "http://x").searchParams;
const phonesTold = () => provider.calls.map((call) => queryOf(call).get("PhoneNumbers"));

/** As the provider does: from the request as it arrived. */
function aliyunSignature(call: ReceivedCall, secret: string): string {
  const names = /SignedHeaders=([^,]*)/.exec(call.headers.authorization ?? "")?.[1] ?? "";
  const lines = names.split(";").map((name) => `${name}:${String(call.headers[name])}\n`);
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const query = call.path.split("?")[1] ?? "";
  const canonical = ["POST", "/", query, lines.join(""), names, hash(call.body)].join("\n");
  return createHmac("sha256", secret)
    .update(`ACS3-HMAC-SHA256\n${hash(canonical)}`)
    .digest("hex");
}

test("a leak reaches the customer of that meter and who is on the staff for it, and nobody else", async () => {
  await recipient({ kind: "customer", meterId: "P1", phone: "+8613800000001" });
  await recipient({ kind: "customer", meterId: "P2", phone: "+8613800000002" });
  await recipient({ kind: "operator", phone: "+8613800000003", areas: ["north"] });
  await recipient({ kind: "operator", phone: "+8613800000004", areas: ["south"] });
  await recipient({ kind: "dispatch", phone: "+8613800000005", priorities: [3] });
  await rig.startTeller([aliyun()]);
  await rig.makeEvents(2);
  report(1, ["leak"], 7 * hourMs);
  report(1, [], 6 * hourMs);
  report(1, ["leak"]);
  await until(() => expect(provider.calls).toHaveLength(2));
  expect(new Set(phonesTold())).toEqual(new Set(["+8613800000001", "+8613800000003"]));
  const [call] = provider.calls as [ReceivedCall];
  expect(call.headers.authorization).toContain(`Signature=${aliyunSignature(call, "s")}`);
  expect(queryOf(call).get("TemplateCode")).toBe("SMS_1");
  const parameters = JSON.parse(queryOf(call).get("TemplateParam") ?? "");
  expect(parameters).toMatchObject({
    meter: "P1",
    area: "north",
    what: expect.stringContaining("燃气泄漏"),
  });
  await until(async () =>
    expect((await told()).map(({ state, receipt }) => [state, receipt])).toEqual([
      ["delivered", "b1"],
      ["delivered", "b1"],
    ]),
  );
});

test("what is lost, late, overloaded or answered with nonsense comes again under one id; a wrong number does not", async () => {
  const { id } = await recipient({ kind: "operator", phone: "+8613800000003" });
  await rig.startTeller([aliyun()]);
  provider.next.push("cut", "hang", 503, 200, 200);
  answers.push("nonsense", '{"Code":"isv.BUSINESS_LIMIT_CONTROL"}', "<html>");
  report(1, ["leak"]);
  await until(async () => expect((await told())[0]).toMatchObject({ state: "delivered" }));
  expect(provider.calls.length).toBeGreaterThanOrEqual(6);
  expect(new Set(provider.calls.map((call) => queryOf(call).get("OutId"))).size).toBe(1);

  answers.push('{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}');
  report(2, ["leak"]);
  await until(async () =>
    expect((await told())[0]).toMatchObject({ state: "refused", attempts: 1 }),
  );
  expect((await told())[0]).toMatchObject({ reason: "isv.MOBILE_NUMBER_ILLEGAL", recipientId: id });
  const said = JSON.stringify(rig.notes) + JSON.stringify(await told());
  expect(said).toContain(id);
  expect(said).not.toContain("1380000");
});

test("nobody is forgotten over a restart; what has become old is not told", async () => {
  await recipient({ kind: "operator", phone: "+8613800000003" });
  const teller = await rig.startTeller([aliyun()]);
  await rig.makeEvents(1);
  await until(async () => expect((await rig.queries.settings())["notify.toldSeq"]).toBeDefined());
  provider.state.usual = 503;
  report(1, ["leak"]);
  await until(() => expect(provider.calls.length).toBeGreaterThan(0));
  rig.forward(25_000);
  expect(teller.stuck(20_000)).toBe(1);
  await rig.stop();
  report(2, ["leak"]);
  provider.state.usual = 200;
  provider.calls.length = 0;
  await rig.startTeller([aliyun()]);
  await until(async () =>
    expect((await told()).map(({ state }) => state)).toEqual(["delivered", "delivered"]),
  );
  expect(provider.calls).toHaveLength(2);

  await rig.stop();
  report(1, []);
  report(1, ["leak", "magnet"]);
  rig.forward(3 * hourMs);
  await rig.startTeller([aliyun()]);
  await rig.makeEvents(1);
  const { newest } = await rig.queries.eventRange();
  await until(async () =>
    expect((await rig.queries.settings())["notify.toldSeq"]).toBe(String(newest)),
  );
  expect(provider.calls).toHaveLength(2);
});

test("by mail: the same id for every attempt, 550 is for good, and no line of a name becomes a header", async () => {
  await recipient({
    kind: "dispatch",
    mail: "duty@gas.example",
    language: "en",
    kinds: ["alarm.raised", "workOrder.*"],
  });
  await rig.startTeller([mail()]);
  mailServer.next.push("later", "cut", "take");
  report(1, ["leak"]);
  await until(async () => expect((await told())[0]).toMatchObject({ state: "delivered" }));
  const ids = mailServer.mails.map(({ text }) => /^Message-ID: (.*)$/im.exec(text)?.[1]);
  expect(ids.length).toBe(2);
  expect(new Set(ids).size).toBe(1);
  const [first] = mailServer.mails;
  expect(first?.to).toBe("duty@gas.example");
  expect(first?.text).toMatch(/^Subject: Alarm P1: P1$/m);
  expect(first?.text).toContain("gas leak");
  expect((await told())[0]?.receipt).toContain("queued");

  mailServer.next.push("unknown");
  report(2, ["leak"]);
  await until(async () =>
    expect((await told())[0]).toMatchObject({ state: "refused", reason: "SMTP_550" }),
  );
});

test("duty hours: who is off duty is not told, then or later", async () => {
  const minute = (ahead: number) => {
    const at = new Date(rig.clock.nowMs() + 8 * hourMs + ahead * 60_000);
    return at.toISOString().slice(11, 16);
  };
  await recipient({
    kind: "operator",
    phone: "+8613800000001",
    hours: { from: minute(-60), to: minute(60) },
  });
  await recipient({
    kind: "operator",
    phone: "+8613800000002",
    hours: { from: minute(60), to: minute(120) },
  });
  await rig.startTeller([aliyun()]);
  report(1, ["leak"]);
  await until(async () => expect((await told())[0]).toMatchObject({ state: "delivered" }));
  expect(phonesTold()).toEqual(["+8613800000001"]);
});

test("a flood stops at its limit, and says so", async () => {
  await recipient({ kind: "operator", phone: "+8613800000001", priorities: [2] });
  await rig.startTeller([aliyun()]);
  for (let count = 0; count < 40; count += 1) {
    const body = { id: `Q${count}`, size: "G4", protocol: "json" };
    await rig.json("POST", "/v1/meters", { body });
    report(3 + count, ["magnet"]);
  }
  await until(async () =>
    expect((await told()).filter(({ state }) => state !== "waiting")).toHaveLength(40),
  );
  const states = Map.groupBy(await told(), ({ state }) => state as string);
  expect([states.get("delivered")?.length, states.get("expired")?.length]).toEqual([30, 10]);
  expect(rig.notes.map(({ event }) => event)).toContain("notify.tooMany");
});

test("Tencent: one call, its answer read", async () => {
  const sent = { SerialNo: "s1", Code: "Ok", PhoneNumber: "+8613800000001" };
  answers.push(
    JSON.stringify({ Response: { Error: { Code: "InternalError" } } }),
    JSON.stringify({ Response: { SendStatusSet: [sent] } }),
    JSON.stringify({
      Response: { SendStatusSet: [{ Code: "FailedOperation.PhoneNumberInBlacklist" }] },
    }),
  );
  const url = provider.url.replace("/told", "");
  const settings = {
    url,
    secretId: "id",
    secret: "s",
    region: "ap-guangzhou",
    sdkAppId: "14",
    signName: "燃气",
    templates,
  };
  await recipient({ kind: "operator", phone: "+8613800000001" });
  await rig.startTeller([tencentSms(settings, poster)]);
  report(1, ["leak"]);
  await until(async () =>
    expect((await told())[0]).toMatchObject({ state: "delivered", receipt: "s1" }),
  );
  report(2, ["leak"]);
  await until(async () => expect((await told())[0]).toMatchObject({ state: "refused" }));
  const [call] = provider.calls as [ReceivedCall];
  expect(call.headers).toMatchObject({ "x-tc-action": "SendSms", "x-tc-version": "2021-01-11" });
  expect(JSON.parse(call.body)).toMatchObject({
    PhoneNumberSet: ["+8613800000001"],
    SmsSdkAppId: "14",
    TemplateId: "SMS_1",
    TemplateParamSet: [expect.any(String), "P1", "north", expect.stringMatching(/^\d\d:\d\d$/)],
  });
});

test("contacts are masked for those who may not see them, and gone when somebody is removed", async () => {
  const { id } = await recipient({
    kind: "operator",
    phone: "+8613812345678",
    mail: "wang@gas.example",
  });
  const seen = async (role: "auditor" | "engineer") =>
    (await rig.json("GET", "/v1/recipients", { role })).items[0];
  expect(await seen("engineer")).toMatchObject({
    phone: "+8613812345678",
    mail: "wang@gas.example",
  });
  expect(await seen("auditor")).toMatchObject({
    phone: "+86138****5678",
    mail: "w***@gas.example",
  });
  const everywhere = await Promise.all(
    ["/v1/audit", "/v1/events", "/v1/notifications"].map(async (path) =>
      (await rig.call("GET", path)).text(),
    ),
  );
  expect(everywhere.join()).not.toContain("12345678");
  expect((await rig.call("DELETE", `/v1/recipients/${id}`)).status).toBe(204);
  expect((await rig.json("GET", "/v1/recipients")).items).toEqual([]);
  for (const body of [
    { kind: "operator", label: "x" },
    { kind: "customer", label: "x", phone: "+8613800000001" },
    { kind: "operator", label: "x", phone: "13800000001" },
    { kind: "operator", label: "x", mail: "a@b.example\r\nBcc: c@d.example" },
    { kind: "customer", label: "x", phone: "+8613800000001", meterId: "NONE" },
  ]) {
    expect((await rig.call("POST", "/v1/recipients", { body })).ok).toBe(false);
  }
  const roles = ["operator", "viewer", "billing"] as const;
  const answers = await Promise.all(
    roles.map((role) => rig.call("GET", "/v1/recipients", { role })),
  );
  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
});

/** Envelopes of platforms: what is inside, and that no envelope does harm. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { carrierNames, type CarrierName } from "#domain/platform.ts";
import { timestampMs } from "#domain/units.ts";
import type { Envelope } from "#protocols/carriers/contract.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { reasonOf } from "#protocols/contract.ts";
import { fuzz } from "./cardChecks.ts";
import { bytesOfHex, utf8 } from "./cards.ts";

interface EnvelopeCard {
  readonly file: string;
  readonly title: string;
  readonly carrier: CarrierName;
  readonly text: string;
  readonly hex: string;
  readonly expect: Omit<Envelope, "inner"> & { readonly inner: string | null };
}

const cardsFolder = new URL("../../cards/carriers/", import.meta.url);
const cards = readdirSync(cardsFolder).map((file): EnvelopeCard => {
  const card = JSON.parse(readFileSync(new URL(file, cardsFolder), "utf8")) as EnvelopeCard;
  return { ...card, file };
});

const frame = bytesOfHex("6830420000000051518116901f05563412002c000000002c0500082211262004014616");
const base64 = Buffer.from(frame).toString("base64");
const hex = Buffer.from(frame).toString("hex");

function reasonFor(name: CarrierName, text: string | Uint8Array): string {
  const result = carrierByName[name].open(typeof text === "string" ? utf8(text) : text);
  return result.ok ? "opened" : reasonOf(result.fault);
}

describe.each(cards)("$file", ({ title, carrier, text, hex: bytes, expect: wanted }) => {
  test(`opens: ${title}`, () => {
    expect(Buffer.from(bytes, "hex").toString()).toBe(text);
    const inner = wanted.inner === null ? null : bytesOfHex(wanted.inner);
    expect(carrierByName[carrier].open(bytesOfHex(bytes))).toEqual({
      ok: true,
      value: { ...wanted, inner },
    });
  });

  test("is one envelope of one frame", () => {
    const split = carrierByName[carrier].split(bytesOfHex(bytes));
    if (!split.ok) expect.unreachable("it is an envelope");
    expect(split.value).toHaveLength(1);
    const [only = new Uint8Array()] = split.value;
    expect(carrierByName[carrier].open(only)).toEqual(
      carrierByName[carrier].open(bytesOfHex(bytes)),
    );
  });

  test("every truncation is refused", () => {
    for (let length = 0; length < text.trimEnd().length; length += 1) {
      expect(reasonFor(carrier, text.slice(0, length))).not.toBe("opened");
    }
  });
});

test("each carrier has a card with a frame, and each platform one without", () => {
  for (const name of carrierNames) {
    const own = cards.filter(({ carrier }) => carrier === name);
    expect(own.some(({ expect: { inner } }) => inner !== null)).toBe(true);
    const hasEvent = own.some(({ expect: { event } }) => event !== null);
    expect(hasEvent).toBe(name !== "gatewayjson");
  }
});

const up = (extra: string) => `{"deviceInfo":{"devEui":"0101010101010142"},${extra}}`;
const report = (extra: string) => `{"messageType":"dataReport","IMEI":"860000000000042",${extra}}`;
const notify = (params: string) => {
  const msg = `{"messageType":"notify","imei":"860000000000042","data":{"params":{${params}}}}`;
  return JSON.stringify({ msg, nonce: "abcdefgh", signature: "" });
};
const single = (entry: string) => `{"v":1,"frames":[{${entry}}]}`;
const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

const refused: readonly (readonly [string, CarrierName, string, string])[] = [
  ["nothing", "ctwing", "", "SCHEMA"],
  ["a list", "ctwing", "[]", "SCHEMA"],
  ["text after it", "ctwing", `${report(`"payload":{"APPdata":"${base64}"}`)}x`, "SCHEMA"],
  ["no messageType", "ctwing", `{"payload":{"APPdata":"${base64}"}}`, "SCHEMA"],
  ["an event of a thing model", "ctwing", '{"messageType":"eventReport"}', "UNSUPPORTED"],
  ["a thing model", "ctwing", report('"payload":{"gas":1}'), "UNSUPPORTED"],
  ["frame as a number", "ctwing", report('"payload":{"APPdata":1}'), "UNSUPPORTED"],
  ["frame as a blank", "ctwing", report('"payload":{"APPdata":""}'), "SCHEMA"],
  ["base64 with a blank in it", "ctwing", report(`"payload":{"APPdata":"aA== "}`), "SCHEMA"],
  ["base64 of two ways", "ctwing", report('"payload":{"APPdata":"aB=="}'), "SCHEMA"],
  ["a key twice", "ctwing", report(`"IMEI":"1","payload":{"APPdata":"${base64}"}`), "SCHEMA"],
  ["a key twice that nobody reads", "ctwing", report('"x":{"a":1,"a":2}'), "SCHEMA"],
  ["a key twice, once escaped", "ctwing", report('"x":{"a":1,"\\u0061":2}'), "SCHEMA"],
  ["too deep where nobody reads", "ctwing", report(`"x":${deep(17)}`), "DEPTH"],
  ["half a million levels", "ctwing", deep(30_000), "DEPTH"],
  ["no number", "ctwing", report('"x":01'), "SCHEMA"],
  ["no JSON number", "ctwing", report('"x":NaN'), "SCHEMA"],
  ["half a surrogate", "ctwing", report('"x":"\\ud800"'), "ENCODING"],
  ["NUL", "ctwing", report('"x":"\\u0000"'), "ENCODING"],
  ["byte-order mark", "ctwing", `\ufeff${report('"x":1')}`, "ENCODING"],
  ["too large", "ctwing", report(`"x":"${"a".repeat(65_536)}"`), "SIZE"],
  ["no devEui", "chirpstack", '{"deviceInfo":{},"data":"aA=="}', "SCHEMA"],
  ["devEui of v3, in base64", "chirpstack", '{"devEUI":"AQEBAQEBAQE=","data":"aA=="}', "SCHEMA"],
  ["devEui of 15 digits", "chirpstack", '{"deviceInfo":{"devEui":"010101010101014"}}', "SCHEMA"],
  ["data as hexadecimal bytes", "chirpstack", up('"data":[104,22]'), "SCHEMA"],
  [
    "data under a key of the join server",
    "chirpstack",
    up(`"data":"${base64}","joinServerContext":{"sessionKeyId":"01"}`),
    "UNSUPPORTED",
  ],
  ["no message", "onenet", '{"nonce":"abcdefgh","signature":""}', "SCHEMA"],
  ["a message that is no JSON", "onenet", '{"msg":"c2VjcmV0"}', "SCHEMA"],
  ["a message of the suite before", "onenet", '{"msg":{"type":1,"value":"68"}}', "UNSUPPORTED"],
  ["numbers only", "onenet", notify('"gas":{"value":12.5}'), "UNSUPPORTED"],
  [
    "two frames",
    "onenet",
    notify(`"19_0_0":{"value":"${hex}"},"19_0_1":{"value":"${hex}"}`),
    "UNSUPPORTED",
  ],
  ["a text that is no frame", "onenet", notify('"model":{"value":"on!"}'), "SCHEMA"],
  ["an unknown key of ours", "gatewayjson", single(`"hex":"${hex}","x":1`), "SCHEMA"],
  ["another version", "gatewayjson", `{"v":2,"frames":[{"hex":"${hex}"}]}`, "SCHEMA"],
  ["no frame", "gatewayjson", '{"v":1,"frames":[]}', "SCHEMA"],
  ["two frames", "gatewayjson", '{"v":1,"frames":[{"hex":"68"},{"hex":"68"}]}', "SCHEMA"],
  ["both texts", "gatewayjson", single(`"hex":"${hex}","base64":"${base64}"`), "SCHEMA"],
  ["neither text", "gatewayjson", single('"meter":"M1"'), "SCHEMA"],
  ["odd digits", "gatewayjson", single('"hex":"683"'), "SCHEMA"],
  ["blanks between bytes", "gatewayjson", single('"hex":"68 30"'), "SCHEMA"],
  ["an id that is none", "gatewayjson", single('"meter":"M 1","hex":"68"'), "SCHEMA"],
  ["an address that is none", "gatewayjson", single('"address":"a b","hex":"68"'), "SCHEMA"],
  ["a time that is none", "gatewayjson", single('"receivedAt":"yesterday","hex":"68"'), "SCHEMA"],
];

test.each(refused)("%s (%s) is refused", (_what, name, text, reason) => {
  expect(reasonFor(name, text)).toBe(reason);
});

test("names that other programs trip over are only names", () => {
  const names = '"__proto__":{"address":"1"},"constructor":{"prototype":{"inner":1}},"toString":1';
  const text = report(`${names},"payload":{"APPdata":"${base64}"}`);
  const opened = carrierByName.ctwing.open(utf8(text));
  expect(opened).toMatchObject({ ok: true, value: { address: "860000000000042", inner: frame } });
  const params = notify(`"__proto__":{"value":"${hex}"}`);
  expect(carrierByName.onenet.open(utf8(params))).toMatchObject({
    ok: true,
    value: { inner: frame },
  });
  expect(({} as { address?: string }).address).toBeUndefined();
});

test("an IMEI that is none is not believed", () => {
  for (const [imei, address] of [
    ["undefined", null],
    ["", null],
    ["86000000000004x", null],
    ["8600000000000421", "8600000000000421"],
  ] as const) {
    const text = `{"messageType":"dataReport","IMEI":"${imei}","payload":{"APPdata":"${base64}"}}`;
    expect(carrierByName.ctwing.open(utf8(text))).toMatchObject({ value: { address } });
  }
});

test("a time that is none costs no frame", () => {
  for (const [time, sentAtMs] of [
    ['"yesterday"', null],
    ["-1", null],
    ["1e400", null],
    ['"2026-02-31T00:00:00Z"', null],
    ["1795305612", 1_795_305_612_000],
    ['"1795305612345"', 1_795_305_612_345],
  ] as const) {
    const text = report(`"timestamp":${time},"payload":{"APPdata":"${base64}"}`);
    expect(carrierByName.ctwing.open(utf8(text))).toMatchObject({ ok: true, value: { sentAtMs } });
  }
});

test.each([
  ['"queueItemId":"1","acknowledged":false,"fCntDown":0', "ack"],
  ['"downlinkId":7,"queueItemId":"1"', "txack"],
  ['"margin":-3,"batteryLevel":88.1', "status"],
  ['"level":"ERROR","code":"UPLINK_F_CNT_RESET"', "log"],
  ['"location":{"latitude":1.5}', "location"],
  ['"integrationName":"x","eventType":"y"', "integration"],
  ['"fCnt":0,"fPort":0,"data":""', "up"],
  ['"devAddr":"00189440"', "join"],
])("ChirpStack %s is the event %s", (keys, event) => {
  const opened = carrierByName.chirpstack.open(utf8(up(keys)));
  expect(opened).toMatchObject({ ok: true, value: { event, inner: null } });
});

describe("a gateway's envelope of many frames", () => {
  const many = (count: number) =>
    `{"v":1,"frames":[${Array.from({ length: count }, (_, n) => `{"meter":"M${n}","hex":"${hex}"}`).join(" , ")}]}`;

  test("is taken apart, each frame byte for byte", () => {
    const split = carrierByName.gatewayjson.split(utf8(many(1_000)));
    if (!split.ok) expect.unreachable("a thousand frames are allowed");
    expect(split.value).toHaveLength(1_000);
    for (const [n, one] of split.value.entries()) {
      const text = `{"v":1,"frames":[{"meter":"M${n}","hex":"${hex}"}]}`;
      expect(Buffer.from(one).toString()).toBe(text);
    }
  });

  test("a frame that is wrong does not hurt its neighbours", () => {
    const split = carrierByName.gatewayjson.split(
      utf8('{"frames":[{"hex":"68"},{"hex":"6"},{"a":{"b":[1,{"c":null}]}},7],"v":1}'),
    );
    if (!split.ok) expect.unreachable("an envelope of four");
    const reasons = split.value.map((one) => reasonFor("gatewayjson", one));
    expect(reasons).toEqual(["opened", "SCHEMA", "SCHEMA", "SCHEMA"]);
  });

  test.each([
    ["more than a thousand", many(1_001)],
    ["none", '{"v":1,"frames":[]}'],
    ["no list", '{"v":1,"frames":{}}'],
    ["another version", '{"v":2,"frames":[{}]}'],
    ["not JSON", '{"v":1,"frames":[{]}'],
    ["larger than 1 MiB", `{"v":1,"frames":["${"a".repeat(1024 * 1024)}"]}`],
    ["too deep", `{"v":1,"frames":[${deep(20)}]}`],
  ])("%s: refused as a whole", (_what, text) => {
    expect(carrierByName.gatewayjson.split(utf8(text)).ok).toBe(false);
  });
});

describe("downlinks", () => {
  const order = {
    address: "0101010101010142",
    meterId: "M0042",
    protocol: "cjt188",
    inner: frame,
    expiresAtMs: timestampMs(1_795_305_612_000),
  };
  const written = (
    name: CarrierName,
    given: typeof order | (Omit<typeof order, "address"> & { address: null }),
  ) => {
    const bytes = carrierByName[name].encodeDownlink?.(given);
    if (bytes === undefined) return null;
    return bytes.ok
      ? (JSON.parse(Buffer.from(bytes.value).toString()) as unknown)
      : bytes.fault.kind;
  };

  test("ChirpStack takes the frame on port 2, never confirmed, with its expiry", () => {
    expect(written("chirpstack", order)).toEqual({
      devEui: "0101010101010142",
      confirmed: false,
      fPort: 2,
      data: base64,
      expiresAt: "2026-11-22T00:00:12.000Z",
    });
    expect(written("chirpstack", { ...order, address: null })).toBe("noFrameAddress");
    expect(written("chirpstack", { ...order, address: "860000000000042" })).toBe("noFrameAddress");
  });

  test("a gateway takes the frame with its meter and its protocol", () => {
    expect(written("gatewayjson", { ...order, address: null })).toEqual({
      v: 1,
      meter: "M0042",
      protocol: "cjt188",
      hex,
      expiresAt: "2026-11-22T00:00:12.000Z",
    });
  });

  test("nothing goes down over CTWing and OneNET", () => {
    expect(written("ctwing", order)).toBeNull();
    expect(written("onenet", order)).toBeNull();
  });
});

test.each(carrierNames)(
  "100,000 random or damaged envelopes of %s: a typed answer",
  (name) => {
    const carrier = carrierByName[name];
    const seeds = cards.filter((card) => card.carrier === name).map((card) => bytesOfHex(card.hex));
    const answers = fuzz(seeds, 20_261_128, (bytes) => {
      carrier.split(bytes);
      const opened = carrier.open(bytes);
      return opened.ok ? "opened" : reasonOf(opened.fault);
    });
    expect(answers.get("opened")).toBeGreaterThan(0);
    expect(answers.get("SCHEMA")).toBeGreaterThan(0);
  },
  60_000,
);

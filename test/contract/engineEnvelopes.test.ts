/** Frames in the envelopes of platforms, through the engine on a real ledger: whose they are and what they say. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CarrierName } from "#domain/platform.ts";
import { statusBits } from "#domain/status.ts";
import { emptyReading } from "#domain/telegram.ts";
import { minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import { encodeMeteringAnswer } from "#protocols/cjt188/uplink.ts";
import { EngineUnderTest, type TestUplink } from "../support/engine.ts";
import {
  chirpstackUp,
  ctwingPush,
  gatewayPush,
  hexFrame,
  onenetMessage,
  onenetPush,
} from "../support/envelopes.ts";

const frameAddress = "51510000000042";
const imei = "860000000000042";
const devEui = "0101010101010142";

let engine: EngineUnderTest;

beforeEach(() => {
  engine = new EngineUnderTest();
});
afterEach(() => engine.close());

function listed(gateway: string, ...meterIds: string[]): void {
  engine.ask({ kind: "gateway.put", gateway: { id: gateway, meterIds } });
}

function register(carrierAddress: string | null, id = "C1", address: string | null = frameAddress) {
  return engine.register(id, { protocol: "cjt188", frameAddress: address, carrierAddress });
}

interface Said {
  readonly hundredths?: number;
  readonly isLeak?: boolean;
  readonly address?: string;
}

/** An answer 901F, measured now. */
function frame({ hundredths = 123_456, isLeak = false, address = frameAddress }: Said = {}) {
  const measuredAtMs = timestampMs(engine.nowMs);
  const volume = { ml: volumeMl(hundredths * 10_000), count: hundredths, exponent: -2 };
  const status = isLeak ? statusBits.leak : 0;
  return encodeMeteringAnswer(
    { address, sequence: 1 },
    { ...emptyReading, measuredAtMs, volume, valve: "open", status },
  );
}

function push(protocol: CarrierName, text: string, extra: Partial<TestUplink> = {}): void {
  const bytes = Buffer.from(text);
  engine.uplinks([{ meterNo: -1, protocol, bytes, gateway: "G1", ...extra }]);
}

function outcomes() {
  return engine.rows("SELECT meter_no AS meterNo, protocol, outcome FROM uplink ORDER BY seq");
}

function quarantined() {
  return engine
    .rows("SELECT reason, detail FROM quarantine ORDER BY id")
    .map(({ reason, detail }) => `${String(reason)} ${String(detail)}`);
}

type Wrap = (bytes: Uint8Array, deliveryId?: string) => string;

const platforms: readonly (readonly [CarrierName, string, Wrap])[] = [
  ["ctwing", imei, (bytes) => ctwingPush({ frame: bytes, address: imei })],
  [
    "onenet",
    imei,
    (bytes, id) => onenetPush(onenetMessage({ frame: bytes, address: imei }), "", id),
  ],
  [
    "chirpstack",
    devEui,
    (bytes, id = "a") =>
      chirpstackUp({ frame: bytes, address: devEui.toUpperCase(), deliveryId: id }),
  ],
  ["gatewayjson", imei, (bytes) => gatewayPush(hexFrame(bytes, { address: imei }))],
];

describe.each(platforms)("%s", (carrier, address, wrap) => {
  test("a frame becomes a reading, a leak in it rings, and the envelope is kept whole", () => {
    const meterNo = register(address);
    listed("G1", "C1");
    const text = wrap(frame());
    push(carrier, text);
    engine.nowMs += 5 * minuteMs;
    push(carrier, wrap(frame({ isLeak: true })));
    expect(outcomes()).toEqual([
      { meterNo, protocol: carrier, outcome: "accepted" },
      { meterNo, protocol: carrier, outcome: "accepted" },
    ]);
    const registers = engine.readings().map(({ indexMl }) => indexMl);
    expect(registers).toEqual([1_234_560_000, 1_234_560_000]);
    expect(engine.alarms("R1")).toMatchObject([{ state: "unacknowledged", historical: false }]);
    const [first] = engine.rows("SELECT bytes FROM uplink ORDER BY seq");
    expect(Buffer.from(first?.["bytes"] as Uint8Array).toString()).toBe(text);
  });

  test("a platform that repeats itself is stored once, whatever it calls its deliveries", () => {
    register(address);
    listed("G1", "C1");
    const bytes = frame();
    for (let attempt = 0; attempt < 17; attempt += 1) {
      push(carrier, wrap(bytes, `delivery-${attempt}`));
      engine.nowMs += 10 * minuteMs;
    }
    expect(engine.readings()).toHaveLength(1);
    const found = outcomes().map(({ outcome }) => outcome);
    expect(found).toEqual(["accepted", ...Array.from({ length: 16 }, () => "duplicate")]);
  });

  test("a meter that nobody knows, or that the gateway may not carry, waits in quarantine", () => {
    push(carrier, wrap(frame()));
    register(address);
    push(carrier, wrap(frame()));
    listed("G2", "C1");
    push(carrier, wrap(frame()));
    const reasons = quarantined().map((line) => line.split(" ")[0]);
    expect(reasons).toEqual(["UNKNOWN_METER", "NOT_OWNER", "NOT_OWNER"]);
    expect(engine.readings()).toEqual([]);
  });

  test("a frame that is broken inside is the meter's, with its reason", () => {
    const meterNo = register(address);
    listed("G1", "C1");
    const bytes = frame();
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    push(carrier, wrap(bytes));
    expect(quarantined()).toEqual([expect.stringContaining("CHECKSUM checksumMismatch")]);
    expect(outcomes()).toEqual([{ meterNo, protocol: carrier, outcome: "quarantined" }]);
  });

  test("an envelope that is none waits in quarantine under the meter of its topic", () => {
    const meterNo = register(address);
    listed("G1", "C1");
    push(carrier, "{", { meterNo });
    push(carrier, "{");
    expect(quarantined()).toEqual([
      expect.stringMatching(/^SCHEMA/),
      expect.stringMatching(/^SCHEMA/),
    ]);
    expect(outcomes().map((row) => row["meterNo"])).toEqual([meterNo, null]);
  });

  test("the topic's meter and the envelope's must be the same", () => {
    register(address);
    const other = register(null, "C2", "51510000000099");
    listed("G1", "C1", "C2");
    push(carrier, wrap(frame()), { meterNo: other });
    expect(quarantined()).toEqual([expect.stringMatching(/^NOT_OWNER/)]);
  });

  test("another meter's frame in the right envelope is not believed", () => {
    register(address);
    listed("G1", "C1");
    push(carrier, wrap(frame({ address: "51510000000099" })));
    expect(quarantined()).toEqual([expect.stringContaining("NOT_OWNER address 51510000000099")]);
  });

  test("a topic with the meter needs no name in the registry", () => {
    const meterNo = register(null);
    listed("G1", "C1");
    push(carrier, wrap(frame()), { meterNo });
    expect(outcomes()).toEqual([{ meterNo, protocol: carrier, outcome: "accepted" }]);
  });
});

test("an event of a platform is on record and nothing else: no meter was heard", () => {
  const meterNo = register(devEui);
  listed("G1", "C1");
  const join = { deviceInfo: { devEui }, devAddr: "00189440" };
  push("chirpstack", JSON.stringify(join));
  push("chirpstack", JSON.stringify({ ...join, deviceInfo: { devEui: "ffffffffffffffff" } }));
  push("onenet", onenetPush('{"messageType":"lifeCycle","deviceName":"gas-0042"}'));
  expect(outcomes()).toEqual([
    { meterNo, protocol: "chirpstack", outcome: "accepted" },
    { meterNo: null, protocol: "chirpstack", outcome: "accepted" },
    { meterNo: null, protocol: "onenet", outcome: "accepted" },
  ]);
  expect(engine.readings()).toEqual([]);
  expect(quarantined()).toEqual([]);
});

test("what may be an alarm that we cannot read is not taken for nothing", () => {
  register(imei);
  listed("G1", "C1");
  push("ctwing", `{"messageType":"eventReport","IMEI":"${imei}","eventContent":{"gas":1}}`);
  expect(quarantined()).toEqual([
    expect.stringContaining("UNSUPPORTED unsupported: what eventReport"),
  ]);
});

describe("a gateway's own envelope", () => {
  test("names its meter by our id", () => {
    const meterNo = register(null);
    listed("G1", "C1");
    push("gatewayjson", gatewayPush(hexFrame(frame(), { meter: "C1", protocol: "cjt188" })));
    expect(outcomes()).toEqual([{ meterNo, protocol: "gatewayjson", outcome: "accepted" }]);
  });

  test("or by the address in the frame, where it says which protocol that is", () => {
    const meterNo = register(null);
    listed("G1", "C1");
    push("gatewayjson", gatewayPush(hexFrame(frame(), { protocol: "cjt188" })));
    push("gatewayjson", gatewayPush(hexFrame(frame())));
    expect(outcomes()).toEqual([
      { meterNo, protocol: "gatewayjson", outcome: "accepted" },
      { meterNo: null, protocol: "gatewayjson", outcome: "quarantined" },
    ]);
    expect(quarantined()).toEqual([expect.stringMatching(/^SCHEMA/)]);
  });

  test("must not take one protocol for another, nor a meter for another", () => {
    register(null);
    listed("G1", "C1");
    push("gatewayjson", gatewayPush(hexFrame(frame(), { meter: "C1", protocol: "mbus" })));
    push("gatewayjson", gatewayPush(hexFrame(frame(), { meter: "C9", protocol: "cjt188" })));
    expect(quarantined()).toEqual([
      expect.stringContaining("the meter speaks cjt188"),
      expect.stringContaining("UNKNOWN_METER address C9"),
    ]);
    expect(engine.readings()).toEqual([]);
  });
});

test("a delivery's own name is shown where a person looks for it", () => {
  push(
    "chirpstack",
    chirpstackUp({ frame: frame(), address: devEui, deliveryId: "3ac7e3c4-4401" }),
  );
  expect(quarantined()).toEqual([`UNKNOWN_METER address ${devEui}, delivery 3ac7e3c4-4401`]);
});

test("an envelope from before its meter was registered is decoded afterwards", () => {
  push("chirpstack", chirpstackUp({ frame: frame({ isLeak: true }), address: devEui }));
  register(devEui);
  const redecode = () => engine.ask({ kind: "quarantine.redecode", quarantineId: 1 });
  expect(redecode()).toMatchObject({ ok: false, refusal: { detail: "NOT_OWNER" } });
  listed("G1", "C1");
  expect(redecode()).toMatchObject({ ok: true, answer: { kind: "uplink" } });
  expect(engine.readings()).toMatchObject([{ indexMl: 1_234_560_000 }]);
  expect(redecode()).toMatchObject({ ok: false });
});

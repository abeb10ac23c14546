/** CJ/T 188 for people: every identifier has its name, in either order, also where the frame has no use. */
import { describe, expect, test } from "vitest";
import { encodeFrame } from "#protocols/cjt188/frame.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { sum8 } from "#protocols/codec/layout.ts";
import { cardsIn } from "./cardChecks.ts";
import { bytesOfHex, loadCard } from "./cards.ts";

const address = "51510000000042";

function valuesOf(bytes: Uint8Array): Readonly<Record<string, string>> {
  const { fields } = cjt188Protocol.explain(bytes);
  return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
}

const named = [
  ["901f", "metering data 1"],
  ["911f", "metering data 2"],
  ["907f", "clock"],
  ["9097", "NB-IoT report"],
  ["8102", "price table"],
  ["8103", "settlement day"],
  ["8104", "reading day"],
  ["8105", "purchased amount"],
  ["8106", "key version"],
  ["810a", "address"],
  ["8120", "factory date"],
  ["8121", "factory parameters"],
  ["d120", "settlement value, months back: 1"],
  ["d12b", "settlement value, months back: 12"],
  ["d200", "history 2, months back: 1"],
  ["d2ff", "history 2, months back: 256"],
  ["d300", "timed freeze, times back: 1"],
  ["d4ff", "instant freeze, times back: 256"],
  ["a017", "valve control"],
  ["a118", "write clock difference and report schedule"],
] as const;

describe.each(named)("%s is %s", (di, name) => {
  test.each([di, di.slice(2) + di.slice(0, 2)])("as %s on the wire", (diWire) => {
    for (const control of [0x01, 0x81, 0xa1, 0xc1]) {
      const data = bytesOfHex(`${diWire}07ffffff`);
      const values = valuesOf(encodeFrame({ meterType: 0x30, address, control }, data));
      expect(values).toMatchObject({
        diWire: diWire.toUpperCase(),
        identifier: `${di.toUpperCase()} ${name}`,
      });
    }
  });
});

test("an identifier of nobody's table says so, with its data as they stand", () => {
  const data = bytesOfHex("d12c0701020304");
  const bytes = encodeFrame({ meterType: 0x30, address, control: 0x81 }, data);
  expect(cjt188Protocol.decode(bytes)).toMatchObject({
    fault: { kind: "unsupported", what: "answer 81H with DI D12C and L 7" },
  });
  expect(valuesOf(bytes)).toMatchObject({ identifier: "not in the tables", data: "01020304" });
});

test.each([
  [0x81, "81H answer to read data"],
  [0xa1, "A1H answer to read data, D5: maker's or more follows"],
  [0xc4, "C4H abnormal answer to write data"],
  [0xaa, "AAH answer to write data (vendor)"],
  [0x24, "24H write data, D5: maker's or more follows"],
  [0x09, "09H read key version"],
  [0x9f, "9FH answer to unknown function"],
])("control code %i is %s", (control, wanted) => {
  const bytes = encodeFrame({ meterType: 0x30, address, control }, bytesOfHex("901f00"));
  expect(valuesOf(bytes)["control"]).toBe(wanted);
});

test("values of a heat meter have their units", () => {
  const { fields } = cjt188Protocol.explain(loadCard("cjt188/heat").bytes);
  const told = fields.map(({ name, value, unit }) => `${name} ${value} ${unit ?? ""}`.trim());
  expect(told).toEqual(
    expect.arrayContaining([
      "currentHeat 1256.78 kWh",
      "power 1.20 kW",
      "flow 0.2500 m³/h",
      "volume 1234.56 m³",
      "supplyTemperature 55.00 °C",
      "workingHours 1000 h",
    ]),
  );
});

test("a unit of another quantity is printed as the code that it is", () => {
  const card = loadCard("cjt188/settlementMonth");
  const bytes = card.bytes.with(18, 0x05);
  bytes[19] = sum8(bytes, 0, 19);
  const { fields } = cjt188Protocol.explain(bytes);
  expect(fields.find(({ name }) => name === "settlement")).toMatchObject({
    value: "123456",
    unit: "unit code 05H",
  });
});

test("what a request asks for is told, and no request is a telegram", () => {
  const requests = [
    ["0404a0172a99", { identifier: "A017 valve control", operation: "close" }],
    ["0303810a00", { identifier: "810A address", sequence: "0" }],
    ["0302810a", { identifier: "810A address" }],
    ["0403a0190b", { identifier: "A019 factory enable", sequence: "0B" }],
  ] as const;
  for (const [hex, wanted] of requests) {
    const control = Number.parseInt(hex.slice(0, 2), 16);
    const data = bytesOfHex(hex.slice(4));
    const bytes = encodeFrame({ meterType: 0x30, address, control }, data);
    expect(valuesOf(bytes)).toMatchObject(wanted);
    expect(cjt188Protocol.explain(bytes).fault).toMatchObject({ kind: "unsupported" });
    expect(cjt188Protocol.decode(bytes).ok).toBe(false);
  }
});

function closed(hexBody: string, sumFrom = 0): Uint8Array {
  const body = bytesOfHex(hexBody);
  return Uint8Array.from([...body, sum8(body, sumFrom, body.length), 0x16]);
}

test.each([
  ["M-Bus long frame", closed("680a0a6808017201020304050607", 4)],
  ["DL/T 645 frame", closed("6812345678901268910433334333")],
  ["diaphragm gas meter frame", closed("6812345678901268810b0026112008000008c52500a1")],
  ["CAT-1 frame", cardsIn("cat1").find(({ file }) => file === "report.json")?.bytes],
])("%s is refused by its name", (what, bytes = new Uint8Array()) => {
  for (const frame of [bytes, Uint8Array.of(0xfe, 0xfe, ...bytes)]) {
    expect(cjt188Protocol.decode(frame)).toEqual({
      ok: false,
      fault: { kind: "unsupported", what },
    });
    expect(cjt188Protocol.explain(frame).fault).toEqual({ kind: "unsupported", what });
  }
});

describe("the address in clear", () => {
  test("is that of every whole frame", () => {
    for (const { bytes, expect: told } of cardsIn("cjt188")) {
      expect(cjt188Protocol.addressOf(bytes)).toBe(told.address);
    }
  });

  test("is nobody's in a damaged frame, or in one to all", () => {
    const { bytes } = loadCard("cjt188/gasLeak");
    expect(cjt188Protocol.addressOf(bytes.with(3, 0x01))).toBeNull();
    expect(cjt188Protocol.addressOf(bytes.subarray(1))).toBeNull();
    expect(cjt188Protocol.addressOf(loadCard("cjt188/broadcastOwner").bytes)).toBeNull();
  });
});

/** DLMS/COSEM push: frames, values, and what becomes of a gas meter's objects. */
import { describe, expect, test } from "vitest";
import { crc16X25 } from "#protocols/codec/crc16.ts";
import { instantOfClock, type ClockOptions } from "#protocols/dlms/clock.ts";
import { dataDepthMax, readData } from "#protocols/dlms/data.ts";
import { dlmsProtocol, readMessages } from "#protocols/dlms/protocol.ts";
import { cardsIn, checkCards, fuzz, takeBy } from "./cardChecks.ts";
import { bytesOfHex, utf8 } from "./cards.ts";
import { cubicMetres, name, onlyRegister, push, readingOf, register, taken } from "./dlmsPushes.ts";

const cards = cardsIn("dlms");
checkCards(cards, () => dlmsProtocol, true);

/** 123.456789123 cubic metres as a float of eight bytes. */
const rounded = { ml: 123_456_789, count: 123_456_789, exponent: -6 };
/** 750,000,000 cubic metres in units of 10^-9: beyond a safe count, not beyond millilitres. */
const bigRegister = { ml: 750_000_000_000_000, count: 750_000_000_000_000, exponent: -6 };

test("the checksum's published check value", () => {
  expect(crc16X25(utf8("123456789"), 0, 9)).toBe(0x906e);
});

describe("values", () => {
  test.each([
    ["00", "null-data", null],
    ["0301", "boolean", true],
    ["040ba5e0", "bit-string", "10100101111"],
    ["05fffffffe", "double-long", -2],
    ["06fffffffe", "double-long-unsigned", 4_294_967_294],
    ["09020102", "octet-string", Uint8Array.of(1, 2)],
    ["0a024f4b", "visible-string", "OK"],
    ["0c02c3a9", "utf8-string", "é"],
    ["0d42", "bcd", "42"],
    ["0f80", "integer", -128],
    ["108000", "long", -32_768],
    ["11ff", "unsigned", 255],
    ["12ffff", "long-unsigned", 65_535],
    ["14001fffffffffffff", "long64", Number.MAX_SAFE_INTEGER],
    ["15ffffffffffffffff", "long64-unsigned", 2n ** 64n - 1n],
    ["1602", "enum", 2],
    ["173fc00000", "float32", 1.5],
    ["184029000000000000", "float64", 12.5],
    ["1b0c22ff00", "time", Uint8Array.of(12, 34, 255, 0)],
  ])("%s is %s", (hex, type, value) => {
    expect(readData(bytesOfHex(hex))).toMatchObject({ ok: true, value: { type, value } });
  });

  test("a compact array says its shape once", () => {
    const read = readData(bytesOfHex("130202110f0601ff02fe03fd"));
    const rows = [1, 2, 3].map((n) => ({
      type: "structure",
      value: [
        { type: "unsigned", value: n },
        { type: "integer", value: -n },
      ],
    }));
    expect(read).toMatchObject({ ok: true, value: { type: "compact-array", value: rows } });
  });

  test.each([
    ["nested 1000 deep", "0201".repeat(1_000), { kind: "tooDeep", limit: dataDepthMax }],
    ["an array of 2^32", "0184ffffffff", { kind: "wrongLength" }],
    ["a string of 2^32", "0984ffffffff00", { kind: "truncated" }],
    ["a length of a length of 5", "0985", { kind: "wrongLength" }],
    ["an endless length", "0980", { kind: "wrongLength" }],
    ["no tag of the standard", "0e00", { kind: "unexpectedValue" }],
    ["a tag of the language's own objects", "7f", { kind: "unexpectedValue" }],
    ["a compact array of nothing", `130081ff${"00".repeat(255)}`, { kind: "tooLarge" }],
    ["65535^2 values in eleven bytes", "1301ffff01ffff000100", { kind: "tooLarge" }],
    ["a compact array that ends within a value", "13120301", { kind: "wrongLength" }],
    ["something behind the value", "0000", { kind: "wrongLength" }],
    ["nothing", "", { kind: "truncated" }],
  ])("%s is refused", (_, hex, fault) => {
    expect(readData(bytesOfHex(hex))).toMatchObject({ ok: false, fault });
    expect(dlmsProtocol.decode(push(hex)).ok).toBe(false);
  });
});

describe("clocks", () => {
  const berlin = { offsetMinutes: 60 };
  test.each<[string, ClockOptions, string | null]>([
    ["07ea0b16ff080000ffffc400", {}, "2026-11-22T07:00:00.000Z"],
    ["07ea071402123005 32ff8880", {}, "2026-07-20T16:48:05.500Z"],
    ["07ea0b16ff080000ff003c00", { isDeviationInverted: true }, "2026-11-22T07:00:00.000Z"],
    ["07ea0b16ff080000ff800000", {}, null],
    ["07ea0b16ff080000ff800000", berlin, "2026-11-22T07:00:00.000Z"],
    ["07ea0716ff080000ff800080", berlin, "2026-07-22T06:00:00.000Z"],
    ["07ea0716ff080000ff8000ff", berlin, "2026-07-22T07:00:00.000Z"],
    ["07ea0b16ff0800ffff000000", {}, "2026-11-22T08:00:00.000Z"],
    ["07ea0b16ff08ffffff000000", {}, null],
    ["07ea0b16ffff0000ff000000", {}, null],
    ["ffff0b16ff080000ff000000", {}, null],
    ["07ea0bfeff080000ff000000", {}, null],
    ["07ea0b16ff080000ff000001", {}, null],
    ["07ea021dff080000ff000000", {}, null],
    ["07ea0b16ff080000ff7fff00", {}, null],
    ["07ea0b16ff0800", {}, null],
    ["", {}, null],
  ])("%s %j is %s", (hex, options, iso) => {
    const at = instantOfClock(bytesOfHex(hex.replace(" ", "")), options);
    expect(at === null ? null : new Date(at).toISOString()).toBe(iso);
  });

  test("the register's own time wins over the meter's clock, and that over the push's", () => {
    const date = (hour: string) => `07ea0b16ff${hour}0000ff000000`;
    const clock = `0202${name("0-0:1.0.0")}090c${date("09")}`;
    const captured = `0204${register.slice(4)}090c${date("0a")}`;
    const withDate = (body: string) => bytesOfHex(`0f000000010c${date("08")}${body}`);
    const hourOf = (body: string) => {
      const reading = readingOf(withDate(body));
      const at = reading !== null && "measuredAtMs" in reading ? reading.measuredAtMs : null;
      return at === null ? null : new Date(at).getUTCHours();
    };
    expect(hourOf(`0101${register}`)).toBe(8);
    expect(hourOf(`0102${clock}${register}`)).toBe(9);
    expect(hourOf(`0102${clock}${captured}`)).toBe(10);
    const unixClock = `0202${name("0-0:1.1.0")}066923fd10`;
    expect(hourOf(`0102${unixClock}${register}`)).toBe(new Date(0x6923fd10 * 1_000).getUTCHours());
  });
});

describe("registers", () => {
  const unit = (scaler: string, code: string) => `02020f${scaler}16${code}`;
  const one = (obis: string, value: string, scalerUnit = cubicMetres) =>
    `0203${name(obis)}${value}${scalerUnit}`;

  test.each([
    ["metering before corrected", ["7-0:3.1.0", "7-0:3.0.0"], 2],
    ["corrected before base conditions", ["7-0:3.2.0", "7-0:3.1.0"], 2],
    ["the meter before its converter", ["7-0:13.0.0", "7-0:3.0.0"], 2],
    ["absolute before undisturbed", ["7-0:1.0.0", "7-0:3.0.0"], 2],
    ["the converter before the logger", ["7-0:23.0.0", "7-0:11.0.0"], 2],
    ["the channel that has a register", ["7-1:0.2.0", "7-2:3.0.0"], 2],
    ["no tariff, no other quantity", ["7-0:3.0.1", "7-0:44.0.0"], null],
  ])("%s", (_, names, wanted) => {
    const list = names.map((obis, index) => one(obis, `0600000${index + 1}00`));
    const volume = readingOf(push(`010${list.length}${list.join("")}`));
    const count = wanted === null ? undefined : wanted * 256;
    if (count === undefined) expect(volume).toBeNull();
    else expect(volume).toMatchObject({ volume: { count, exponent: -3 } });
  });

  test.each([
    [undefined, 1],
    ["measurement", 1],
    ["base", 3],
  ] as const)("of a converter's three volumes %s counts", (volumeAt, wanted) => {
    const names = ["7-0:3.0.0", "7-0:3.1.0", "7-0:3.2.0"];
    const list = names.map((obis, index) => one(obis, `0600000${index + 1}00`));
    const volume = { count: wanted * 256 };
    expect(readingOf(push(`0103${list.join("")}`), { volumeAt })).toMatchObject({ volume });
    const corrected = readingOf(push(`0101${list[1]}`), { volumeAt });
    if (volumeAt === "measurement") expect(corrected).toBeNull();
    else expect(corrected).toMatchObject({ volume: { count: 512 } });
  });

  test("the first choice without a value is no value, never the second's", () => {
    const list = one("7-0:3.0.0", "00") + one("7-0:3.2.0", "06000004d2");
    expect(readingOf(push(`0102${list}`))).toBeNull();
  });

  test("registers of two channels: the meter's record must name one", () => {
    const own = one("7-2:3.0.0", "06000004d2") + one("7-1:3.0.0", "0600000001");
    expect(readingOf(push(`0102${own}`))).toMatchObject({ kind: "unsupported" });
    expect(readingOf(push(`0102${own}`), { gasChannel: 2 })).toMatchObject({ volume: taken });
    const device = (channel: number, value: string) =>
      `0202${name(`0-${channel}:24.1.0`)}1103${one(`0-${channel}:24.2.1`, value)}`;
    const bus = device(1, "0600000001") + device(3, "06000004d2");
    expect(readingOf(push(`0104${bus}`))).toMatchObject({ kind: "unsupported" });
    expect(readingOf(push(`0104${bus}`), { gasChannel: 3 })).toMatchObject({ volume: taken });
  });

  test("the meter's record may name another register and another channel", () => {
    const list = one("7-0:3.0.0", "0601000000") + one("7-1:13.2.0", "06000004d2");
    const options = { gasChannel: 1, volumeRegister: "13.2.0" };
    expect(readingOf(push(`0102${list}`), options)).toMatchObject({ volume: taken });
  });

  test.each([
    ["litres", "06000004d2", unit("00", "13"), taken],
    ["corrected cubic metres", "06000004d2", unit("fd", "0e"), taken],
    ["64 bits", "1500000000000004d2", cubicMetres, taken],
    ["a 32-bit float", "173f9df3b6", unit("00", "0d"), taken],
    ["a 32-bit float, not a number", "177fc00000", unit("00", "0d"), null],
    ["more digits than millilitres", "18405edd3c08721d06", unit("00", "0d"), rounded],
    ["64 bits of nanometres", "150a688906bd8b0000", unit("f7", "0d"), bigRegister],
    ["a 64-bit float", "183ff3be76c8b43958", unit("00", "0d"), taken],
    ["not a number", "187ff8000000000000", unit("00", "0d"), null],
    ["more than a safe integer", "15ffffffffffffffff", cubicMetres, null],
    ["a scaler of 127", "06000004d2", unit("7f", "0d"), null],
    ["a scaler of -128", "06000004d2", unit("80", "0d"), null],
    ["kilowatt hours", "06000004d2", unit("00", "1e"), null],
    ["text", "0a0131", cubicMetres, null],
  ])("a register in %s", (_, value, scalerUnit, volume) => {
    const read = readingOf(push(`0101${one("7-0:3.0.0", value, scalerUnit)}`));
    if (volume === null) expect(read).toMatchObject({ kind: "implausible" });
    else expect(read).toMatchObject({ volume });
  });

  test("without scaler and unit it is refused, unless the meter's record has them", () => {
    const bare = push(`0202${name("7-0:3.0.0")}06000004d2`);
    expect(readingOf(bare)).toMatchObject({ kind: "unsupported" });
    const scalers = { "3.0.0": { scaler: -3, unit: 13 } };
    expect(readingOf(bare, { scalers })).toMatchObject({ volume: taken });
  });

  test("nothing is nothing", () => {
    expect(readingOf(push(`0101${one("7-0:3.0.0", "00")}`))).toBeNull();
    expect(readingOf(push("0100"))).toBeNull();
    expect(readingOf(push("00"))).toBeNull();
  });

  test("flow by the day, kelvin, percent", () => {
    const list = [
      register,
      one("7-0:43.0.0", "0600000018", unit("00", "11")),
      one("7-0:41.0.0", "12b4d7", unit("fe", "08")).replace("12b4d7", "0600007243"),
      one("0-0:96.6.1", "1157", unit("00", "38")),
    ];
    expect(readingOf(push(`0104${list.join("")}`))).toMatchObject({
      volume: taken,
      flowMlPerHour: 1_000_000,
      temperatureCentiC: 0x7243 - 27_315,
      batteryPct: 87,
    });
  });

  test.each([
    ["1600", "closed"],
    ["1601", "open"],
    ["1602", "closed"],
    ["1603", "unknown"],
    ["0300", "closed"],
    ["0301", "open"],
    ["1101", "unknown"],
  ])("a valve of %s is %s", (value, valve) => {
    const control = `0202${name("0-0:96.3.10")}${value}`;
    expect(readingOf(push(`0102${register}${control}`))).toMatchObject({ valve });
  });

  test("with attribute descriptors, the attribute is not the value", () => {
    const described = `0205120003${name("7-0:3.0.0")}0f0206000004d2${cubicMetres}`;
    expect(readingOf(push(`0101${described}`))).toMatchObject({ volume: taken });
  });

  test("an event notification is the value of its object", () => {
    const event = bytesOfHex(`c2000046000060030aff031600`);
    expect(readMessages(event, {})).toMatchObject({
      ok: true,
      value: [{ apdu: { facts: { classId: 70, obis: "0-0:96.3.10.255", attribute: 3 } } }],
    });
    expect(readingOf(event)).toBeNull();
  });

  test("on M-Bus without a device type only the meter's record says that it is gas", () => {
    const bus = push(`0101${one("0-2:24.2.1", "06000004d2")}`);
    expect(readingOf(bus)).toBeNull();
    expect(readingOf(bus, { gasChannel: 2 })).toMatchObject({ volume: taken });
  });
});

/** Examples of the standard's own encodings, written out from its tables. */
test.each([
  ["get-request-normal", "c001c100030700030000ff0200", { classId: 3, obis: "7-0:3.0.0.255" }],
  ["get-request-next", "c00281000000 05", { block: 5, invokeId: 1, highPriority: true }],
  ["get-response-normal", "c401c100112a", { data: "112a" }],
  ["get-response-with-datablock", "c402c1000000000200021122", { block: 2, rawData: "1122" }],
  ["set-request-normal", "c101c100080000010000ff0300103c00", { attribute: 3, data: "103c00" }],
  ["set-response-normal", "c501c103", { result: "read-write-denied" }],
  ["action-request-normal", "c301c100460000600 30aff01010f00", { method: 1, data: "0f00" }],
  ["action-response-normal", "c701c10000", { result: "success", data: null }],
  ["exception-response", "d80106 0000000a", { serviceError: "invocation-counter-error" }],
  ["rlrq", "6203800100", { reason: "normal" }],
  ["rlre", "6303800101", { reason: "not-finished" }],
])("%s is read", (apdu, hex, facts) => {
  const messages = readMessages(bytesOfHex(hex.replaceAll(" ", "")), {});
  expect(messages).toMatchObject({ ok: true, value: [{ apdu: { facts: { apdu, ...facts } } }] });
});

test("orders need an association, and nothing pushed is urgent", () => {
  expect(dlmsProtocol.encodeCommand()).toMatchObject({ ok: false, fault: { kind: "unsupported" } });
  expect(dlmsProtocol.mayBeUrgent(new Uint8Array())).toBe(false);
});

test("100,000 random or damaged payloads: a typed answer, nothing thrown, nothing polluted", () => {
  const services = ["600a800200", "c001c1", "c402c100", "6103a203020100", "21300102"];
  const bare = cards.map(({ bytes }) => bytes.subarray(11, -3));
  const seeds = [
    ...cards.map(({ bytes }) => bytes),
    ...bare,
    ...services.map(bytesOfHex),
    onlyRegister,
    bytesOfHex("0f0000000100130202110f0601ff02fe03fd"),
  ];
  expect(fuzz(seeds, 20_261_122, takeBy(dlmsProtocol)).size).toBeGreaterThan(4);
}, 180_000);

/** DSMR P1: the gas meter in the telegram of the electricity meter. */
import { describe, expect, test } from "vitest";
import { crc16Arc } from "#protocols/codec/crc16.ts";
import { dsmrProtocol, type DsmrOptions } from "#protocols/dsmr/protocol.ts";
import { telegramBytesMax, telegramsMax } from "#protocols/dsmr/telegram.ts";
import { utf8 } from "./cards.ts";
import { cardsIn, checkCards, fuzz, takeBy } from "./cardChecks.ts";

const cards = cardsIn("dsmr");
checkCards(cards, () => dsmrProtocol, true);
checkCards(cardsIn("dsmrOld"), () => dsmrProtocol, false);

/** A telegram of lines with its checksum, by version 4 and later. */
function withChecksum(...lines: readonly string[]): Uint8Array {
  const body = ["/MCP5TEST", "", ...lines, "!"].join("\r\n");
  const sum = crc16Arc(utf8(body), 0, body.length).toString(16).toUpperCase().padStart(4, "0");
  return utf8(`${body}${sum}\r\n`);
}

/** By versions 2.2 and 3.0. */
function withoutChecksum(...lines: readonly string[]): Uint8Array {
  return utf8(["/MCP5TEST", "", ...lines, "!", ""].join("\r\n"));
}

function readingOf(bytes: Uint8Array, options?: DsmrOptions) {
  const result = dsmrProtocol.decode(bytes, options);
  if (!result.ok) return result.fault;
  const [reading] = result.value.readings;
  if (reading === undefined) return null;
  const { measuredAtMs, volume, valve } = reading;
  const at = measuredAtMs === null ? null : new Date(measuredAtMs).toISOString().slice(0, 19);
  return { at, ml: volume?.ml, valve };
}

test("the checksum's published check value", () => {
  expect(crc16Arc(utf8("123456789"), 0, 9)).toBe(0xbb3d);
});

describe("the time of a register", () => {
  test.each([
    ["090212160000", "2009-02-12T15:00:00"],
    ["160410130000", "2016-04-10T11:00:00"],
    ["260329015959", "2026-03-29T00:59:59"],
    ["260329020000", null],
    ["260329025959", null],
    ["260329030000", "2026-03-29T01:00:00"],
    ["261025015959", "2026-10-24T23:59:59"],
    ["261025020000", null],
    ["261025030000", "2026-10-25T02:00:00"],
  ])("without a flag, %s is %s", (time, at) => {
    const bytes = withoutChecksum(
      "0-1:24.1.0(03)",
      `0-1:24.3.0(${time})(00)(60)(1)(0-1:24.2.1)(m3)`,
      "(00012.345)",
      "0-1:24.4.0(1)",
    );
    expect(readingOf(bytes)).toEqual({ at, ml: 12_345_000, valve: "open" });
  });

  test.each([
    ["261025021500S", "2026-10-25T00:15:00"],
    ["261025021500W", "2026-10-25T01:15:00"],
    ["260229120000W", null],
    ["000101000000W", null],
    ["26102502150", null],
    ["", null],
  ])("with a flag, %s is %s", (time, at) => {
    const bytes = withChecksum("0-1:24.1.0(003)", `0-1:24.2.1(${time})(00000.007*m3)`);
    expect(readingOf(bytes)).toEqual({ at, ml: 7_000, valve: null });
  });
});

describe("what is no register", () => {
  test.each([
    ["(632525252525S)(00000.000)", null],
    ["(632525252525W)(00012.000*m3)", null],
    ["(000101000000W)(00000.000*m3)", null],
    ["(700101010000W)(00000000)", null],
    ["()()", null],
    ["()", null],
    ["(260714183000S)(12345.67x*m3)", "unexpectedValue"],
    ["(260714183000S)(12345.678*GJ)", "unexpectedValue"],
    ["(260714183000S)(1234567890.123*m3)", "unexpectedValue"],
  ])("%s", (values, expected) => {
    const read = readingOf(withChecksum("0-1:24.1.0(003)", `0-1:24.2.1${values}`));
    if (expected === null) expect(read).toBeNull();
    else expect(read).toMatchObject({ kind: expected });
  });

  test("a water meter's", () => {
    const bytes = withChecksum("0-1:24.1.0(007)", "0-1:24.2.1(260714183000S)(00001.000*m3)");
    expect(readingOf(bytes)).toBeNull();
  });
});

describe("valve", () => {
  test.each([
    ["0", "closed"],
    ["1", "open"],
    ["2", "closed"],
    ["3", "unknown"],
    ["01", "unknown"],
  ])("control state %s is %s", (state, position) => {
    const bytes = withChecksum(
      "0-1:24.1.0(003)",
      "0-1:24.2.1(260714183000S)(00001.000*m3)",
      `0-1:24.4.0(${state})`,
    );
    expect(readingOf(bytes)).toMatchObject({ valve: position });
  });
});

describe("several registers", () => {
  const two = withChecksum(
    "0-1:24.1.0(003)",
    "0-1:96.1.0(4731)",
    "0-1:24.2.1(260714183000S)(00001.000*m3)",
    "0-4:24.1.0(003)",
    "0-4:96.1.0(4732)",
    "0-4:24.2.1(260714182500S)(00002.000*m3)",
  );

  test("two live gas meters: the meter's record must name one", () => {
    expect(readingOf(two)).toMatchObject({ kind: "unsupported" });
    expect(readingOf(two, { gasChannel: 4 })).toMatchObject({
      at: "2026-07-14T16:25:00",
      ml: 2_000_000,
    });
    expect(readingOf(two, { equipmentId: "G1" })).toMatchObject({
      at: "2026-07-14T16:30:00",
      ml: 1_000_000,
    });
    expect(readingOf(two, { gasChannel: 2 })).toBeNull();
  });

  test("converted and not converted: the one at measurement conditions", () => {
    const bytes = withChecksum(
      "0-1:24.1.0(003)",
      "0-1:24.2.1(260714183000S)(00001.000*m3)",
      "0-1:24.2.3(260714183000S)(00002.000*m3)",
    );
    expect(readingOf(bytes)).toMatchObject({ at: "2026-07-14T16:30:00", ml: 2_000_000 });
  });
});

describe("registers of several standards", () => {
  const at = "2026-07-14T16:00:00";

  test.each([
    ["0-1:24.3.0(260714180000)(000008)(60)(1)(0-1:24.2.0)(m3)", "(00437.631)"],
    ["0-1:24.3.0(260714180000)(08)(60)(1)(0-1:24.2.1)(m3)", "(00437.631)"],
    ["0-1:24.3.0(260714180000)(08)(60)(2)(0-1:24.2.5)(m3)(0-1:24.2.1)(m3)", "(1)(00437.631)"],
    ["0-1:24.3.0(260714180000)(08)(60)(1)(0-1:24.2.1)(m3)(00437.631)", ""],
  ])("versions 2.2 and 3.0: %s", (line, value) => {
    expect(readingOf(withoutChecksum("0-1:24.1.0(3)", line, value, "0-1:24.4.0(2)"))).toEqual({
      at,
      ml: 437_631_000,
      valve: "closed",
    });
  });

  test.each([undefined, "measurement", "base"] as const)(
    "both are there, %s counts",
    (volumeAt) => {
      const bytes = withChecksum(
        "0-0:96.1.4(50221)",
        "0-2:24.1.0(003)",
        "0-2:96.1.1(37464C4F)",
        "0-2:24.2.1(260714180000S)(00110.000*m3)",
        "0-2:24.2.3(260714180000S)(00112.384*m3)",
      );
      const ml = volumeAt === "base" ? 110_000_000 : 112_384_000;
      expect(readingOf(bytes, { volumeAt })).toEqual({ at, ml, valve: null });
      expect(dsmrProtocol.addressOf(bytes)).toBe("7FLO");
    },
  );

  test("a register that the record does not want is not taken for the other", () => {
    const bytes = withChecksum("0-1:24.1.0(003)", "0-1:24.2.1(260714180000S)(00110.000*m3)");
    expect(readingOf(bytes, { volumeAt: "measurement" })).toBeNull();
  });

  test("of a device that does not say what it is, only the meter's record says that it is gas", () => {
    const bytes = withChecksum("0-2:24.2.1(260714180000S)(00110.000*m3)");
    expect(readingOf(bytes)).toBeNull();
    expect(readingOf(bytes, { gasChannel: 2 })).toMatchObject({ ml: 110_000_000 });
    const water = withChecksum("0-2:24.1.0(007)", "0-2:24.2.1(260714180000S)(00110.000*m3)");
    expect(readingOf(water, { gasChannel: 2 })).toBeNull();
  });

  test("a register without a time of its own", () => {
    const bytes = withChecksum("0-1:24.1.0(003)", "0-1:24.2.1(00110.000*m3)");
    expect(readingOf(bytes)).toEqual({ at: null, ml: 110_000_000, valve: null });
  });

  test("electricity alone, as in Sweden and Norway, is a telegram that says nothing", () => {
    const bytes = withChecksum("0-0:1.0.0(260714183000W)", "1-0:1.8.0(00000003.997*kWh)");
    expect(readingOf(bytes)).toBeNull();
    expect(dsmrProtocol.addressOf(bytes)).toBeNull();
  });
});

describe("where a telegram ends", () => {
  const line = "0-1:24.2.1(260714183000S)(00001.000*m3)";
  const whole = withChecksum("0-1:24.1.0(003)", line);
  const text = Buffer.from(whole).toString("latin1");

  test.each([
    ["noise before it", `\0\r\n${text}`],
    ["a telegram that lost its end before it", `${text.slice(0, 40)}\r\n${text}`],
    ["a telegram that has only begun behind it", text + text.slice(0, 40)],
    ["noise with a slash before it", `3/4 of a line${text}`],
    ["a telegram that was cut in a line before it", text.slice(0, 40) + text],
    ["a telegram that was cut in its header before it", text.slice(0, 7) + text],
    ["line feeds alone", text.replaceAll("\r\n", "\n")],
    ["carriage returns alone", text.replaceAll("\r\n", "\r")],
    ["no line end behind the checksum", text.trimEnd()],
    ["small letters in the checksum", text.slice(0, -6) + text.slice(-6).toLowerCase()],
  ])("%s", (_, payload) => {
    expect(readingOf(utf8(payload))).toMatchObject({ at: "2026-07-14T16:30:00", ml: 1_000_000 });
  });

  test("line ends without one half are no way around the checksum", () => {
    for (const end of ["\n", "\r"]) {
      const bytes = utf8(text.replaceAll("\r\n", end));
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const damaged = bytes.slice();
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const read = readingOf(damaged);
        if (read !== null && "ml" in read) expect(read).toEqual(readingOf(bytes));
        else expect(read).toHaveProperty("kind");
      }
    }
  });

  test("two telegrams in one payload are two readings", () => {
    const later = withChecksum("0-1:24.1.0(003)", line.replace("1830", "1835"));
    const joined = dsmrProtocol.decode(Buffer.concat([whole, later]));
    expect(joined.ok && joined.value.readings).toHaveLength(2);
  });

  test("the checksum's leading zeros may be missing", () => {
    for (let serial = 0; ; serial += 1) {
      const padded = Buffer.from(withChecksum(`0-0:96.1.1(${serial})`, "0-1:24.1.0(003)", line));
      const short = padded.toString("latin1").replace("!0", "!");
      if (short.length === padded.length) continue;
      expect(readingOf(utf8(short))).toMatchObject({ at: "2026-07-14T16:30:00", ml: 1_000_000 });
      return;
    }
  });

  test.each([
    ["1-3:0.2.8(42)", { kind: "truncated" }],
    ["0-0:96.1.4(50221)", { kind: "truncated" }],
    ["1-3:0.2.8(30)", { at: "2026-07-14T16:30:00", ml: 1_000_000 }],
  ])("%s without a checksum", (version, expected) => {
    expect(readingOf(withoutChecksum(version, "0-1:24.1.0(003)", line))).toMatchObject(expected);
  });

  test("old telegrams may lack the end mark, when their lines are whole", () => {
    const text = Buffer.from(
      withoutChecksum(
        "0-1:24.1.0(03)",
        "0-1:24.3.0(260714183000)(00)(60)(1)(0-1:24.2.1)(m3)",
        "(00001.000)",
      ),
    ).toString("latin1");
    const unended = text.slice(0, text.indexOf("!"));
    expect(readingOf(utf8(unended))).toMatchObject({ at: "2026-07-14T16:30:00", ml: 1_000_000 });
    for (let length = 0; length < unended.length; length += 1) {
      expect(readingOf(utf8(unended.slice(0, length)))).toMatchObject({ kind: "truncated" });
    }
  });

  test("more than the limits, nothing, and lines that never begin", () => {
    expect(readingOf(new Uint8Array(telegramBytesMax + 1))).toMatchObject({ kind: "tooLarge" });
    expect(readingOf(new Uint8Array())).toMatchObject({ kind: "truncated" });
    const joined = (count: number) => Buffer.concat(Array.from({ length: count }, () => whole));
    const most = dsmrProtocol.decode(joined(telegramsMax));
    expect(most.ok && most.value.readings).toHaveLength(telegramsMax);
    expect(readingOf(joined(telegramsMax + 1))).toMatchObject({ kind: "unsupported" });
    expect(readingOf(utf8("\n!".repeat(30_000)))).toMatchObject({ kind: "unsupported" });
  });
});

test("the port takes no commands, and nothing on it is urgent", () => {
  expect(dsmrProtocol.encodeCommand()).toMatchObject({ ok: false, fault: { kind: "unsupported" } });
  expect(dsmrProtocol.mayBeUrgent(new Uint8Array())).toBe(false);
});

test("100,000 random or damaged telegrams: a typed answer, nothing thrown, nothing polluted", () => {
  const seeds = cards.map(({ bytes }) => bytes);
  expect(fuzz(seeds, 20_261_122, takeBy(dsmrProtocol)).size).toBeGreaterThan(2);
}, 180_000);

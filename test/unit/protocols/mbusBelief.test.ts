/** What may be believed: plain telegrams beside a key, wrong keys, alarms, makers' bits, addresses in clear. */
import { describe, expect, test } from "vitest";
import type { StatusMap } from "#domain/meterFile.ts";
import { statusBits } from "#domain/status.ts";
import { sum8 } from "#protocols/codec/layout.ts";
import { believed } from "#protocols/mbus/opened.ts";
import { mbusProtocol } from "#protocols/mbus/protocol.ts";
import { telegramOf } from "#protocols/mbus/readings.ts";
import { readRecords } from "#protocols/mbus/records.ts";
import { closeCbc, mode5Iv } from "#protocols/mbus/security.ts";
import { crc16 } from "#protocols/wmbus/checksum.ts";
import { wmbusProtocol } from "#protocols/wmbus/protocol.ts";
import { cmac } from "#protocols/wmbus/security.ts";
import { bytesOfHex } from "./cards.ts";
import { loadMbusCards, mulberry32 } from "./mbusCards.ts";

const key = bytesOfHex("000102030405060708090a0b0c0d0e0f");
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const plainHex = (text: string) => text.replaceAll(" ", "");

/** A wired frame of this CI and content. */
function wired(ci: string, content: string): Uint8Array {
  const body = bytesOfHex(plainHex(`0801${ci}${content}`));
  const front = [0x68, body.length, body.length, 0x68, ...body];
  return Uint8Array.of(...front, sum8(body, 0, body.length), 0x16);
}

/** A radio frame without checksums. */
function radio(payload: string): Uint8Array {
  const body = bytesOfHex(plainHex(`449315780100513003${payload}`));
  return Uint8Array.of(body.length, ...body);
}

const who = "78563412 9315 33 03";
const volume = "0c13 21436587";

describe("a meter with a key that speaks in plain", () => {
  test.each([
    ["wired, long header", mbusProtocol, wired("72", `${who} 2a 00 0000 ${volume}`)],
    ["wired, no header", mbusProtocol, wired("78", volume)],
    ["wired, fixed", mbusProtocol, wired("73", "78563412 0a 00 e9 7e 01000000 35010000")],
    ["wired, mode 5 of no blocks", mbusProtocol, wired("72", `${who} 2a 00 0005 ${volume}`)],
    ["radio, short header", wmbusProtocol, radio(`7a 11000000 ${volume}`)],
    ["radio, no header", wmbusProtocol, radio(`78 ${volume}`)],
    ["radio, no mode but a word", wmbusProtocol, radio(`7a 11000016 ${volume}`)],
    ["radio, extended link", wmbusProtocol, radio(`8c 2011 7a 11000000 ${volume}`)],
  ] as const)("%s: not believed, unless its file says so", (_, protocol, bytes) => {
    expect(protocol.decode(bytes).ok).toBe(true);
    expect(protocol.decode(bytes, { key })).toEqual({ ok: false, fault: { kind: "notAuthentic" } });
    expect(protocol.explain(bytes, { key }).fault).toEqual({ kind: "notAuthentic" });
    expect(protocol.decode(bytes, { key, allowPlain: true })).toEqual(protocol.decode(bytes));
  });

  test("an empty telegram is no more than that", () => {
    expect(wmbusProtocol.decode(radio("7a 11 04 0000"), { key })).toMatchObject({
      value: { readings: [] },
    });
  });

  test("its access number alone is a sign of life, and nothing in it is believed", () => {
    const bytes = radio("8a 11 04 0000");
    expect(wmbusProtocol.decode(bytes)).toMatchObject({
      value: { readings: [{ status: statusBits.battery_low }] },
    });
    expect(wmbusProtocol.decode(bytes, { key })).toMatchObject({ value: { readings: [] } });
  });

  test("records behind the ciphered ones are no readings", () => {
    const address = { identification: "51000178", manufacturer: 0x1593, version: 0x30, medium: 3 };
    const inner = bytesOfHex(plainHex(`2f2f ${volume} ${"2f".repeat(8)}`));
    const ciphered = hexOf(closeCbc(key, mode5Iv(address, 0x11), inner));
    const bytes = radio(`7a 11 00 1005 ${ciphered} 0b3b 330300 0c13 99999999`);
    const read = wmbusProtocol.decode(bytes, { key });
    expect(read).toMatchObject({
      value: { readings: [{ volume: { count: 87_654_321 }, flowMlPerHour: null }] },
    });
    const allowed = wmbusProtocol.decode(bytes, { key, allowPlain: true });
    expect(allowed).toMatchObject({ value: { readings: [{ flowMlPerHour: 333_000 }] } });
  });
});

describe("a wrong key that has the two fillers by chance", () => {
  /** What 1 in 65 536 wrong keys makes of a telegram: fillers, then noise. */
  function shareTaken(blocks: number): { readonly taken: number; readonly registers: number } {
    const random = mulberry32(20_261_128 + blocks);
    const rounds = 4_000;
    let taken = 0;
    let registers = 0;
    for (let round = 0; round < rounds; round += 1) {
      const bytes = Uint8Array.from({ length: 16 * blocks }, () => Math.floor(256 * random()));
      bytes.set([0x2f, 0x2f]);
      const end = bytes.length;
      const content = { bytes, from: 0, end, cipheredTo: end, isSigned: false };
      const read = believed(content, { key }, readRecords(bytes, 0, end, null));
      if (!read.ok) continue;
      taken += 1;
      const telegram = { address: null, state: null, records: read.value, moreFollows: false };
      if ((telegramOf(telegram, {}).readings[0]?.volume ?? null) !== null) registers += 1;
    }
    return { taken: taken / rounds, registers: registers / rounds };
  }

  test.each([1, 2, 5, 12])(
    "%s blocks of noise: few make sense, hardly any with a register",
    (blocks) => {
      const { taken, registers } = shareTaken(blocks);
      expect(taken).toBeLessThan(0.15);
      expect(registers).toBeLessThan(0.002);
    },
  );

  test("a record that ends outside of what was ciphered is no sign of a wrong key", () => {
    const bytes = bytesOfHex(plainHex(`2f2f ${volume} ${"2f".repeat(8)} 04 13 01`));
    const content = { bytes, from: 0, end: bytes.length, cipheredTo: 16, isSigned: false };
    const read = readRecords(bytes, 0, bytes.length, null);
    expect(believed(content, { key }, read).ok).toBe(true);
    expect(believed({ ...content, cipheredTo: 17 }, { key }, read).ok).toBe(false);
  });

  test.each([
    ["fillers alone", "2f2f", true],
    ["half a record", "0c13 2143", false],
    ["one value", "0c13 21436587", true],
    ["no value at all", "0c13 ffffffaa 02fd08 ffff", false],
    ["a year of months without a value yet", `0c13 21436587 ${"4c13 aaaaaaaa".repeat(12)}`, true],
    ["one unknown code among six good", `${"0113 05".repeat(6)} 01fd7c 05`, true],
    ["one unknown code among five good", `${"0113 05".repeat(5)} 01fd7c 05`, false],
    ["the maker's own alone", "0f 0102", true],
  ])("%s", (_, records, isBelieved) => {
    const bytes = bytesOfHex(plainHex(`2f2f ${records}`));
    const end = bytes.length;
    const content = { bytes, from: 0, end, cipheredTo: end, isSigned: false };
    expect(believed(content, { key }, readRecords(bytes, 0, end, null)).ok).toBe(isBelieved);
  });
});

describe("what a MAC proves", () => {
  const signed = (counter: string, message: string) => {
    const fields = bytesOfHex(plainHex(`25 ${counter} ${message}`));
    const mac = hexOf(cmac(key, fields).subarray(0, 8));
    return radio(`90 0f 002c 25 ${counter} ${mac} ${message}`);
  };

  test("a plain telegram with a right MAC is the meter's, and its counter is kept", () => {
    const bytes = signed("07000000", `7a 11000000 ${volume}`);
    const file = { key, authKey: key };
    expect(wmbusProtocol.decode(bytes, file)).toMatchObject({
      value: { learned: { messageCounter: 7 }, readings: [{ volume: { count: 87_654_321 } }] },
    });
    expect(wmbusProtocol.decode(bytes, { key })).toMatchObject({ fault: { kind: "notAuthentic" } });
    const again = wmbusProtocol.decode(bytes, { ...file, messageCounterSeen: 7 });
    expect(again.ok && again.value.learned?.messageCounter).toBeUndefined();
    const older = wmbusProtocol.decode(bytes, { ...file, messageCounterSeen: 8 });
    expect(older).toEqual({ ok: false, fault: { kind: "replayed", counter: 7 } });
  });

  test("mode 7: the counter is kept, an older one is refused, one bad frame changes nothing", () => {
    const card = loadMbusCards("wmbus").find(({ name }) => name === "wmbus/mode7.json");
    const { bytes, options } = card ?? { bytes: new Uint8Array(), options: {} };
    const read = wmbusProtocol.decode(bytes, options);
    const counter = read.ok ? read.value.learned?.messageCounter : undefined;
    expect(counter).toBeTypeOf("number");
    const messageCounterSeen = (counter ?? 0) + 1;
    expect(wmbusProtocol.decode(bytes, { ...options, messageCounterSeen })).toEqual({
      ok: false,
      fault: { kind: "replayed", counter },
    });
    const bad = wmbusProtocol.decode(bytes, { ...options, key });
    expect(bad).toMatchObject({ fault: { kind: "notAuthentic" } });
    expect(wmbusProtocol.decode(bytes, options)).toEqual(read);
  });
});

describe("formats", () => {
  const format = "04130D78426C";
  const signature = crc16(bytesOfHex(format), 0, 6);
  const name = signature.toString(16).toUpperCase().padStart(4, "0");
  const low = hexOf(Uint8Array.of(signature & 0xff, signature >> 8));

  test("a full frame gives out what is new", () => {
    const full = radio("78 0413 21430000 0d78 03433231 426c bf1c");
    const read = wmbusProtocol.decode(full);
    expect(read).toMatchObject({ value: { learned: { formats: { [name]: format } } } });
    const known = wmbusProtocol.decode(full, { formats: { [name]: format } });
    expect(known.ok && known.value.learned).toBeUndefined();
  });

  test.each([
    ["no header", `69 ${low} ${format}`],
    ["a length of the format", `69 06 ${low} ${format}`],
    ["a length with the signature", `69 08 ${low} ${format}`],
    ["short header, fillers behind", `6a 11000000 ${low} ${format} 2f2f2f`],
  ])("a format frame tells one: %s", (_, payload) => {
    expect(wmbusProtocol.decode(radio(payload))).toMatchObject({
      value: { learned: { formats: { [name]: format } } },
    });
  });

  test.each([`69 0000 ${format}`, "69", "69 00", `69 ff ${low} ${format.slice(2)}`])(
    "one without its signature is refused: %s",
    (payload) => {
      expect(wmbusProtocol.decode(radio(payload)).ok).toBe(false);
    },
  );
});

describe("alarms and makers' bits", () => {
  const statusMap: StatusMap = {
    valve: { byte: 1, mask: 0x03, positions: { 0: "open", 1: "closed" } },
    bits: [
      { byte: 0, bit: 5, status: "cover_open" },
      { byte: 2, bit: 0, status: "leak" },
      { byte: 9, bit: 1, status: "low_pressure" },
    ],
  };
  const file = { statusMap };

  test.each([
    ["wired", mbusProtocol, wired("71", "02")],
    ["wired, long header", mbusProtocol, wired("75", `${who} 2a 00 0000 02`)],
    ["radio", wmbusProtocol, radio("74 11000000 02")],
  ] as const)(
    "an alarm waits for a person, or says what the file says: %s",
    (_, protocol, bytes) => {
      expect(protocol.decode(bytes)).toEqual({
        ok: false,
        fault: { kind: "unsupported", what: "alarm, status 2" },
      });
      expect(protocol.mayBeUrgent(bytes)).toBe(true);
      expect(protocol.decode(bytes, file)).toMatchObject({
        value: { readings: [{ status: statusBits.low_pressure, volume: null }] },
      });
      expect(protocol.decode(bytes, { ...file, key }).ok).toBe(false);
    },
  );

  test.each([
    ["none of them", "00", "0000", 0, "open"],
    ["status byte", "24", "0100", statusBits.cover_open | statusBits.battery_low, "closed"],
    ["error flags", "00", "0301", statusBits.leak, "unknown"],
  ])("%s", (_, status, flags, expected, valve) => {
    const records = `${status} 0000 ${volume} 02fd17 ${flags}`;
    const frames = [wired("72", `${who} 2a ${records}`), radio(`7a 11 ${records}`)];
    expect(mbusProtocol.decode(frames[0] ?? key, file)).toMatchObject({
      value: { readings: [{ status: expected, valve }] },
    });
    expect(wmbusProtocol.decode(frames[1] ?? key, file)).toMatchObject({
      value: { readings: [{ status: expected, valve }] },
    });
    const isUrgent = mbusProtocol.mayBeUrgent(frames[0] ?? key);
    expect(isUrgent).toBe(status !== "00" || flags !== "0000");
  });

  test("without a map a maker's bits say nothing", () => {
    const bytes = wired("72", `${who} 2a e0 0000 ${volume} 01fd17 ff`);
    expect(mbusProtocol.decode(bytes)).toMatchObject({
      value: { readings: [{ status: 0, valve: null }] },
    });
  });

  test("what is ciphered nobody has seen, so it may be urgent", () => {
    for (const protocol of [mbusProtocol, wmbusProtocol]) {
      const cards = loadMbusCards(protocol.name).filter(({ options }) => options.key !== undefined);
      expect(cards.length).toBeGreaterThan(1);
      for (const { bytes } of cards) expect(protocol.mayBeUrgent(bytes)).toBe(true);
    }
  });
});

describe("a leak is a leak whatever a key says", () => {
  const statusMap: StatusMap = {
    valve: { byte: 0, mask: 0x80, positions: { 0: "open", 128: "closed" } },
    bits: [
      { byte: 0, bit: 5, status: "leak" },
      { byte: 1, bit: 0, status: "over_flow" },
      { byte: 9, bit: 0, status: "leak" },
    ],
  };
  const file = { key, statusMap };
  const leak = { status: statusBits.leak, valve: null };
  const zeros = "00".repeat(16);

  test.each([
    ["wired, in plain", mbusProtocol, wired("72", `${who} 2a 20 0000 ${volume}`), leak],
    ["wired, fixed", mbusProtocol, wired("73", `78563412 0a 20 e9 7e 01000000 35010000`), leak],
    ["wired, another's key", mbusProtocol, wired("72", `${who} 2a 20 1005 ${zeros}`), leak],
    ["wired, mode 13", mbusProtocol, wired("72", `${who} 2a 20 000d ${zeros}`), leak],
    ["wired, alarm", mbusProtocol, wired("75", `${who} 2a 00 0000 01`), leak],
    ["radio, in plain", wmbusProtocol, radio(`7a 11 20 0000 ${volume}`), leak],
    ["radio, another's key", wmbusProtocol, radio(`7a 11 20 1005 ${zeros}`), leak],
    ["radio, number alone", wmbusProtocol, radio("8a 11 20 0000"), leak],
    ["radio, alarm", wmbusProtocol, radio("71 01"), leak],
    [
      "error flags",
      wmbusProtocol,
      radio("7a 11 00 0000 01fd17 01"),
      { status: statusBits.over_flow, valve: null },
    ],
  ] as const)("%s", (_, protocol, bytes, heard) => {
    expect(protocol.decode(bytes, file)).toMatchObject({ ok: false, fault: { heard } });
  });

  test("without a key on file, too", () => {
    const bytes = radio(`7a 11 20 1005 ${zeros}`);
    expect(wmbusProtocol.decode(bytes, { statusMap })).toMatchObject({
      fault: { kind: "keyMissing", heard: { ...leak, address: "ELS-51000178-30-03" } },
    });
  });

  test("but not a weak battery, not without a map, and not an old telegram that comes again", () => {
    const battery = wmbusProtocol.decode(radio(`7a 11 04 0000 ${volume}`), file);
    expect(battery).toEqual({ ok: false, fault: { kind: "notAuthentic" } });
    const unmapped = wmbusProtocol.decode(radio(`7a 11 20 0000 ${volume}`), { key });
    expect(unmapped).toEqual({ ok: false, fault: { kind: "notAuthentic" } });
    const message = `7a 11 20 0000 ${volume}`;
    const mac = cmac(key, bytesOfHex(plainHex(`25 07000000 ${message}`))).subarray(0, 8);
    const signed = radio(`90 0f 002c 25 07000000 ${hexOf(mac)} ${message}`);
    const old = wmbusProtocol.decode(signed, { ...file, authKey: key, messageCounterSeen: 9 });
    expect(old).toEqual({ ok: false, fault: { kind: "replayed", counter: 7 } });
  });
});

describe("the address in clear", () => {
  test("is that of the decoded telegram, before any key is known", () => {
    for (const protocol of [mbusProtocol, wmbusProtocol]) {
      for (const { bytes, expect: said, name } of loadMbusCards(protocol.name)) {
        expect([name, protocol.addressOf(bytes)]).toEqual([name, said.address]);
      }
    }
  });

  test.each([
    [mbusProtocol, wired("72", `${who} 2a 00 2005 ${"00".repeat(32)}`), "ELS-12345678-33-03"],
    [mbusProtocol, wired("76", `12345678 1593 33 03 2a 00 0000`), "ELS-12345678-33-03"],
    [mbusProtocol, wired("73", "78563412 0a 00 e9 7e 01000000 35010000"), "@@@-12345678-00-07"],
    [mbusProtocol, wired("78", volume), null],
    [mbusProtocol, wired("7a", "2a 00 0000"), null],
    [mbusProtocol, bytesOfHex("e5"), null],
    [mbusProtocol, bytesOfHex("1040014116"), null],
    [mbusProtocol, new Uint8Array(), null],
    [wmbusProtocol, radio("8d 2011 00000020 0000 5555"), "ELS-51000178-30-03"],
    [wmbusProtocol, radio(`72 ${who} 11 00 2005 ${"00".repeat(32)}`), "ELS-12345678-33-03"],
    [wmbusProtocol, radio("a2 0102"), "ELS-51000178-30-03"],
    [wmbusProtocol, bytesOfHex("0a44"), null],
  ] as const)("%#", (protocol, bytes, address) => {
    expect(protocol.addressOf(bytes)).toBe(address);
  });
});

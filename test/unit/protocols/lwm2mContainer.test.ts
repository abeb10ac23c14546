/** The maker's frame in object 19, and what is heard of an uplink that cannot be used. */
import { describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { statusBits } from "#domain/status.ts";
import { timestampMs } from "#domain/units.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { decodeRecords } from "#protocols/lwm2m/decode.ts";
import { omaObjects } from "#protocols/lwm2m/objects.ts";
import {
  commandPath,
  encodeContainer,
  lwm2mOver,
  lwm2mProtocol,
} from "#protocols/lwm2m/protocol.ts";
import { writeCborPack } from "#protocols/lwm2m/senmlCbor.ts";
import { innerFrames } from "#protocols/lwm2m/telegram.ts";
import { decodeTlv } from "#protocols/lwm2m/tlv.ts";
import { protocolByName } from "#protocols/registry.ts";
import { loadCard, utf8 } from "./cards.ts";

const nowhere = { object: null, instance: null, resource: null, item: null };

describe("object 19", () => {
  const { bytes: frame, expect: inside } = loadCard("cjt188/gasLeak");
  const report = lwm2mOver({ path: "/19/0", encoding: "tlv", inner: cjt188Protocol });
  const item = Uint8Array.from([0xc8, 0x00, frame.length, ...frame]);

  test("the maker's frame is decoded inside, in every encoding", () => {
    expect(report.decode(item)).toEqual({ ok: true, value: inside });
    expect(report.mayBeUrgent(item)).toBe(true);
    expect(report.hasWeakChecksum).toBe(true);
    const opaque = lwm2mOver({ path: "/19/0/0", encoding: "opaque", inner: cjt188Protocol });
    expect(opaque.decode(frame)).toEqual({ ok: true, value: inside });
    const pack = writeCborPack([{ bn: "/19/0/0", vd: frame }]);
    expect(lwm2mOver({ inner: cjt188Protocol }).decode(pack)).toEqual({ ok: true, value: inside });
  });

  test("the device beside it is heard too", () => {
    const pack = writeCborPack([
      { n: "/4/0/2", v: -90 },
      { n: "/19/0/0", vd: frame },
    ]);
    const telegram = lwm2mOver({ inner: cjt188Protocol }).decode(pack);
    expect(telegram).toMatchObject({ ok: true, value: { address: inside.address } });
    expect(telegram.ok && telegram.value.readings[0]?.signalDbm).toBe(-90);
  });

  test("a frame that nobody reads is kept for later, not passed over", () => {
    const pack = writeCborPack([
      { n: "/3/0/9", v: 50 },
      { n: "/19/0/0", vd: frame },
    ]);
    expect(lwm2mProtocol.decode(pack)).toMatchObject({ fault: { kind: "unsupported" } });
    expect(report.decode(item.with(20, 1))).toMatchObject({ fault: { kind: "checksumMismatch" } });
    const context = { path: nowhere, objects: omaObjects, receivedAtMs: null };
    const records = decodeRecords(pack, "senmlCbor", context, null);
    expect(records.ok && innerFrames(records.value)).toEqual([frame]);
  });

  test("without a word of the carrier, the bytes of the resource are the frame or an item", () => {
    const guessed = lwm2mOver({ path: "/19/0/0", inner: cjt188Protocol });
    expect(guessed.decode(frame)).toEqual({ ok: true, value: inside });
    expect(guessed.decode(item)).toEqual({ ok: true, value: inside });
    expect(guessed.decode(Uint8Array.from([0xfe, 0xfe, 0xfe, 0xfe, ...frame]))).toMatchObject({
      ok: true,
    });
  });

  test("without its path an alarm is still seen by the cheap look", () => {
    const { lwm2m } = protocolByName;
    const leakInTlv = Uint8Array.of(0xc1, 10, 1);
    expect(lwm2m.decode(leakInTlv, { resourcePath: "/3423/0" })).toMatchObject({
      value: { readings: [{ status: statusBits.leak }] },
    });
    const instance = Uint8Array.of(0x03, 0, ...leakInTlv);
    for (const bytes of [leakInTlv, instance, item, frame]) {
      expect(lwm2m.mayBeUrgent(bytes)).toBe(true);
    }
    expect(lwm2m.mayBeUrgent(leakInTlv.with(2, 0))).toBe(false);
    expect(lwm2m.mayBeUrgent(utf8('[{"n":"/3423/0/10","vb":true,"t":-5}]'))).toBe(true);
  });

  test("what is on file of the meter says where and how", () => {
    const { lwm2m } = protocolByName;
    const file = { inner: "cjt188", resourcePath: "/19/0", resourceEncoding: "tlv" } as const;
    expect(lwm2m.decode(item, file)).toEqual({ ok: true, value: inside });
    expect(lwm2m.decode(item).ok).toBe(false);
    const hourOld = utf8('[{"n":"/3423/0/1","v":1234.5,"t":-3600}]');
    const receivedAtMs = timestampMs(1_795_305_605_000);
    expect(lwm2m.decode(hourOld)).toMatchObject({ fault: { kind: "unsupported" } });
    expect(lwm2m.decode(hourOld, { receivedAtMs })).toMatchObject({
      value: { readings: [{ measuredAtMs: receivedAtMs - 3_600_000, volume: { count: 12_345 } }] },
    });
  });

  test.each([1, 255, 256, 65_536])("a frame of %i bytes as it is written to a meter", (size) => {
    const written = Uint8Array.from({ length: size }, (_, at) => at);
    expect(encodeContainer(written, "opaque")).toEqual(written);
    const context = { path: { ...nowhere, object: 19, instance: 1 }, objects: omaObjects };
    const read = decodeTlv(
      encodeContainer(written, "tlv"),
      { ...context, receivedAtMs: null },
      null,
    );
    expect(read).toMatchObject({
      ok: true,
      value: [{ path: { resource: 0 }, value: { kind: "bytes", value: written } }],
    });
    expect(commandPath).toBe("/19/1/0");
  });

  test("a command is the maker's frame, or none", () => {
    const order = {
      commandId: commandId("c"),
      action: "close",
      sequence: 1,
      issuedAtMs: timestampMs(1),
      expiresAtMs: timestampMs(2),
      frameAddress: inside.address,
    } as const;
    expect(report.encodeCommand(order)).toEqual(cjt188Protocol.encodeCommand(order));
    expect(lwm2mProtocol.encodeCommand(order)).toMatchObject({ fault: { kind: "unsupported" } });
  });
});

describe("a leak is heard where no telegram can be made", () => {
  const leak = '{"n":"/3423/0/10","vb":true}';
  const heardIn = (text: string) => {
    const result = lwm2mProtocol.decode(utf8(text));
    return result.ok ? "taken" : (result.fault.heard?.status ?? null);
  };

  test.each([
    ["a register beyond any", `[${leak},{"n":"/3423/0/1","v":1e30}]`, statusBits.leak],
    ["a unit of its own", `[${leak},{"n":"/3423/0/1","v":1,"u":"ft3"}]`, statusBits.leak],
    ["two meters", `[${leak},{"n":"/3423/1/1","v":1}]`, statusBits.leak],
    ["a frame that nobody reads", `[${leak},{"n":"/19/0/0","vd":"AAAA"}]`, statusBits.leak],
    ["a time that nobody can place", `[${leak},{"n":"/3423/0/1","v":1,"t":-60}]`, statusBits.leak],
    [
      "heat, and a leak long ago",
      '[{"n":"/3423/0/11","vb":true},{"n":"/3423/0/9","vb":true,"t":1795305605},{"n":"/3423/0/1","v":1e30}]',
      statusBits.external_alarm,
    ],
    [
      "the last of several times",
      '[{"bt":1795305605,"n":"/3423/0/9","vb":true},{"n":"/3423/0/9","vb":false,"t":60},{"n":"/3423/0/1","v":1e30}]',
      null,
    ],
    ["no leak", '[{"n":"/3423/0/9","vb":false},{"n":"/3423/0/1","v":1e30}]', null],
    ["whole", `[${leak},{"n":"/3423/0/1","v":1}]`, "taken"],
  ])("%s", (_, text, heard) => {
    expect(heardIn(text)).toBe(heard);
  });

  test("beside what the frame inside lets hear", () => {
    const inner = {
      ...cjt188Protocol,
      decode: () =>
        ({
          ok: false,
          fault: {
            kind: "notBcd",
            field: "volume",
            atByte: 0,
            heard: { address: "1", status: statusBits.magnet, valve: null },
          },
        }) as const,
    };
    const pack = utf8(`[${leak},{"n":"/19/0/0","vd":"AAAA"}]`);
    expect(lwm2mOver({ inner }).decode(pack)).toMatchObject({
      fault: {
        kind: "notBcd",
        heard: { address: "1", status: statusBits.leak | statusBits.magnet, valve: null },
      },
    });
  });
});

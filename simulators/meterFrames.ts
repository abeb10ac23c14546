/**
 * What meters of the European standards send, as bytes with a time and a register of our choice: for simulated meters
 * whose protocol has no downlink. One builder for each protocol; the meter's number and key are fixed here.
 */
import { createCipheriv } from "node:crypto";
import { emptyReading, type DecodedReading } from "#domain/telegram.ts";
import { hourMs, timestampMs, volumeMl } from "#domain/units.ts";
import { crc16Arc } from "#protocols/codec/crc16.ts";
import { encodeLwm2mUplink } from "#protocols/lwm2m/uplink.ts";
import { manufacturerCode } from "#protocols/mbus/header.ts";
import { encodeMbusUplink } from "#protocols/mbus/uplink.ts";
import { encodeWmbusUplink } from "#protocols/wmbus/uplink.ts";

const chinaOffsetMs = 8 * hourMs;
const gas = 0x03;

/** The addresses that the frames carry, as the registry has them. */
export const simulatedAddresses = {
  mbus: "MCP-66001234-01-03",
  wmbus: "MCP-66001235-01-03",
  dsmr: "G0099000000000042",
  /** The system title of the ciphered push. */
  dlms: "4D43500000000042",
} as const;

function reading(atMs: number, litres: number): DecodedReading {
  return {
    ...emptyReading,
    measuredAtMs: timestampMs(atMs),
    volume: { ml: volumeMl(litres * 1_000), count: litres, exponent: -3 },
    status: 0,
  };
}

function addressOf(identification: string) {
  return { identification, manufacturer: manufacturerCode("MCP"), version: 1, medium: gas };
}

/** A wired M-Bus meter whose clock shows the time of China. */
export function mbusFrame(atMs: number, litres: number): Uint8Array {
  const address = addressOf("66001234");
  const sender = { address, accessNumber: litres & 0xff, clockOffsetMs: chinaOffsetMs };
  return encodeMbusUplink(sender, reading(atMs, litres));
}

/** A radio meter; with a key in security mode 5. */
export function wmbusFrame(atMs: number, litres: number, key: Uint8Array | null): Uint8Array {
  const address = addressOf("66001235");
  const sender = { address, accessNumber: litres & 0xff, clockOffsetMs: chinaOffsetMs, key };
  return encodeWmbusUplink(sender, reading(atMs, litres));
}

/** A P1 telegram of an electricity meter with a gas meter beside it; Dutch legal time. */
export function dsmrTelegram(atMs: number, litres: number): Uint8Array {
  const equipment = Buffer.from(simulatedAddresses.dsmr).toString("hex").toUpperCase();
  const volume = (litres / 1_000).toFixed(3).padStart(9, "0");
  const lines = [
    "/MCP5MERCAPTAN-SIM",
    "",
    "1-3:0.2.8(50)",
    `0-0:1.0.0(${dutchTime(atMs)})`,
    "0-1:24.1.0(003)",
    `0-1:96.1.0(${equipment})`,
    `0-1:24.2.1(${dutchTime(atMs)})(${volume}*m3)`,
    "!",
  ];
  const text = Buffer.from(lines.join("\r\n"));
  const sum = crc16Arc(text, 0, text.length).toString(16).toUpperCase().padStart(4, "0");
  return Buffer.concat([text, Buffer.from(`${sum}\r\n`)]);
}

/** YYMMDDhhmmss and S or W, as P1 writes it. */
function dutchTime(atMs: number): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Europe/Amsterdam",
    year: "2-digit",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  }).formatToParts(atMs);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  const digits = ["year", "month", "day", "hour", "minute", "second"].map(part).join("");
  return digits + (part("timeZoneName") === "GMT+02:00" ? "S" : "W");
}

/** A DLMS push of clock and register, and of the number where one is told; ciphered and authenticated, in a wrapper. */
export function dlmsPush(
  atMs: number,
  litres: number,
  keys: { readonly key: Uint8Array; readonly authKey: Uint8Array },
  invocationCounter: number,
  number: string | null = null,
): Uint8Array {
  const apdu = dataNotification(atMs, litres, number);
  const title = Buffer.from(simulatedAddresses.dlms, "hex");
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(invocationCounter);
  const cipher = createCipheriv("aes-128-gcm", keys.key, Buffer.concat([title, counter]), {
    authTagLength: 12,
  });
  const control = Buffer.from([0x30]);
  cipher.setAAD(Buffer.concat([control, keys.authKey]));
  const text = Buffer.concat([cipher.update(apdu), cipher.final()]);
  const body = Buffer.concat([control, counter, text, cipher.getAuthTag()]);
  const ciphered = Buffer.concat([Buffer.from([0xdb, 0x08]), title, lengthOf(body), body]);
  const wrapper = Buffer.alloc(8);
  wrapper.writeUInt16BE(1, 0);
  wrapper.writeUInt16BE(1, 2);
  wrapper.writeUInt16BE(16, 4);
  wrapper.writeUInt16BE(ciphered.length, 6);
  return Buffer.concat([wrapper, ciphered]);
}

function lengthOf(body: Uint8Array): Buffer {
  return body.length < 0x80 ? Buffer.from([body.length]) : Buffer.from([0x81, body.length]);
}

/** An array of clock, number and volume register, each as { object, value, scaler and unit }. */
function dataNotification(atMs: number, litres: number, number: string | null): Uint8Array {
  const text = Buffer.from(number ?? "");
  const told = Buffer.from("020209060700000000ff09", "hex");
  const named = number === null ? [] : [told, Buffer.from([text.length]), text];
  const clock = Buffer.alloc(12);
  const utc = new Date(atMs);
  clock.writeUInt16BE(utc.getUTCFullYear(), 0);
  clock.set([utc.getUTCMonth() + 1, utc.getUTCDate(), 0xff], 2);
  clock.set([utc.getUTCHours(), utc.getUTCMinutes(), utc.getUTCSeconds(), 0], 5);
  const volume = Buffer.alloc(4);
  volume.writeUInt32BE(litres);
  return Buffer.concat([
    Buffer.from("0f4000000100", "hex"),
    Buffer.from([0x01, number === null ? 2 : 3]),
    Buffer.from("020209060000010000ff090c", "hex"),
    clock,
    ...named,
    Buffer.from("0203", "hex"),
    Buffer.from("09060700030000ff", "hex"),
    Buffer.from("06", "hex"),
    volume,
    Buffer.from("02020ffd160d", "hex"),
  ]);
}

/** Object 3423 in SenML-JSON. */
export function lwm2mPack(atMs: number, litres: number, status = 0): Uint8Array {
  const present = { ...reading(atMs, litres), status };
  const telegram = { address: null, frameId: null, readings: [present], replies: [] };
  return encodeLwm2mUplink(telegram, "senmlJson");
}

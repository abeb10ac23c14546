/** What hostile meters send, and the tests' own count of what the service must account for. */
import { expect } from "vitest";
import { uplinkOutcomes } from "#domain/quarantine.ts";
import { emptyReading, type DecodedReading } from "#domain/telegram.ts";
import { minuteMs, secondMs, timestampMs, volumeMl } from "#domain/units.ts";
import { encodeFrame } from "#protocols/cjt188/frame.ts";
import { encodeMeteringAnswer } from "#protocols/cjt188/uplink.ts";
import { encodeProtobufUplink } from "#protocols/protobuf/protocol.ts";
import { eventually, type Service } from "./program.ts";

/** All of a file's rows happen around this instant, to the second, as CJ/T 188 can say it. */
export const nowMs = Math.floor(Date.now() / secondMs) * secondMs;

export function minutesAgo(minutes: number): number {
  return nowMs - minutes * minuteMs;
}

/** JSON v1 of an honest meter, with some members replaced; undefined leaves one out. */
export function json(members: object = {}): Buffer {
  const honest = { v: 1, measuredAt: nowMs, volumeM3: "1000.000", status: [] };
  return Buffer.from(JSON.stringify({ ...honest, ...members }));
}

/** The same as text, for what JSON.stringify would never write. */
export function jsonText(members: string): Buffer {
  return Buffer.from(`{"v":1,"measuredAt":${nowMs},${members}}`);
}

function reading(cubicMetres: number, changes: Partial<DecodedReading> = {}): DecodedReading {
  const count = cubicMetres * 100;
  const volume = { ml: volumeMl(count * 10_000), count, exponent: -2 };
  return {
    ...emptyReading,
    measuredAtMs: timestampMs(nowMs),
    volume,
    valve: "open",
    status: 0,
    ...changes,
  };
}

export const frameAddress = "51510000000042";

/** A CJ/T 188 answer to 901F; bytes are replaced before the checksum, so that it is right. */
export function cjt188(
  changes: Readonly<Record<number, number>> = {},
  cubicMetres = 1_000,
): Buffer {
  const bytes = Buffer.from(
    encodeMeteringAnswer({ address: frameAddress, sequence: 0 }, reading(cubicMetres)),
  );
  for (const [at, byte] of Object.entries(changes)) bytes[Number(at)] = byte;
  bytes[bytes.length - 2] = bytes.subarray(0, -2).reduce((sum, byte) => (sum + byte) & 0xff, 0);
  return bytes;
}

/** A well-formed frame with data of our choice. */
export function cjt188Frame(control: number, hex: string): Buffer {
  const envelope = { meterType: 0x30, address: frameAddress, control };
  return Buffer.from(encodeFrame(envelope, Buffer.from(hex, "hex")));
}

/** An honest protobuf upload with more bytes behind it. */
export function protobuf(hexBehind = ""): Buffer {
  const telegram = { address: null, frameId: null, readings: [reading(1_000)], replies: [] };
  return Buffer.concat([encodeProtobufUplink(telegram), Buffer.from(hexBehind, "hex")]);
}

/** received = accepted + suspect + duplicate + quarantined + refused (CONTRACT section 1). */
export class Books {
  /** PUBACK or PUBREC came, or nothing was promised. */
  stored = 0;
  /** The connection ended instead. */
  refused = 0;
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  async expectBalance(): Promise<void> {
    const outcomes: Record<string, number> = {};
    for (const outcome of uplinkOutcomes) {
      outcomes[outcome] = await this.#service.metric("mercaptan_uplinks_total", { outcome });
    }
    const { refused = 0, ...stored } = outcomes;
    expect(Object.values(stored).reduce((sum, count) => sum + count, 0)).toBe(this.stored);
    expect(refused).toBe(this.refused);
  }
}

/** The service is as it was: alive, ready, and no valve was ordered to move but as often as this. */
export async function expectCalm(service: Service, orders = 0): Promise<void> {
  await service.expectReady();
  const commands = await service.items<{ state: string }>("/v1/commands");
  // An order that was refused at once is on record and went nowhere.
  expect(commands.filter(({ state }) => state !== "refused")).toHaveLength(orders);
}

/** Waits until a counter has moved on by so many. */
export async function expectMore(
  count: () => Promise<number>,
  before: number,
  more = 1,
): Promise<void> {
  await eventually(count, (now) => now >= before + more);
  expect(await count()).toBe(before + more);
}

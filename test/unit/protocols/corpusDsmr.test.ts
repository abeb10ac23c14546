/** P1 telegrams with known answers, where a directory of them is at hand. They measure; the cards are ours. */
import { describe, expect, test } from "vitest";
import { formatM3 } from "#domain/units.ts";
import { openGeneralGlo } from "#protocols/codec/security.ts";
import { gasChannels, type GasChannel } from "#protocols/dsmr/channels.ts";
import { dsmrProtocol, type DsmrOptions } from "#protocols/dsmr/protocol.ts";
import { checksumFault, readTelegrams, type P1Telegram } from "#protocols/dsmr/telegram.ts";
import { bytesOfHex } from "./cards.ts";
import { isSame, leavesOf, rowsOf, type Leaf, type Row } from "./corpusLeaves.ts";
import { factByName, factByPath, factOfReader, type Fact } from "./dsmrFacts.ts";

const rows = rowsOf("dsmr.jsonl");

describe.skipIf(rows.length === 0)("frames with known answers: DSMR P1", () => {
  const wrongSum = rows.filter((row) => row.crc?.valid === false && beginsOnce(row));

  test("every value as the publisher gives it", () => {
    const judged = rows.map((row) => ({ row, ...differences(row) }));
    const different = judged.filter(({ wrong }) => wrong.length > 0);
    const disputed = judged.flatMap((one) => one.disputed.map((text) => `${one.row.id} ${text}`));
    const decoded = judged.filter(({ values }) => values > 0).length;
    const values = judged.reduce((sum, one) => sum + one.values, 0);
    const refused = wrongSum.filter(isRefused).length;
    console.info(
      `CORPUS dsmr: ${rows.length} rows, ${decoded} decoded, ` +
        `${rows.length - different.length} equal (${values} values), ${different.length} different ` +
        `(${different.map(({ row }) => row.id).join(" ")}), ` +
        `${refused}/${wrongSum.length} wrong checksums refused, disputed: ${disputed.join(", ") || "none"}`,
    );
    expect(different.map(({ row, wrong }) => `${row.id}: ${wrong.join("; ")}`)).toEqual([]);
    expect(refused).toBe(wrongSum.length);
  });

  test("every other telegram is taken, and its gas is the publisher's", () => {
    for (const row of rows) {
      if (wrongSum.includes(row)) continue;
      const options = optionsOf(row);
      const result = dsmrProtocol.decode(bytesOfHex(row.hex), options);
      const wanted = gasOf(row, options.gasChannel);
      const volume = result.ok ? result.value.readings[0]?.volume : undefined;
      const told = volume === undefined || volume === null ? null : Number(formatM3(volume.ml));
      expect([row.id, result.ok, told]).toEqual([row.id, true, wanted]);
    }
  });

  test("a changed byte of a ciphered telegram is seen", () => {
    for (const row of rows.filter(({ protocol }) => protocol.endsWith("encrypted"))) {
      const bytes = bytesOfHex(row.hex);
      bytes[150] = (bytes[150] ?? 0) ^ 1;
      const result = dsmrProtocol.decode(bytes, optionsOf(row));
      expect(result).toEqual({ ok: false, fault: { kind: "notAuthentic" } });
    }
  });
});

function optionsOf({ id, key, authKey, systemTitle }: Row): DsmrOptions {
  const bytes = (hex?: string | null) => (typeof hex === "string" ? bytesOfHex(hex) : undefined);
  return {
    key: bytes(key),
    authKey: bytes(authKey),
    systemTitle: bytes(systemTitle),
    // The switch of a meter that works against the standard.
    emptyAad: id.includes("without-aad"),
    // That telegram has two live gas meters.
    gasChannel: id.includes("luxembourgh") ? 1 : undefined,
  };
}

/** What the publisher says the gas register is, where it says so in a place that we know. */
function gasOf({ expected }: Row, channel: number | undefined): number | null {
  const leaves = leavesOf(expected).filter(([way]) => !way.startsWith("cosem"));
  const byWay = new Map(leaves);
  const values = leaves.flatMap(([way, value]) => {
    if (value === null || !isGasRegister(way, byWay)) return [];
    return channel === undefined || way.includes(`.${channel}.`) ? [Number(value)] : [];
  });
  return values[0] ?? null;
}

function isGasRegister(way: string, byWay: ReadonlyMap<string, unknown>): boolean {
  if (/(?:extra_device_delivered|GAS_METER_READING\.value)$/.test(way)) return true;
  const device = /^(mBus\.\d|json\.MBUS_DEVICES\.\d|fields\..*\(\d\))\./.exec(way)?.[1] ?? "";
  const types = ["deviceType", "MBUS_DEVICE_TYPE.value"].map((name) =>
    byWay.get(`${device}.${name}`),
  );
  return types.includes(3) && /(?:^mBus\.\d\.value|MBUS_METER_READING\.value)$/.test(way);
}

/** One telegram; in a row with two beginnings, the sum is wrong from the first and right from the last. */
function beginsOnce({ hex }: Row): boolean {
  return !Buffer.from(hex, "hex").includes("\n/");
}

function plainBytes(row: Row): Uint8Array | undefined {
  const bytes = bytesOfHex(row.hex);
  if (!row.protocol.endsWith("encrypted")) return bytes;
  const opened = openGeneralGlo(bytes, optionsOf(row), null);
  return opened.ok ? opened.value.plaintext : undefined;
}

/** The last piece that begins and ends like a telegram, its checksum right or wrong. */
function telegramOf(bytes: Uint8Array): P1Telegram | undefined {
  const read = readTelegrams(bytes).findLast(({ ok }) => ok);
  return read?.ok === true ? read.value : undefined;
}

function isRefused(row: Row): boolean {
  const result = dsmrProtocol.decode(bytesOfHex(row.hex), optionsOf(row));
  return !result.ok && result.fault.kind === "checksumMismatch";
}

interface Judgement {
  readonly values: number;
  readonly wrong: readonly string[];
  readonly disputed: readonly string[];
}

function differences(row: Row): Judgement {
  const plain = plainBytes(row);
  const telegram = plain === undefined ? undefined : telegramOf(plain);
  if (plain === undefined || telegram === undefined) {
    return { values: 0, wrong: ["refused"], disputed: [] };
  }
  const wrong: string[] = [];
  const disputed: string[] = [];
  const leaves = leavesOf(rowWithoutLists(row)).filter(([way]) => way !== "note");
  for (const [way, wanted] of leaves) {
    const told = factOf(telegram, plain, [way, wanted]);
    if (isSame(told, wanted)) continue;
    if (isOutsideTelegram(telegram, way)) disputed.push(way);
    else wrong.push(`${way} is ${String(told)}, not ${String(wanted)}`);
  }
  if ("cosem" in row.expected) wrong.push(...lineDifferences(row, telegram, plain));
  return { values: leaves.length, wrong, disputed };
}

/** Lists of whole lines are compared as lists. */
function rowWithoutLists({ expected }: Row): unknown {
  const { cosem: _cosem, dsmr, ...rest } = expected as { cosem?: unknown; dsmr?: object };
  if (dsmr === undefined) return rest;
  const { unknownLines: _lines, ...header } = dsmr as { unknownLines?: unknown };
  return { ...rest, dsmr: header };
}

function factOf(telegram: P1Telegram, plain: Uint8Array, [way, wanted]: Leaf): Fact {
  if (way === "plaintextHex") return Buffer.from(plain).toString("hex");
  if (way === "objectCount") return telegram.objects.length;
  if (way === "crcAccepted") return checksumFault(telegram) === null;
  if (way === "dsmr.header.z") {
    const text = Buffer.from(plain).toString("latin1");
    return text[telegram.from + 4];
  }
  const extra = /^fields\.reading\.extra_device_(delivered|timestamp)$/.exec(way)?.[1];
  if (extra !== undefined) return extraDevice(telegram, extra);
  if (/^fields\.(?:reading|meter_statistics)\./.test(way)) {
    return factOfReader(telegram, way.slice("fields.".length), wanted);
  }
  if (way.startsWith("fields.")) return factByName(telegram, way.slice("fields.".length));
  if (way.startsWith("json.")) {
    const device = /^json\.MBUS_DEVICES\.(\d)\.(.*)$/.exec(way);
    if (device === null) return factByName(telegram, way.slice("json.".length));
    const channel = Number(device[1]) + 1;
    if (device[2] === "CHANNEL_ID") return channel;
    return factByName(telegram, `get_mbus_device_by_channel(${channel}).${device[2]}`);
  }
  return factByPath(telegram, way);
}

/** Here the answer goes through the decoder's own channels. */
function extraDevice(telegram: P1Telegram, kind: string): Fact {
  const gas = gasChannels(telegram.objects);
  const [channel]: readonly GasChannel[] = gas.ok ? gas.value : [];
  if (channel === undefined) return null;
  if (kind === "delivered") return formatM3(channel.volume.ml);
  const { measuredAtMs } = channel;
  return measuredAtMs === null
    ? null
    : new Date(measuredAtMs).toISOString().replace(".000Z", "+00:00");
}

/** The publisher's time of a telegram that has none, or whose digits are no date. */
function isOutsideTelegram(telegram: P1Telegram, way: string): boolean {
  if (!way.endsWith("timestamp") || way.includes("extra_device")) return false;
  const clock = telegram.objects.find(({ obis }) => obis === "0-0:1.0.0")?.values[0];
  return clock === undefined || Number(clock.slice(2, 4)) > 12;
}

function lineDifferences(row: Row, telegram: P1Telegram, plain: Uint8Array): readonly string[] {
  const { cosem, dsmr } = row.expected as {
    readonly cosem: { readonly unknownObjects?: string[]; readonly knownObjects?: string[] };
    readonly dsmr: { readonly unknownLines?: string[] };
  };
  const wanted = [
    ...(cosem.unknownObjects ?? []),
    ...(cosem.knownObjects ?? []),
    ...(dsmr.unknownLines ?? []),
  ];
  const text = Buffer.from(plain).toString("latin1");
  const ours = telegram.objects.flatMap(({ from, to }) => text.slice(from, to).split("\r\n"));
  const told = [...ours, ...telegram.strayLines].toSorted();
  return JSON.stringify(told) === JSON.stringify(wanted.toSorted()) ? [] : ["lines"];
}

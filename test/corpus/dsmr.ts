/** Judges P1 telegrams: every value by the names of three collections, the checksum, and the gas register. */
import { formatM3 } from "#domain/units.ts";
import { openGeneralGlo } from "#protocols/codec/security.ts";
import { gasChannels, type GasChannel } from "#protocols/dsmr/channels.ts";
import { dsmrProtocol, type DsmrOptions } from "#protocols/dsmr/protocol.ts";
import { checksumFault, readTelegrams, type P1Telegram } from "#protocols/dsmr/telegram.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import { factByName, factByPath, factOfReader, type Fact } from "./dsmrFacts.ts";
import { cipherOf, underAnotherKey } from "./keys.ts";
import { knownReason } from "./known.ts";
import type { Row } from "./rows.ts";
import {
  difference,
  isEqual,
  isSame,
  judgement,
  leavesOf,
  notApplicable,
  refusedWrongly,
  type Apart,
  type Difference,
  type Judgement,
  type Leaf,
} from "./verdict.ts";

export function judgeDsmr(row: Row): Judgement {
  if (!row.protocol.startsWith("dsmr-p1")) return notApplicable(`protocol ${row.protocol}`);
  const bytes = bytesOfHex(row.hex);
  const { options, apart: switches } = optionsOf(row, bytes);
  const decoded = dsmrProtocol.decode(bytes, options);
  const plain = plainBytes(row, options);
  const telegram = plain === undefined ? undefined : telegramOf(plain);
  if (plain === undefined || telegram === undefined) {
    return refusedWrongly(decoded.ok ? null : decoded.fault);
  }
  const { values, differences, apart } = judgeValues(row, telegram, plain);
  const isWrongSum = row.crc?.valid === false && beginsOnce(row);
  const isRefusedRightly = isWrongSum && !decoded.ok && decoded.fault.kind === "checksumMismatch";
  if (isWrongSum) {
    if (!isRefusedRightly) differences.push(difference("refusal", "checksumMismatch", decoded));
  } else if (decoded.ok) {
    const wanted = gasOf(row, options.gasChannel);
    const volume = decoded.value.readings[0]?.volume ?? null;
    const told = volume === null ? null : formatM3(volume.ml);
    if (!isSame(told, wanted)) differences.push(difference("gas register", wanted, told));
  } else {
    differences.push(difference("telegram", "taken", decoded.fault));
  }
  return judgement({
    isDecoded: decoded.ok,
    isRefusedRightly,
    equalValues: values,
    differences,
    apart: [...switches, ...apart],
    keyed: underAnotherKey(options, (other) => dsmrProtocol.decode(bytes, other)),
  });
}

/** Keys and, of telegrams with several live gas meters, the first that is there. */
function optionsOf(row: Row, bytes: Uint8Array) {
  const { options, apart } = cipherOf(row, (keys) => dsmrProtocol.decode(bytes, keys));
  const decoded = dsmrProtocol.decode(bytes, options);
  const isMany = !decoded.ok && decoded.fault.kind === "unsupported";
  const gasChannel = isMany ? channels.find((one) => isTaken(bytes, options, one)) : undefined;
  if (gasChannel === undefined) return { options: options as DsmrOptions, apart };
  const reason = `several live gas meters: that on channel ${gasChannel} is on file`;
  return { options: { ...options, gasChannel }, apart: [...apart, { where: "gas", reason }] };
}

const channels = [1, 2, 3, 4];

function isTaken(bytes: Uint8Array, options: DsmrOptions, gasChannel: number): boolean {
  const decoded = dsmrProtocol.decode(bytes, { ...options, gasChannel });
  return decoded.ok && decoded.value.readings.length > 0;
}

function judgeValues(row: Row, telegram: P1Telegram, plain: Uint8Array) {
  const differences: Difference[] = [];
  const apart: Apart[] = [];
  const leaves = leavesOf(rowWithoutLists(row)).filter(([way]) => way !== "note");
  for (const [way, wanted] of leaves) {
    const told = factOf(telegram, plain, [way, wanted]);
    if (isSame(told, wanted)) continue;
    const outside = isOutsideTelegram(telegram, way)
      ? "the publisher's own time: the telegram has none, or one that is no date"
      : undefined;
    const reason = knownReason(row.id, way) ?? outside;
    if (reason === undefined) differences.push(difference(way, wanted, told));
    else apart.push({ where: way, reason });
  }
  const values = leaves.length - differences.length - apart.length;
  if ("cosem" in row.expected) differences.push(...lineDifferences(row, telegram, plain));
  return { values, differences, apart };
}

/** What the publisher says the gas register is, where it says so in a place that we know. */
function gasOf({ expected }: Row, channel: number | undefined): unknown {
  const leaves = leavesOf(expected).filter(([way]) => !way.startsWith("cosem"));
  const byWay = new Map(leaves);
  const values = leaves.flatMap(([way, value]) => {
    if (value === null || !isGasRegister(way, byWay)) return [];
    return channel === undefined || way.includes(`.${channel}.`) ? [value] : [];
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

function plainBytes(row: Row, options: DsmrOptions): Uint8Array | undefined {
  const bytes = bytesOfHex(row.hex);
  if (!row.protocol.endsWith("encrypted")) return bytes;
  const opened = openGeneralGlo(bytes, options, null);
  return opened.ok ? opened.value.plaintext : undefined;
}

/** The last piece that begins and ends like a telegram, its checksum right or wrong. */
function telegramOf(bytes: Uint8Array): P1Telegram | undefined {
  const read = readTelegrams(bytes).findLast(({ ok }) => ok);
  return read?.ok === true ? read.value : undefined;
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

function lineDifferences(row: Row, telegram: P1Telegram, plain: Uint8Array): readonly Difference[] {
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
  const [is, should] = [told, wanted.toSorted()];
  return isEqual(is, should) ? [] : [difference("lines", should, is)];
}

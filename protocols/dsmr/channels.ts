/** The devices behind an electricity meter: channels 1 to 4 of its M-Bus, and what each says. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { ValvePosition, VolumeRegister } from "#domain/telegram.ts";
import { hourMs, volumeFromCount, type TimestampMs } from "#domain/units.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { instantOfLegalTime, isNotConnected } from "./legalTime.ts";
import type { P1Object } from "./telegram.ts";

/** What a gas meter said last, through the electricity meter. */
export interface GasChannel {
  readonly channel: number;
  /** As printed on the meter; null where the telegram does not say. */
  readonly equipmentId: string | null;
  readonly measuredAtMs: TimestampMs | null;
  readonly volume: VolumeRegister;
  /** Which register it is: C.D.E of the object. */
  readonly register: string;
  readonly valve: ValvePosition | null;
}

/** The device type of gas on M-Bus. */
const gasDeviceType = 3;
/** Gas meters report at least every hour; one that is this far behind another has gone. */
const staleAfterMs = 2 * hourMs;

/** Which volume counts, where a meter's record says so. */
export type VolumeAt = "measurement" | "base";

/**
 * Registers in order of preference. Where both are there we keep the volume at measurement
 * conditions, which is the one that the rest of the house counts in. 24.2.0 is the only register of
 * version 2.2, which does not say at which conditions it counts.
 */
const registers = [
  { code: "24.2.3", at: "measurement" },
  { code: "24.2.1", at: "base" },
  { code: "24.2.0", at: "measurement" },
] as const;

/** Attribute 3 of class 70. 2 is "ready for reconnection": still shut, until somebody turns it by hand. */
const valveByControlState: Readonly<Record<string, ValvePosition>> = {
  "0": "closed",
  "1": "open",
  "2": "closed",
};

/** What a meter's record says of registers. */
export interface ChannelOptions {
  /** The channel of the gas meter; it is gas also where the telegram does not say what it is. */
  readonly gasChannel?: number | undefined;
  /** The register that counts, where a telegram has the converted one and the other. */
  readonly volumeAt?: VolumeAt | undefined;
}

/** Every gas meter that has a register, lowest channel first. */
export function gasChannels(
  objects: readonly P1Object[],
  { gasChannel, volumeAt }: ChannelOptions = {},
): Result<readonly GasChannel[], DecodeFault> {
  const found: GasChannel[] = [];
  for (const [channel, byCode] of objectsByChannel(objects)) {
    const type = byCode.get("24.1.0")?.values[0];
    const isGas = type === undefined ? channel === gasChannel : Number(type) === gasDeviceType;
    if (!isGas) continue;
    const gas = readChannel(channel, byCode, volumeAt);
    if (!gas.ok) return gas;
    if (gas.value !== null) found.push(gas.value);
  }
  return ok(found.toSorted((a, b) => a.channel - b.channel));
}

/** Those that still report: after an exchange the old meter's last value stays in the telegram. */
export function liveChannels(channels: readonly GasChannel[]): readonly GasChannel[] {
  const newestMs = Math.max(...channels.map(({ measuredAtMs }) => measuredAtMs ?? 0));
  return channels.filter(({ measuredAtMs }) => (measuredAtMs ?? 0) >= newestMs - staleAfterMs);
}

type ObjectsByCode = ReadonlyMap<string, P1Object>;

const channelPattern = /^0-([1-9]):(.*)$/;

function objectsByChannel(objects: readonly P1Object[]): ReadonlyMap<number, ObjectsByCode> {
  const channels = new Map<number, Map<string, P1Object>>();
  for (const object of objects) {
    const [, channel, code] = channelPattern.exec(object.obis) ?? [];
    if (channel === undefined || code === undefined) continue;
    const byCode = channels.get(Number(channel)) ?? new Map<string, P1Object>();
    channels.set(Number(channel), byCode.set(code, object));
  }
  return channels;
}

function readChannel(
  channel: number,
  byCode: ObjectsByCode,
  volumeAt: VolumeAt | undefined,
): Result<GasChannel | null, DecodeFault> {
  for (const { code, at } of registers) {
    if (volumeAt !== undefined && volumeAt !== at) continue;
    const object = byCode.get(code) ?? oldRegister(byCode.get("24.3.0"), code);
    const [time, value] = timeAndValue(object?.values ?? []);
    if (object === undefined || time === undefined || value === undefined) continue;
    const volume = volumeOf(value);
    if (volume === undefined) {
      return fail({ kind: "unexpectedValue", field: object.obis, atByte: object.from });
    }
    const measuredAtMs = instantOfLegalTime(time);
    const isUnread = measuredAtMs === null && volume?.count === 0;
    if (volume === null || isUnread || isNotConnected(time)) continue;
    const equipmentId = equipmentIdOf(byCode);
    const valve = valveOf(byCode.get("24.4.0"));
    return ok({ channel, equipmentId, measuredAtMs, volume, register: code, valve });
  }
  return ok(null);
}

/** Of two values the first is the time; a register alone has none. */
function timeAndValue(values: readonly string[]): readonly (string | undefined)[] {
  const [first] = values;
  const isAlone = values.length === 1 && first !== undefined && cubicMetresPattern.test(first);
  return isAlone ? ["", first] : values;
}

/** Versions 2.2 and 3.0: (time)(status)(minutes)(count)(0-n:24.2.1)(m3) and the values on the next line. */
function oldRegister(object: P1Object | undefined, code: string): P1Object | undefined {
  if (object === undefined) return undefined;
  const { values } = object;
  const count = Number(values[3]);
  if (!(count > 0 && count <= oldRegistersMax)) return undefined;
  for (let i = 0; i < count; i += 1) {
    const [name, unit, value] = [4 + 2 * i, 5 + 2 * i, 4 + 2 * count + i].map((at) => values[at]);
    if (name?.endsWith(`:${code}`) === true && value !== undefined) {
      return { ...object, values: [values[0] ?? "", `${value}*${unit ?? ""}`] };
    }
  }
  return undefined;
}

/** One in every telegram that was ever seen. */
const oldRegistersMax = 8;

const cubicMetresPattern = /^(\d{1,9})(?:\.(\d{1,6}))?\*m3$/;
/** No unit: nothing was ever read. */
const nothingPattern = /^[0.]*$/;

/** A register in cubic metres; null: none is there; undefined: something is there, and it is none. */
function volumeOf(text: string): VolumeRegister | null | undefined {
  const match = cubicMetresPattern.exec(text);
  if (match === null) return nothingPattern.test(text) ? null : undefined;
  const [, whole = "", fraction = ""] = match;
  const count = Number(whole + fraction);
  const exponent = fraction === "" ? 0 : -fraction.length;
  const ml = volumeFromCount(count, exponent);
  return ml === undefined ? undefined : { ml, count, exponent };
}

function valveOf(object: P1Object | undefined): ValvePosition | null {
  const state = object?.values[0];
  return state === undefined || state === "" ? null : (valveByControlState[state] ?? "unknown");
}

/** Dutch meters have it as 96.1.0, Belgian ones as 96.1.1; in both the characters stand as hexadecimal digits. */
function equipmentIdOf(byCode: ObjectsByCode): string | null {
  const digits = byCode.get("96.1.0")?.values[0] ?? byCode.get("96.1.1")?.values[0] ?? "";
  const isHex = /^(?:[2-7][0-9A-Fa-f])+$/.test(digits);
  const text = isHex ? Buffer.from(digits, "hex").toString("latin1") : digits;
  return text === "" ? null : text;
}

/** What pushed objects say about a gas meter: OBIS medium 7, or an M-Bus channel with a gas meter on it. */
import { fail, ok, type Result } from "#domain/result.ts";
import {
  emptyReading,
  type DecodedReading,
  type Telegram,
  type ValvePosition,
} from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { instantOfClock, instantOfUnixClock } from "./clock.ts";
import type { DlmsObject } from "./objects.ts";
import type { ListOptions, PushedObjects } from "./profile.ts";
import { flowOf, scaledOf, temperatureOf, units, volumeOf } from "./quantities.ts";

/** What a meter's record says about its pushes. */
export interface GasOptions extends ListOptions {
  /** The register that counts, as C.D.E, where the usual choice is not the right one. */
  readonly volumeRegister?: string | undefined;
  /** Which volume counts: at metering conditions, or what the meter converts it to. */
  readonly volumeAt?: "measurement" | "base" | undefined;
  /** The M-Bus channel, or the B of 7-B, where there is more than one or the push does not say "gas". */
  readonly gasChannel?: number | undefined;
  /** Scaler and unit by C.D.E, for meters that push registers without them. */
  readonly scalers?: Readonly<Record<string, { scaler: number; unit: number }>> | undefined;
}

/**
 * Total indexes in order of preference: of the meter, then of the converter, then of the logger; absolute,
 * then undisturbed. Other groups of C are a maker's own, and must be named.
 */
const indexQuantities = [3, 1, 13, 11, 23, 21];
/** By D: at metering conditions, corrected, at base conditions. */
const volumeRegisters = {
  any: registersAt(0, 1, 2),
  measurement: registersAt(0),
  base: registersAt(2, 1),
} as const;

function registersAt(...conditions: readonly number[]): readonly string[] {
  return conditions.flatMap((condition) =>
    indexQuantities.map((quantity) => `${quantity}.${condition}.0`),
  );
}

const gasMedium = 7;
const gasDeviceType = 3;

/** A gas meter's objects under their C.D.E, and those of the device around it. */
interface GasObjects {
  readonly own: ReadonlyMap<string, DlmsObject>;
  readonly device: ReadonlyMap<string, DlmsObject>;
  readonly registers: readonly string[];
  readonly addressCodes: readonly string[];
  readonly valve: DlmsObject | undefined;
}

/** The telegram of a push; a push without a gas meter says nothing, and nothing is wrong with it. */
export function telegramOf(
  { present, rows }: PushedObjects,
  dateTime: Uint8Array,
  options: GasOptions,
): Result<Telegram, DecodeFault> {
  const readings: DecodedReading[] = [];
  const gas = gasIn(present, options);
  if (!gas.ok) return gas;
  const now = gas.value === null ? ok(null) : readingOf(gas.value, dateTime, options);
  if (!now.ok) return now;
  if (now.value !== null) readings.push(now.value);
  for (const row of rows) {
    const then = gasIn(row, options);
    if (!then.ok) return then;
    // The date of the push is not that of a row.
    const old = then.value === null ? ok(null) : readingOf(then.value, noTime, options);
    if (!old.ok) return old;
    const { measuredAtMs = null, volume = null } = old.value ?? {};
    if (old.value !== null && measuredAtMs !== null && volume !== null) readings.push(old.value);
  }
  const address = gas.value === null ? null : numberOf(gas.value);
  return ok({ address, frameId: null, readings, replies: [] });
}

const noTime = new Uint8Array();

/** The number that a gas meter gives itself in a push; null where it gives none. */
export function addressIn({ present }: PushedObjects): string | null {
  const gas = gasIn(present, {});
  return gas.ok && gas.value !== null ? numberOf(gas.value) : null;
}

function gasIn(
  objects: readonly DlmsObject[],
  options: GasOptions,
): Result<GasObjects | null, DecodeFault> {
  const own = mediumSeven(objects, options);
  return !own.ok || own.value !== null ? own : busDevice(objects, options);
}

/** null: it says nothing but, at most, a time. */
function readingOf(
  gas: GasObjects,
  dateTime: Uint8Array,
  options: GasOptions,
): Result<DecodedReading | null, DecodeFault> {
  const register = registerOf(gas, options);
  if (!register.ok) return register;
  const volume = register.value === null ? null : volumeOf(register.value);
  if (register.value !== null && volume === null) {
    return fail({ kind: "implausible", field: register.value.obis });
  }
  const temperature = gas.own.get("41.0.0");
  const flow = gas.own.get("43.0.0");
  const reading: DecodedReading = {
    ...emptyReading,
    measuredAtMs: measuredAt(register.value, gas.device, dateTime, options),
    volume,
    flowMlPerHour: flow === undefined ? null : flowOf(flow),
    temperatureCentiC: temperature === undefined ? null : temperatureOf(temperature),
    batteryMv: deviceValue(gas, "96.6.3", units.volts, 3),
    batteryPct: deviceValue(gas, "96.6.1", units.percent, 0),
    signalDbm: deviceValue(gas, "96.12.5", units.decibelMilliwatts, 0),
    valve: gas.valve === undefined ? null : valveOf(gas.valve),
  };
  const { measuredAtMs: _time, ...values } = reading;
  return ok(Object.values(values).every((value) => value === null) ? null : reading);
}

/** A gas meter that pushes for itself: 7-B:C.D.E. */
function mediumSeven(
  objects: readonly DlmsObject[],
  options: GasOptions,
): Result<GasObjects | null, DecodeFault> {
  const registers = volumeRegisters[options.volumeAt ?? "any"];
  const channels = new Set<number>();
  const withRegister = new Set<number>();
  for (const { obis } of objects) {
    const [medium, channel = 0, c, d, e, f] = numbersOf(obis);
    if (medium !== gasMedium) continue;
    channels.add(channel);
    const isRegister = f === presentPeriod && registers.includes(`${c}.${d}.${e}`);
    if (isRegister) withRegister.add(channel);
  }
  if (channels.size === 0) return ok(null);
  const channel = options.gasChannel ?? only(withRegister.size === 0 ? channels : withRegister);
  if (channel === undefined) return ambiguous(withRegister);
  const own = byCode(objects, gasMedium, channel);
  const device = byCode(objects, 0, 0);
  const valve = device.get("96.3.10");
  return ok({ own, device, registers, addressCodes: ["0.0.0", "96.1.0", "42.0.0"], valve });
}

/** The lowest; undefined when there are several registers, for whose is whose is not ours to guess. */
function only(channels: ReadonlySet<number>): number | undefined {
  return channels.size === 1 ? Math.min(...channels) : undefined;
}

function ambiguous(channels: ReadonlySet<number>): Result<never, DecodeFault> {
  const list = [...channels].slice(0, 4).join(" and ");
  return fail({ kind: "unsupported", what: `gas meters on channels ${list}, and none is named` });
}

const busChannels = [1, 2, 3, 4];

/** A gas meter on the M-Bus of the one that pushes: 0-B:24.2.E. */
function busDevice(
  objects: readonly DlmsObject[],
  { gasChannel }: GasOptions,
): Result<GasObjects | null, DecodeFault> {
  const found = busChannels.filter((channel) => {
    if (gasChannel !== undefined) return gasChannel === channel;
    return byCode(objects, 0, channel).get("24.1.0")?.value.value === gasDeviceType;
  });
  const [channel] = found;
  if (channel === undefined) return ok(null);
  if (found.length > 1) return ambiguous(new Set(found));
  const own = byCode(objects, 0, channel);
  // The battery, signal and serial number of the electricity meter are not the gas meter's.
  const clocks = [...byCode(objects, 0, 0)].filter(([code]) => code.startsWith("1."));
  const valve = own.get("24.4.0");
  const [registers, addressCodes] = [["24.2.1"], ["96.1.0"]];
  return ok({ own, device: new Map(clocks), registers, addressCodes, valve });
}

function byCode(
  objects: readonly DlmsObject[],
  medium: number,
  channel: number,
): ReadonlyMap<string, DlmsObject> {
  const found = new Map<string, DlmsObject>();
  for (const object of objects) {
    const [a, b, c, d, e, f] = numbersOf(object.obis);
    const isWanted = a === medium && b === channel && f === presentPeriod;
    const code = `${c}.${d}.${e}`;
    if (isWanted && !found.has(code)) found.set(code, object);
  }
  return found;
}

const presentPeriod = 255;

/** The six numbers of a name; a buffer of thousands of rows asks for them again and again. */
function numbersOf(obis: string): readonly number[] {
  const numbers: number[] = [];
  let number = 0;
  for (let at = 0; at < obis.length; at += 1) {
    const digit = obis.charCodeAt(at) - zeroSign;
    if (digit >= 0 && digit <= 9) number = number * 10 + digit;
    else {
      numbers.push(number);
      number = 0;
    }
  }
  return [...numbers, number];
}

const zeroSign = 48;

/** null: the push has none, or says that it has none. */
function registerOf(
  { own, registers }: GasObjects,
  { volumeRegister, scalers = {} }: GasOptions,
): Result<DlmsObject | null, DecodeFault> {
  const wanted = volumeRegister === undefined ? registers : [volumeRegister];
  for (const code of wanted) {
    const object = own.get(code);
    if (object === undefined) continue;
    // Another register in its place, for once, would make two histories one.
    if (object.value.value === null) return ok(null);
    if (object.unit !== null) return ok(object);
    const known = Object.hasOwn(scalers, code) ? scalers[code] : undefined;
    if (known !== undefined) return ok({ ...object, ...known });
    // Without its scaler a count may mean a thousand times what it says.
    return fail({ kind: "unsupported", what: `${object.obis} without scaler and unit` });
  }
  return ok(null);
}

function measuredAt(
  register: DlmsObject | null,
  device: ReadonlyMap<string, DlmsObject>,
  dateTime: Uint8Array,
  options: GasOptions,
): TimestampMs | null {
  if (register !== null && register.capturedAt !== null) {
    return instantOfClock(register.capturedAt, options);
  }
  const clock = device.get("1.0.0")?.value.value;
  if (clock instanceof Uint8Array) return instantOfClock(clock, options);
  const seconds = device.get("1.1.0")?.value.value;
  if (typeof seconds === "number") return instantOfUnixClock(seconds);
  return instantOfClock(dateTime, options);
}

function deviceValue(
  { device }: GasObjects,
  code: string,
  unit: number,
  decimals: number,
): number | null {
  const object = device.get(code);
  return object === undefined ? null : scaledOf(object, [unit], decimals);
}

/** Class 70: the control state 0, 1, 2 (2 waits for a hand, and is shut), or the output state. */
function valveOf({ value }: DlmsObject): ValvePosition {
  if (value.type === "boolean") return value.value === true ? "open" : "closed";
  if (value.type !== "enum") return "unknown";
  if (value.value === 1) return "open";
  return value.value === 0 || value.value === 2 ? "closed" : "unknown";
}

/** The number on the meter, else the name of the logical device. */
function numberOf({ own, device, addressCodes }: GasObjects): string | null {
  for (const code of addressCodes) {
    const value = (own.get(code) ?? device.get(code))?.value.value;
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number") return String(value);
    if (value instanceof Uint8Array && value.length > 0) {
      const text = Buffer.from(value).toString("latin1");
      return /^[\x20-\x7e]+$/.test(text) ? text : Buffer.from(value).toString("hex");
    }
  }
  return null;
}

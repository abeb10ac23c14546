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
import { instantOfClock, instantOfUnixClock, type ClockOptions } from "./clock.ts";
import type { DlmsObject } from "./objects.ts";
import { flowOf, scaledOf, temperatureOf, units, volumeOf } from "./quantities.ts";

/** What a meter's record says about its pushes. */
export interface GasOptions extends ClockOptions {
  /** The register that counts, as C.D.E, where the usual choice is not the right one. */
  readonly volumeRegister?: string | undefined;
  /** The M-Bus channel, or the B of 7-B, where there is more than one or the push does not say "gas". */
  readonly gasChannel?: number | undefined;
  /** Scaler and unit by C.D.E, for meters that push registers without them. */
  readonly scalers?: Readonly<Record<string, { scaler: number; unit: number }>> | undefined;
}

/**
 * Total indexes in order of preference: at metering conditions, then corrected, then at base conditions;
 * of the meter, then of the converter; absolute, then undisturbed.
 */
const volumeRegisters = [0, 1, 2].flatMap((conditions) =>
  [3, 1, 13, 11].map((quantity) => `${quantity}.${conditions}.0`),
);

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
  objects: readonly DlmsObject[],
  dateTime: Uint8Array,
  options: GasOptions,
): Result<Telegram, DecodeFault> {
  const gas = mediumSeven(objects, options) ?? busDevice(objects, options);
  if (gas === null) return ok({ address: null, frameId: null, readings: [], replies: [] });
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
  const isEmpty = Object.values(values).every((value) => value === null);
  const readings = isEmpty ? [] : [reading];
  return ok({ address: addressOf(gas), frameId: null, readings, replies: [] });
}

/** A gas meter that pushes for itself: 7-B:C.D.E. */
function mediumSeven(objects: readonly DlmsObject[], options: GasOptions): GasObjects | null {
  const channels = objects.flatMap(({ obis }) => {
    const [medium, channel = 0] = numbersOf(obis);
    return medium === gasMedium ? [channel] : [];
  });
  if (channels.length === 0) return null;
  const channel = options.gasChannel ?? Math.min(...channels);
  const own = byCode(objects, gasMedium, channel);
  const device = byCode(objects, 0, 0);
  const registers = volumeRegisters;
  const valve = device.get("96.3.10");
  return { own, device, registers, addressCodes: ["0.0.0", "96.1.0", "42.0.0"], valve };
}

/** A gas meter on the M-Bus of the one that pushes: 0-B:24.2.E. */
function busDevice(objects: readonly DlmsObject[], options: GasOptions): GasObjects | null {
  for (const channel of [1, 2, 3, 4]) {
    const own = byCode(objects, 0, channel);
    const isNamed = options.gasChannel === channel;
    const isGas =
      options.gasChannel === undefined && own.get("24.1.0")?.value.value === gasDeviceType;
    if (!isNamed && !isGas) continue;
    const device = byCode(objects, 0, 0);
    const registers = ["24.2.1"];
    const valve = own.get("24.4.0");
    // The battery, signal and serial number of the electricity meter are not the gas meter's.
    const clocks = new Map([...device].filter(([code]) => code.startsWith("1.")));
    return { own, device: clocks, registers, addressCodes: ["96.1.0"], valve };
  }
  return null;
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

function numbersOf(obis: string): readonly number[] {
  return obis.split(/[-:.]/).map(Number);
}

/** null: the push has none, or says that it has none. */
function registerOf(
  { own, registers }: GasObjects,
  { volumeRegister, scalers = {} }: GasOptions,
): Result<DlmsObject | null, DecodeFault> {
  const wanted = volumeRegister === undefined ? registers : [volumeRegister];
  for (const code of wanted) {
    const object = own.get(code);
    if (object === undefined || object.value.value === null) continue;
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
function addressOf({ own, device, addressCodes }: GasObjects): string | null {
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

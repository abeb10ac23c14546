/** Records into a telegram: what objects 3, 4, 19 and 3423 say of a gas meter. */
import { fail, ok, type Result } from "#domain/result.ts";
import { statusBits, type StatusFlags } from "#domain/status.ts";
import { emptyReading, type DecodedReading, type Telegram } from "#domain/telegram.ts";
import { timestampMs, type TimestampMs } from "#domain/units.ts";
import { believableInstant } from "#protocols/codec/calendar.ts";
import { registerOf } from "#protocols/codec/exactNumber.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import {
  connectivityResources,
  containerResources,
  deviceResources,
  gasMeterResources,
  objectIds,
} from "./objects.ts";
import { printPath } from "./path.ts";
import { malformed, type ResourceRecord } from "./record.ts";
import { millisecondsOf, type Value } from "./values.ts";

/** Reads the frame that a meter's maker put into object 19. */
export type DecodeInner = (bytes: Uint8Array) => Result<Telegram, DecodeFault>;

/** All that is true at one time, by path. */
type Moment = ReadonlyMap<string, ResourceRecord>;

/**
 * The records as a telegram. Values that mean nothing to us are passed over. Where no telegram can be made
 * of them, a leak among them is still heard.
 */
export function telegramOf(
  records: readonly ResourceRecord[],
  decodeInner: DecodeInner | null,
): Result<Telegram, DecodeFault> {
  const told = wholeTelegram(records, decodeInner);
  if (told.ok) return told;
  const alarms = presentAlarms(records);
  const { heard = { address: null, status: 0, valve: null } } = told.fault;
  if (alarms === 0) return told;
  return fail({ ...told.fault, heard: { ...heard, status: heard.status | alarms } });
}

/** What is said of now, or last: an older alarm may be over. */
function presentAlarms(records: readonly ResourceRecord[]): StatusFlags {
  const times = records.flatMap(({ at }) => (typeof at === "number" ? [at] : []));
  const lastMs = times.reduce((last, at) => Math.max(last, at), 0);
  const hasPresent = records.some(({ at }) => typeof at !== "number");
  let alarms = 0;
  for (const { path, at, value } of records) {
    const isPresent = hasPresent ? typeof at !== "number" : at === lastMs;
    if (!isPresent || path.object !== objectIds.gasMeter || value.kind !== "boolean") continue;
    if (value.value) alarms |= alarmResources.get(path.resource) ?? 0;
  }
  return alarms;
}

function wholeTelegram(
  records: readonly ResourceRecord[],
  decodeInner: DecodeInner | null,
): Result<Telegram, DecodeFault> {
  const moments = byMoment(records);
  if (!moments.ok) return moments;
  const readings: DecodedReading[] = [];
  for (const [at, moment] of moments.value) {
    const reading = readingOf(at, moment);
    if (!reading.ok) return reading;
    if (reading.value !== null) readings.push(reading.value);
  }
  const inner = innerTelegram(records, decodeInner);
  if (!inner.ok) return inner;
  const telegram = { ...inner.value, readings: [...readings, ...inner.value.readings] };
  const saysSomething = telegram.readings.length + telegram.replies.length > 0;
  return saysSomething ? ok(telegram) : fail({ kind: "unsupported", what: "no object of a meter" });
}

function byMoment(
  records: readonly ResourceRecord[],
): Result<ReadonlyMap<number | null, Moment>, DecodeFault> {
  const moments = new Map<number | null, Map<string, ResourceRecord>>();
  for (const record of records) {
    const { at } = record;
    const path = printPath(record.path);
    if (at === "unknown") {
      return fail({ kind: "unsupported", what: "a time relative to an unknown clock" });
    }
    const moment = moments.get(at) ?? new Map<string, ResourceRecord>();
    if (moment.has(path)) return fail(malformed(path, "two values for one time"));
    moments.set(at, moment.set(path, record));
  }
  return ok(moments);
}

function readingOf(at: number | null, moment: Moment): Result<DecodedReading | null, DecodeFault> {
  const meters = new Set<number>();
  for (const { path } of moment.values()) {
    if (path.object === objectIds.gasMeter) meters.add(path.instance);
  }
  // Two registers are none: which of them is the bill's cannot be told.
  if (meters.size > 1) return fail({ kind: "unsupported", what: "more than one gas meter" });
  const [meter = 0] = meters;
  const volume = volumeOf(moment, meter);
  if (!volume.ok) return volume;
  const values: DecodedReading = {
    ...emptyReading,
    volume: volume.value,
    batteryMv: batteryMillivolts(moment),
    batteryPct: integerAt(moment, objectIds.device, 0, deviceResources.batteryPercent),
    signalDbm: integerAt(moment, objectIds.connectivity, 0, connectivityResources.signalDbm),
    status: statusOf(moment, meter),
  };
  const saysSomething = Object.values(values).some((value) => value !== null);
  return ok(saysSomething ? { ...values, measuredAtMs: measuredAt(at, moment, meter) } : null);
}

/** Powers of ten from a unit to cubic metres. */
const volumeUnits: Readonly<Record<string, number>> = { m3: 0, "m³": 0, l: -3, L: -3 };

function volumeOf(moment: Moment, meter: number): Result<DecodedReading["volume"], DecodeFault> {
  const record = recordAt(moment, objectIds.gasMeter, meter, gasMeterResources.volume);
  if (record?.value.kind !== "number") return ok(null);
  const unit = record.unit ?? "m3";
  const power = Object.hasOwn(volumeUnits, unit) ? volumeUnits[unit] : undefined;
  if (power === undefined) return fail({ kind: "unsupported", what: "unit of a volume" });
  const { coefficient, exponent } = record.value.decimal;
  const register = registerOf({ coefficient, exponent: exponent + power });
  return register === undefined ? fail({ kind: "implausible", field: "volume" }) : ok(register);
}

/** The record's own time, else the meter's for its register, else its clock. */
function measuredAt(at: number | null, moment: Moment, meter: number): TimestampMs | null {
  if (at !== null) return believableInstant(at) ?? null;
  const stamp = recordAt(moment, objectIds.gasMeter, meter, gasMeterResources.timestamp)?.value;
  if (stamp?.kind === "time" && stamp.value !== null) {
    return timestampMs(stamp.value + fractionOf(moment, meter));
  }
  const clock = recordAt(moment, objectIds.device, 0, deviceResources.currentTime)?.value;
  return clock?.kind === "time" ? clock.value : null;
}

function fractionOf(moment: Moment, meter: number): number {
  const value = recordAt(
    moment,
    objectIds.gasMeter,
    meter,
    gasMeterResources.timestampFraction,
  )?.value;
  const fractionMs = value?.kind === "number" ? millisecondsOf(value.decimal) : undefined;
  return fractionMs !== undefined && fractionMs > 0 && fractionMs < 1_000 ? fractionMs : 0;
}

/** Object 3, resource 6: which of the sources a meter lives on. */
const batterySources = [1, 2];

/** The voltage of the battery among the sources of power; of the first where none says what it is. */
function batteryMillivolts(moment: Moment): number | null {
  const { powerSources, powerSourceMillivolts } = deviceResources;
  const sources = itemsAt(moment, powerSources);
  const volts = itemsAt(moment, powerSourceMillivolts);
  for (const battery of batterySources) {
    const item = sources.findIndex((value) => value === battery);
    if (item >= 0 && volts[item] !== undefined) return volts[item];
  }
  return sources.length === 0 ? (volts.find((value) => value !== undefined) ?? null) : null;
}

/** The most sources of power, and the most errors, that are looked at. */
const itemsMax = 16;

/** Whole numbers of a resource of the device, by instance; a resource without instances is the first. */
function itemsAt(moment: Moment, resource: number): readonly (number | undefined)[] {
  const single = integerAt(moment, objectIds.device, 0, resource);
  if (single !== null) return [single];
  const items = Array.from({ length: itemsMax }, (_, item) => {
    return integerAt(moment, objectIds.device, 0, resource, item) ?? undefined;
  });
  return items.some((item) => item !== undefined) ? items : [];
}

/** Object 3, resource 11. Without power from outside a meter still works; the others concern the radio. */
const errorFlags: Readonly<Record<number, StatusFlags>> = {
  1: statusBits.battery_low,
  8: statusBits.meter_fault,
};
/** Object 3, resource 20. */
const batteryFlags: Readonly<Record<number, StatusFlags>> = {
  3: statusBits.battery_critical,
  4: statusBits.battery_low,
};

/** Fire near a gas meter is no matter of the meter alone. */
const alarmResources: ReadonlyMap<number, StatusFlags> = new Map([
  [gasMeterResources.leakSuspected, statusBits.leak],
  [gasMeterResources.leakDetected, statusBits.leak],
  [gasMeterResources.highTemperature, statusBits.external_alarm],
]);

/** Null: nothing was said of any status. */
function statusOf(moment: Moment, meter: number): StatusFlags | null {
  const said: StatusFlags[] = [];
  for (const [resource, flag] of alarmResources) {
    const value = recordAt(moment, objectIds.gasMeter, meter, resource)?.value;
    if (value?.kind === "boolean") said.push(value.value ? flag : 0);
  }
  for (const error of itemsAt(moment, deviceResources.errorCodes)) {
    if (error !== undefined) said.push(errorFlags[error] ?? 0);
  }
  const battery = integerAt(moment, objectIds.device, 0, deviceResources.batteryStatus);
  if (battery !== null) said.push(batteryFlags[battery] ?? 0);
  return said.length === 0 ? null : said.reduce((all, flags) => all | flags, 0);
}

function recordAt(
  moment: Moment,
  object: number,
  instance: number,
  resource: number,
  item: number | null = null,
): ResourceRecord | undefined {
  return moment.get(printPath({ object, instance, resource, item }));
}

function integerAt(...place: Parameters<typeof recordAt>): number | null {
  const value = recordAt(...place)?.value;
  const isWhole = value?.kind === "number" && Number.isSafeInteger(value.value);
  return isWhole ? Number(value.value) : null;
}

/** Vendor frames of object 19, which must all be readable: nobody else will read them. */
function innerTelegram(
  records: readonly ResourceRecord[],
  decodeInner: DecodeInner | null,
): Result<Telegram, DecodeFault> {
  let all: Telegram = { address: null, frameId: null, readings: [], replies: [] };
  for (const bytes of innerFrames(records)) {
    if (decodeInner === null)
      return fail({ kind: "unsupported", what: "vendor frame in object 19" });
    const inner = decodeInner(bytes);
    if (!inner.ok) return inner;
    const { address, readings, replies, learned = all.learned } = inner.value;
    if (all.address !== null && address !== null && all.address !== address) {
      return fail({ kind: "unsupported", what: "frames of two meters in one uplink" });
    }
    all = {
      address: all.address ?? address,
      frameId: null,
      readings: [...all.readings, ...readings],
      replies: [...all.replies, ...replies],
      ...(learned === undefined ? {} : { learned }),
    };
  }
  return ok(all);
}

/** The frames of makers that object 19 carries, as bytes. */
export function innerFrames(records: readonly ResourceRecord[]): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const { path, value } of records) {
    const isFrame =
      path.object === objectIds.container && path.resource === containerResources.data;
    if (isFrame && isFilled(value)) frames.push(value.value);
  }
  return frames;
}

function isFilled(value: Value): value is Extract<Value, { readonly kind: "bytes" }> {
  return value.kind === "bytes" && value.value.length > 0;
}

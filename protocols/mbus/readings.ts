/** What a telegram's records mean as readings of a gas meter. */
import { statusBits, type StatusFlags } from "#domain/status.ts";
import {
  emptyReading,
  type DecodedReading,
  type Telegram,
  type ValvePosition,
  type VolumeRegister,
} from "#domain/telegram.ts";
import { hourMs, timestampMs, volumeFromCount, type TimestampMs } from "#domain/units.ts";
import { instantOf } from "#protocols/codec/calendar.ts";
import { printMbusAddress } from "./header.ts";
import type { MbusRecord } from "./records.ts";
import type { MbusTelegram } from "./telegram.ts";

/** What a meter's profile knows and its telegrams do not say. */
export interface MbusRules {
  /** How far east of UTC the meter's clock stands in winter; undefined: its times are not used. */
  readonly clockOffsetMs?: number | undefined;
  /**
   * Which volume is the register: at measurement conditions, or the one that the meter has converted to
   * base conditions. The two are never mixed.
   */
  readonly volumeAt?: "measurement" | "base" | undefined;
  /** A companion standard that gives further records a meaning. */
  readonly companion?: "dsmrP2" | undefined;
}

/** A telegram as the engine takes it. */
export function telegramOf(telegram: MbusTelegram, rules: MbusRules): Telegram {
  const { address, state, records } = telegram;
  const status = state === null ? null : statusOf(state.status, rules);
  const now = presentReading(records, rules);
  const present: DecodedReading = { ...now, status };
  const isSilent = Object.values(present).every((value) => value === null);
  return {
    address: address === null ? null : printMbusAddress(address),
    frameId: null,
    readings: [...(isSilent ? [] : [present]), ...storedReadings(records, rules)],
    replies: [],
  };
}

const powerLow = 0x04;
const permanentError = 0x08;
/** DSMR gives two of the manufacturer's bits a meaning. */
const clockDeviation = 0x20;
const fraudAttempt = 0x40;

/** Temporary errors and the application bits are no condition of ours: nobody agrees on them. */
function statusOf(status: number, { companion }: MbusRules): StatusFlags {
  let flags = 0;
  if ((status & powerLow) !== 0) flags |= statusBits.battery_low;
  if ((status & permanentError) !== 0) flags |= statusBits.meter_fault;
  if (companion !== "dsmrP2") return flags;
  if ((status & clockDeviation) !== 0) flags |= statusBits.clock_fault;
  if ((status & fraudAttempt) !== 0) flags |= statusBits.cover_open;
  return flags;
}

function presentReading(records: readonly MbusRecord[], rules: MbusRules): DecodedReading {
  const ofNow = records.filter((record) => isPlain(record) && record.storage === 0);
  const unmodified = ofNow.filter(({ modifiers }) => modifiers.length === 0);
  return {
    ...emptyReading,
    measuredAtMs: timeIn(unmodified, rules),
    volume: volumeIn(ofNow, rules),
    flowMlPerHour: flowIn(unmodified),
    temperatureCentiC: quantityIn(unmodified, "flow temperature", "°C", 2),
    pressurePa: quantityIn(unmodified, "pressure", "bar", 5),
    signalDbm: quantityIn(unmodified, "received signal level", "dBm", 0),
    valve: rules.companion === "dsmrP2" ? valveIn(records) : null,
  };
}

/** Values of the past are readings only where their instant is certain. */
function storedReadings(
  records: readonly MbusRecord[],
  rules: MbusRules,
): readonly DecodedReading[] {
  const stored = records.filter((record) => isPlain(record) && record.storage > 0);
  const byStorage = Map.groupBy(stored, ({ storage }) => storage);
  return [...byStorage.values()].flatMap((same) => {
    const measuredAtMs = timeIn(
      same.filter(({ modifiers }) => modifiers.length === 0),
      rules,
    );
    const volume = volumeIn(same, rules);
    return measuredAtMs === null || volume === null
      ? []
      : [{ ...emptyReading, measuredAtMs, volume }];
  });
}

/** Of the meter as a whole, and no extreme. */
function isPlain({ function: valueFunction, tariff, subunit }: MbusRecord): boolean {
  return valueFunction === "instantaneous" && tariff === 0 && subunit === 0;
}

const uncorrected = "uncorrected";
const atBase = "at base conditions";

/**
 * A meter that marks one volume as uncorrected means that its unmarked one is corrected. Where none is
 * marked so, the unmarked volume is the one at measurement conditions.
 */
function volumeIn(records: readonly MbusRecord[], { volumeAt }: MbusRules): VolumeRegister | null {
  const volumes = records.filter(({ quantity, unit }) => quantity === "volume" && unit === "m³");
  const marked = (name: string | null) =>
    volumes.find(
      ({ modifiers }) => modifiers.filter((one) => !isFactor(one)).join() === (name ?? ""),
    );
  const plain = marked(null);
  const raw = marked(uncorrected);
  if (volumeAt === "base")
    return registerOf(marked(atBase) ?? (raw === undefined ? undefined : plain));
  return registerOf(raw ?? plain);
}

/** Factors are in the value already. */
function isFactor(modifier: string): boolean {
  return modifier.startsWith("multiplied by 1");
}

function registerOf(record: MbusRecord | undefined): VolumeRegister | null {
  if (record?.value?.kind !== "number") return null;
  const { exponent } = record.value;
  const count = Number(record.value.count);
  if (!Number.isSafeInteger(count)) return null;
  const ml = volumeFromCount(count, exponent);
  return ml === undefined ? null : { ml, count, exponent };
}

const mlPerHourOf: Readonly<Record<string, number>> = {
  "m³/h": 1_000_000,
  "m³/min": 60_000_000,
  "m³/s": 3_600_000_000,
};

function flowIn(records: readonly MbusRecord[]): number | null {
  const record = records.find(({ quantity }) => quantity === "volume flow");
  const factor = mlPerHourOf[record?.unit ?? ""];
  if (record?.value?.kind !== "number" || factor === undefined) return null;
  return safeRound(record.value.count, record.value.exponent, factor);
}

/** A quantity in units of `10^-decimals`, rounded. */
function quantityIn(
  records: readonly MbusRecord[],
  wanted: string,
  unit: string,
  decimals: number,
): number | null {
  const record = records.find((one) => one.quantity === wanted && one.unit === unit);
  if (record?.value?.kind !== "number") return null;
  return safeRound(record.value.count, record.value.exponent + decimals, 1);
}

function safeRound(count: bigint, exponent: number, factor: number): number | null {
  const whole = Number(count) * factor;
  const scaled = Math.round(exponent < 0 ? whole / 10 ** -exponent : whole * 10 ** exponent);
  // Adding 0 turns -0 into 0.
  return Number.isSafeInteger(scaled) ? scaled + 0 : null;
}

function timeIn(records: readonly MbusRecord[], rules: MbusRules): TimestampMs | null {
  // The companion standard says UTC, whatever the profile says of other clocks.
  const offsetMs = rules.companion === "dsmrP2" ? 0 : rules.clockOffsetMs;
  const record = records.find(({ quantity }) => quantity === "date and time");
  if (offsetMs === undefined || record?.value?.kind !== "time") return null;
  const { calendar, summerHours, type } = record.value.time;
  if (calendar === null || type === "G" || summerHours === null) return null;
  const local = instantOf(calendar);
  if (local === undefined) return null;
  return timestampMs(local - offsetMs - summerHours * hourMs);
}

/** DSMR: output 1 is the valve. A released valve waits for a person and is neither open nor surely closed. */
const valveByState: Readonly<Record<string, ValvePosition>> = { 0: "closed", 1: "open" };

function valveIn(records: readonly MbusRecord[]): ValvePosition | null {
  const output = records.find(({ quantity, subunit, storage }) => {
    return quantity === "digital output" && subunit === 1 && storage === 0;
  });
  if (output?.value?.kind !== "number") return null;
  return valveByState[String(output.value.count)] ?? "unknown";
}

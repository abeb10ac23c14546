/** What a telegram's records mean as readings of a gas meter. */
import {
  emptyReading,
  type DecodedReading,
  type Telegram,
  type VolumeRegister,
} from "#domain/telegram.ts";
import { hourMs, timestampMs, volumeFromCount, type TimestampMs } from "#domain/units.ts";
import { instantOf } from "#protocols/codec/calendar.ts";
import { printMbusAddress } from "./header.ts";
import { meaningful } from "./modifiers.ts";
import type { MbusRecord } from "./records.ts";
import { statusOf, valveOf, type StatusRules } from "./status.ts";
import type { MbusTelegram } from "./telegram.ts";

/** What a meter's profile knows and its telegrams do not say. */
export interface MbusRules extends StatusRules {
  /** How far east of UTC the meter's clock stands in winter; undefined: its times are not used. */
  readonly clockOffsetMs?: number | undefined;
  /**
   * Which volume is the register: at measurement conditions, or the one that the meter has converted to
   * base conditions. The two are never mixed.
   */
  readonly volumeAt?: "measurement" | "base" | undefined;
}

/** A telegram as the engine takes it. */
export function telegramOf(telegram: MbusTelegram, rules: MbusRules): Telegram {
  const { address, records } = telegram;
  const present: DecodedReading = {
    ...presentReading(records, rules),
    valve: valveOf(telegram, rules),
    status: statusOf(telegram, rules),
  };
  const isSilent = Object.values(present).every((value) => value === null);
  return {
    address: address === null ? null : printMbusAddress(address),
    frameId: null,
    readings: [...(isSilent ? [] : [present]), ...storedReadings(records, rules)],
    replies: [],
  };
}

function presentReading(records: readonly MbusRecord[], rules: MbusRules): DecodedReading {
  const ofNow = records.filter((record) => isPlain(record) && record.storage === 0);
  const unmodified = ofNow.filter(isUnmodified);
  return {
    ...emptyReading,
    measuredAtMs: timeIn(unmodified, rules),
    volume: volumeIn(ofNow, rules),
    flowMlPerHour: flowIn(unmodified),
    temperatureCentiC: quantityIn(unmodified, "flow temperature", "°C", 2),
    pressurePa: quantityIn(unmodified, "pressure", "bar", 5),
    signalDbm: quantityIn(unmodified, "received signal level", "dBm", 0),
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
    const measuredAtMs = timeIn(same.filter(isUnmodified), rules);
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

/** The value itself, and not another kind of value that a modifier makes of it. */
function isUnmodified({ modifiers }: MbusRecord): boolean {
  return meaningful(modifiers).length === 0;
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
    volumes.find(({ modifiers }) => meaningful(modifiers).join() === (name ?? ""));
  const plain = marked(null);
  const raw = marked(uncorrected);
  if (volumeAt === "base")
    return registerOf(marked(atBase) ?? (raw === undefined ? undefined : plain));
  return registerOf(raw ?? plain);
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

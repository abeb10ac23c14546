/** What a P1 telegram says, by the names that three collections of telegrams use. */
import { instantOfLegalTime } from "#protocols/dsmr/legalTime.ts";
import type { P1Object, P1Telegram } from "#protocols/dsmr/telegram.ts";

/** Names by paths, as a lookup: null is "it says nothing", undefined "no such name". */
export type Fact = string | number | boolean | null | undefined;

/** The last value of an object, in two parts. */
interface Measured {
  readonly value: string;
  readonly unit: string | null;
  readonly time: string | null;
}

function measured({ obis, values }: P1Object): Measured {
  if (obis.endsWith(":24.3.0")) {
    return { value: values[6] ?? "", unit: values[5] ?? null, time: values[0] ?? null };
  }
  const [value = "", unit = null] = (values.at(-1) ?? "").split("*");
  return { value, unit, time: values.length > 1 ? (values[0] ?? null) : null };
}

/** The first object with such a code, on a channel (0: the electricity meter) or on any. */
function find(telegram: P1Telegram, code: string, channel?: number): P1Object | undefined {
  const end = `:${code}`;
  return telegram.objects.find(({ obis }) => {
    const isHere = channel === undefined || obis.startsWith(`0-${channel}:`);
    return isHere && obis.endsWith(end);
  });
}

function valueOf(telegram: P1Telegram, code: string, channel?: number): Measured | undefined {
  const object = find(telegram, code, channel);
  return object === undefined ? undefined : measured(object);
}

function instant(text: string | null | undefined): string | null {
  const at = instantOfLegalTime(text ?? "");
  return at === null ? null : new Date(at).toISOString().replace(".000Z", "+00:00");
}

/** The clock's own digits as if it stood in Greenwich: what some collections call its time. */
function wallTime(text: string | null | undefined): string | null {
  const at = instantOfLegalTime(text ?? "");
  const digits = (text ?? "").match(/\d\d/g) ?? [];
  const [year, month, day, hour, minute, second] = digits;
  return at === null ? null : `20${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
}

const wattHours = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Math.round(Number(text) * 1_000);

const phaseCodes: Readonly<Record<string, string>> = {
  "voltage.l1": "32.7.0",
  "voltage.l2": "52.7.0",
  "voltage.l3": "72.7.0",
  "current.l1": "31.7.0",
  "current.l2": "51.7.0",
  "current.l3": "71.7.0",
};
const energyCodes: Readonly<Record<string, string>> = {
  "tariffs.1.received": "1.8.1",
  "tariffs.2.received": "1.8.2",
  "tariffs.1.returned": "2.8.1",
  "tariffs.2.returned": "2.8.2",
  "total.received": "1.8.0",
  "total.returned": "2.8.0",
  powerReceivedTotal: "1.7.0",
  powerReturnedTotal: "2.7.0",
  "powerReceived.l1": "21.7.0",
  "powerReceived.l2": "41.7.0",
  "powerReceived.l3": "61.7.0",
  "powerReturned.l1": "22.7.0",
  "powerReturned.l2": "42.7.0",
  "powerReturned.l3": "62.7.0",
};
const eventCodes: Readonly<Record<string, string>> = {
  powerFailures: "96.7.21",
  longPowerFailures: "96.7.9",
  "voltageSags.l1": "32.32.0",
  "voltageSags.l2": "52.32.0",
  "voltageSags.l3": "72.32.0",
  "voltageSwells.l1": "32.36.0",
  "voltageSwells.l2": "52.36.0",
  "voltageSwells.l3": "72.36.0",
};

/** By the paths of a tree of electricity, metadata and M-Bus devices. */
export function factByPath(telegram: P1Telegram, way: string): Fact {
  const [head = "", ...tail] = way.split(".");
  const rest = tail.join(".");
  if (head === "electricity") {
    if (rest === "currentTariff") return Number(valueOf(telegram, "96.14.0")?.value);
    const phase = phaseCodes[rest];
    if (phase !== undefined) return valueOf(telegram, phase)?.value;
    return wattHours(valueOf(telegram, energyCodes[rest] ?? "none")?.value);
  }
  if (head === "mBus") return deviceFact(telegram, Number(tail[0]), tail[1] ?? "");
  if (head === "metadata") return metadataFact(telegram, rest);
  if (way === "dsmr.header.xxx") return telegram.manufacturer;
  if (way === "dsmr.header.identifier") return telegram.identifier;
  if (way === "dsmr.crc.value") return telegram.statedChecksum;
  const isRight = telegram.statedChecksum === telegram.actualChecksum;
  return way === "crcValid" || way === "dsmr.crc.valid" ? isRight : undefined;
}

function metadataFact(telegram: P1Telegram, name: string): Fact {
  const value = (code: string) => valueOf(telegram, code, 0)?.value;
  switch (name) {
    case "dsmrVersion":
      return Number(valueOf(telegram, "0.2.8")?.value) / 10;
    case "timestamp":
      return wallTime(value("1.0.0"));
    case "equipmentId":
      return value("96.1.1") ?? null;
    case "serialNumber":
      return Buffer.from(value("96.1.2") ?? "", "hex").toString("latin1");
    case "numericMessage":
      return Number(value("96.13.1"));
    case "textMessage":
      return value("96.13.0");
    default: {
      const code = eventCodes[name.replace("events.", "")];
      return code === undefined ? undefined : Number(valueOf(telegram, code)?.value);
    }
  }
}

function deviceFact(telegram: P1Telegram, channel: number, name: string): Fact {
  const codes = ["24.2.1", "24.2.3", "24.3.0"];
  const register = codes
    .map((code) => find(telegram, code, channel))
    .find((object) => object !== undefined);
  const { value, unit, time } = register === undefined ? noRegister : measured(register);
  switch (name) {
    case "deviceType":
      return Number(valueOf(telegram, "24.1.0", channel)?.value);
    case "equipmentId":
      return valueOf(telegram, "96.1.0", channel)?.value;
    case "timestamp":
      return wallTime(time);
    case "value":
      return value;
    case "unit":
      return unit;
    default:
      return name === "recordingPeriodMinutes" ? register?.values[2] : undefined;
  }
}

const noRegister: Measured = { value: "", unit: null, time: null };

/** Names of one library's objects, and their codes; # stands for the phases 1 to 3. */
const objectNames: Readonly<Record<string, string>> = {
  P1_MESSAGE_HEADER: "0.2.8",
  P1_MESSAGE_TIMESTAMP: "1.0.0",
  BELGIUM_VERSION_INFORMATION: "96.1.4",
  BELGIUM_EQUIPMENT_IDENTIFIER: "96.1.1",
  LUXEMBOURG_EQUIPMENT_IDENTIFIER: "42.0.0",
  EQUIPMENT_IDENTIFIER: "96.1.1",
  EQUIPMENT_IDENTIFIER_GAS: "96.1.0",
  ELECTRICITY_IMPORTED_TOTAL: "1.8.0",
  ELECTRICITY_USED_TARIFF_1: "1.8.1",
  ELECTRICITY_USED_TARIFF_2: "1.8.2",
  ELECTRICITY_EXPORTED_TOTAL: "2.8.0",
  ELECTRICITY_DELIVERED_TARIFF_1: "2.8.1",
  ELECTRICITY_DELIVERED_TARIFF_2: "2.8.2",
  ELECTRICITY_ACTIVE_TARIFF: "96.14.0",
  CURRENT_ELECTRICITY_USAGE: "1.7.0",
  CURRENT_ELECTRICITY_DELIVERY: "2.7.0",
  CURRENT_REACTIVE_IMPORTED: "3.7.0",
  CURRENT_REACTIVE_EXPORTED: "4.7.0",
  ELECTRICITY_REACTIVE_IMPORTED_TOTAL: "3.8.0",
  ELECTRICITY_REACTIVE_EXPORTED_TOTAL: "4.8.0",
  BELGIUM_CURRENT_AVERAGE_DEMAND: "1.4.0",
  BELGIUM_MAXIMUM_DEMAND_MONTH: "1.6.0",
  FUSE_THRESHOLD_L1: "31.4.0",
  ACTUAL_SWITCH_POSITION: "96.3.10",
  ACTUAL_TRESHOLD_ELECTRICITY: "17.0.0",
  SHORT_POWER_FAILURE_COUNT: "96.7.21",
  LONG_POWER_FAILURE_COUNT: "96.7.9",
  TEXT_MESSAGE: "96.13.0",
  TEXT_MESSAGE_CODE: "96.13.1",
  DEVICE_TYPE: "24.1.0",
  HOURLY_GAS_METER_READING: "24.2.1",
  GAS_METER_READING: "24.3.0",
  VALVE_POSITION_GAS: "24.4.0",
  MBUS_VALVE_POSITION: "24.4.0",
};
const phaseNames: Readonly<Record<string, string>> = {
  "INSTANTANEOUS_VOLTAGE_L#": "2.7.0",
  "INSTANTANEOUS_CURRENT_L#": "1.7.0",
  "INSTANTANEOUS_ACTIVE_POWER_L#_POSITIVE": "+1.7.0",
  "INSTANTANEOUS_ACTIVE_POWER_L#_NEGATIVE": "+2.7.0",
  "VOLTAGE_SAG_L#_COUNT": "2.32.0",
  "VOLTAGE_SWELL_L#_COUNT": "2.36.0",
};
const deviceNames: Readonly<Record<string, readonly string[]>> = {
  MBUS_DEVICE_TYPE: ["24.1.0"],
  MBUS_EQUIPMENT_IDENTIFIER: ["96.1.0", "96.1.1"],
  MBUS_VALVE_POSITION: ["24.4.0"],
  MBUS_METER_READING: ["24.2.1", "24.2.3", "24.3.0"],
};

/** By one library's names: NAME, NAME[2] or (1).NAME, then value, unit, datetime or occurred. */
export function factByName(telegram: P1Telegram, way: string): Fact {
  const kind = way.slice(way.lastIndexOf(".") + 1);
  const name = way.slice(0, way.lastIndexOf("."));
  const demand = /^BELGIUM_MAXIMUM_DEMAND_13_MONTHS[[.](\d+)\]?$/.exec(name)?.[1];
  if (demand !== undefined) return demandFact(telegram, Number(demand), kind);
  const object = namedObject(telegram, name);
  if (object === undefined) return undefined;
  const { value, unit, time } = measured(object);
  if (kind === "unit") return unit;
  if (kind === "datetime") return instant(time);
  return object.obis === "0-0:1.0.0" ? instant(value) : value;
}

function namedObject(telegram: P1Telegram, name: string): P1Object | undefined {
  const [, channel, device] = /^get_mbus_device_by_channel\((\d)\)\.(.*)$/.exec(name) ?? [];
  if (channel !== undefined) {
    const codes = deviceNames[device ?? ""] ?? [];
    return codes.map((code) => find(telegram, code, Number(channel))).find(Boolean);
  }
  const [, phase] = /_L([123])(?:_|$)/.exec(name) ?? [];
  const phaseCode = phaseNames[name.replace(/_L[123](?=_|$)/, "_L#")];
  if (phase === undefined || phaseCode === undefined) {
    return find(telegram, objectNames[name] ?? "none");
  }
  // Phases 1, 2 and 3 begin at 21, 41, 61 for power and at 30, 50, 70 for the rest.
  const tens = phaseCode.startsWith("+") ? 2 * Number(phase) : 2 * Number(phase) + 1;
  return find(telegram, `${tens}${phaseCode.replace("+", "")}`);
}

function demandFact(telegram: P1Telegram, index: number, kind: string): Fact {
  const values = find(telegram, "98.1.0")?.values.slice(3 + 3 * index) ?? [];
  const [value, unit] = (values[2] ?? "").split("*");
  if (kind === "datetime") return instant(values[0]);
  if (kind === "occurred") return instant(values[1]);
  return kind === "unit" ? unit : value;
}

/** Names of a reader's table of readings. */
const readerCodes: Readonly<Record<string, readonly string[]>> = {
  "reading.electricity_delivered_1": ["1.8.1", "1.8.0"],
  "reading.electricity_delivered_2": ["1.8.2"],
  "reading.electricity_returned_1": ["2.8.1", "2.8.0"],
  "reading.electricity_returned_2": ["2.8.2"],
  "reading.electricity_currently_delivered": ["1.7.0"],
  "reading.electricity_currently_returned": ["2.7.0"],
  "meter_statistics.dsmr_version": ["0.2.8"],
  "meter_statistics.electricity_tariff": ["96.14.0"],
  "meter_statistics.power_failure_count": ["96.7.21"],
  "meter_statistics.long_power_failure_count": ["96.7.9"],
};
const readerPhaseCodes: Readonly<Record<string, readonly string[]>> = {
  "reading.phase_currently_delivered": ["21.7.0", "41.7.0", "61.7.0"],
  "reading.phase_currently_returned": ["22.7.0", "42.7.0", "62.7.0"],
  "reading.phase_voltage": ["32.7.0", "52.7.0", "72.7.0"],
  "reading.phase_power_current": ["31.7.0", "51.7.0", "71.7.0"],
  "meter_statistics.voltage_sag_count": ["32.32.0", "52.32.0", "72.32.0"],
  "meter_statistics.voltage_swell_count": ["32.36.0", "52.36.0", "72.36.0"],
};

/** By a reader's names; what its table fills in for a telegram that does not say is not asked. */
export function factOfReader(telegram: P1Telegram, name: string, wanted: unknown): Fact {
  const [, stem = "", phase] = /^(.*)_l([123])$/.exec(name) ?? [];
  const phaseCode = readerPhaseCodes[stem]?.[Number(phase) - 1];
  const codes = phaseCode === undefined ? (readerCodes[name] ?? []) : [phaseCode];
  const found = codes.map((code) => valueOf(telegram, code)).find((value) => value !== undefined);
  if (name === "reading.timestamp") {
    return instant(valueOf(telegram, "1.0.0")?.value);
  }
  // Whole amperes are what the reader keeps; a second tariff that is not there is zero.
  if (stem === "reading.phase_power_current" && Number.isInteger(wanted)) {
    return found === undefined ? null : Math.trunc(Number(found.value));
  }
  if (found === undefined && /_[12]$/.test(name)) return 0;
  if (name === "meter_statistics.electricity_tariff" && found !== undefined) {
    return Number(found.value);
  }
  return found?.value ?? null;
}

/**
 * What the two status bytes ST0 and ST1 mean. The standard fixes the valve and the battery and leaves
 * the rest to the vendor, and vendors do not even keep to the valve: so a meter's map is data of its
 * profile. Byte 0 of a map is ST0, byte 1 is ST1.
 */
import type { StatusMap } from "#domain/meterFile.ts";
import { readStatus, writeStatus, type MeterStatus } from "#protocols/codec/statusMap.ts";

type ValveBits = StatusMap["valve"];
type Bits = StatusMap["bits"];

/** D1 D0 of ST0. Value 10 is not defined: it says nothing, and it never says open. */
const standardValve: ValveBits = {
  byte: 0,
  mask: 0b11,
  positions: { 0b00: "open", 0b01: "closed", 0b11: "fault" },
};
const batteryLow: Bits = [{ byte: 0, bit: 2, status: "battery_low" }];

/** Gas meters, until a profile says otherwise. ST1 is our choice: no public text has one. */
export const gasDefault: StatusMap = {
  valve: standardValve,
  bits: [
    ...batteryLow,
    { byte: 1, bit: 0, status: "leak" },
    { byte: 1, bit: 1, status: "external_alarm" },
    { byte: 1, bit: 2, status: "over_flow" },
    { byte: 1, bit: 3, status: "micro_flow" },
    { byte: 1, bit: 4, status: "magnet" },
    { byte: 1, bit: 5, status: "valve_passing" },
  ],
};

/** ST1 of the NB-IoT document: battery, empty pipe, backflow, over-range, temperature, EEPROM. */
export const nbIot: StatusMap = {
  valve: standardValve,
  bits: [
    ...batteryLow,
    { byte: 1, bit: 0, status: "battery_low" },
    { byte: 1, bit: 2, status: "reverse_flow" },
    { byte: 1, bit: 3, status: "over_flow" },
    { byte: 1, bit: 4, status: "meter_fault" },
    { byte: 1, bit: 5, status: "meter_fault" },
  ],
};

/** Meters of other media in the standard's own frames: ST1 is not ours to read. */
export const standardOnly: StatusMap = { valve: standardValve, bits: batteryLow };

/** D0 is set when the valve is closed, D1 when something is wrong with it. */
const closedBit: StatusMap = {
  valve: {
    byte: 0,
    mask: 0b11,
    positions: { 0b00: "open", 0b01: "closed", 0b10: "fault", 0b11: "fault" },
  },
  bits: batteryLow,
};

/** 00 open, 10 closed, 01 on its way, 11 fault. */
const movingBit: StatusMap = {
  valve: {
    byte: 0,
    mask: 0b11,
    positions: { 0b00: "open", 0b10: "closed", 0b01: "moving", 0b11: "fault" },
  },
  bits: batteryLow,
};

/** The valve in D7 D6 and the battery in D5. */
const highBits: StatusMap = {
  valve: {
    byte: 0,
    mask: 0xc0,
    positions: { 0x00: "open", 0x40: "closed", 0xc0: "fault" },
  },
  bits: [{ byte: 0, bit: 5, status: "battery_low" }],
};

/** Maps that are published or our default, by the names under which a profile may take them. */
export const statusMaps = {
  gasDefault,
  nbIot,
  standardOnly,
  closedBit,
  movingBit,
  highBits,
} as const satisfies Readonly<Record<string, StatusMap>>;

/** Meter types of the gas family. */
export const gasMeterTypeMin = 0x30;
const gasMeterTypeMax = 0x39;

/** Whether T is one of the gas family. */
export function isGas(meterType: number): boolean {
  return meterType >= gasMeterTypeMin && meterType <= gasMeterTypeMax;
}

/** A second byte that the meter does not use. */
export const unusedByte = 0xff;

/** ST0 and ST1 by a map. */
export function statusOf(map: StatusMap, first: number, second: number): MeterStatus {
  const isUnused = second === unusedByte;
  const status = readStatus(map, [first, isUnused ? 0 : second]);
  const isValveUnused = isUnused && map.valve?.byte === 1;
  return isValveUnused ? { ...status, valve: "unknown" } : status;
}

/** ST0 and ST1 that say this, as far as the map can. */
export function statusBytesOf(map: StatusMap, status: MeterStatus): Uint8Array {
  return Uint8Array.from(writeStatus(map, status, 2));
}

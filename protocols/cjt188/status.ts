/**
 * What the two status bytes mean. The standard fixes the valve and the battery in the first byte and
 * leaves the second to the vendor, so the rest is a profile per kind of meter: data, not code.
 */
import { hasStatus, statusBits, type StatusFlags, type StatusName } from "#domain/status.ts";
import type { ValvePosition } from "#domain/telegram.ts";

/** Names of the bits D0 to D7; null: no meaning for us. */
type BitNames = readonly (StatusName | null)[];

/** What each bit of ST0 and ST1 means for one kind of meter. */
export interface StatusProfile {
  readonly first: BitNames;
  readonly second: BitNames;
}

/** D1 D0 are the valve, D2 the battery, D3 and D4 reserved, D5 to D7 the vendor's. */
const standardFirst: BitNames = [null, null, "battery_low"];

/** Gas meters, until a model says otherwise. The second byte is our choice: no public text has one. */
export const gasDefault: StatusProfile = {
  first: standardFirst,
  second: ["leak", "external_alarm", "over_flow", "micro_flow", "magnet", "valve_passing"],
};

/** The NB-IoT document's second byte: battery, empty pipe, backflow, over-range, temperature, EEPROM. */
export const nbIot: StatusProfile = {
  first: standardFirst,
  second: ["battery_low", null, "reverse_flow", "over_flow", "meter_fault", "meter_fault"],
};

/** Meters of other media in the standard's own frames: the second byte is not ours to read. */
export const standardOnly: StatusProfile = { first: standardFirst, second: [] };

/** Meter types of the gas family. */
export const gasMeterTypeMin = 0x30;
const gasMeterTypeMax = 0x39;

/** Whether T is one of the gas family. */
export function isGas(meterType: number): boolean {
  return meterType >= gasMeterTypeMin && meterType <= gasMeterTypeMax;
}

/** Value 10 is not defined: it says nothing, and it never says open. */
const valveByBits: readonly ValvePosition[] = ["open", "closed", "unknown", "fault"];

/** A second byte that the meter does not use. */
const unused = 0xff;

/** What the status bytes say. */
export interface MeterStatus {
  readonly valve: ValvePosition;
  readonly flags: StatusFlags;
}

/** The two bytes by a profile. */
export function statusOf(profile: StatusProfile, first: number, second: number): MeterStatus {
  const valve = valveByBits[first & 3] ?? "unknown";
  const flags =
    flagsOf(profile.first, first) |
    (second === unused ? 0 : flagsOf(profile.second, second)) |
    (valve === "fault" ? statusBits.valve_fault : 0);
  return { valve, flags };
}

/** The two bytes that say this, as far as the profile can. */
export function statusBytesOf(profile: StatusProfile, { valve, flags }: MeterStatus): Uint8Array {
  const position = valveByBits.indexOf(valve);
  const first = (position < 0 ? 2 : position) | bitsOf(profile.first, flags);
  return Uint8Array.of(first, bitsOf(profile.second, flags));
}

function flagsOf(names: BitNames, byte: number): StatusFlags {
  let flags = 0;
  for (const [bit, name] of names.entries()) {
    if (name !== null && (byte & (1 << bit)) !== 0) flags |= statusBits[name];
  }
  return flags;
}

function bitsOf(names: BitNames, flags: StatusFlags): number {
  let byte = 0;
  for (const [bit, name] of names.entries()) {
    if (name !== null && hasStatus(flags, statusBits[name])) byte |= 1 << bit;
  }
  return byte;
}
